// The peer: an echo by Bun's own server.
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    const { pathname } = new URL(request.url);
    if (server.upgrade(request, { data: { pathname } })) return;
    return new Response("a WebSocket server\n", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    // Idle connections are held for longer than the two minutes that are the default.
    idleTimeout: 0,
    open(socket) {
      if (socket.data.pathname === "/hello") socket.send("Hello!");
      if (socket.data.pathname === "/broadcast") socket.subscribe("all");
    },
    message(socket, message) {
      if (socket.data.pathname === "/broadcast") socket.publish("all", message);
      else socket.send(message);
    },
  },
});

console.log(`ws://127.0.0.1:${server.port}`);
