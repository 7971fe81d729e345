// The peer: an echo by Deno's own server.
const subscribers = new Set();

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(`ws://127.0.0.1:${port}`),
}, (request) => {
  if (request.headers.get("upgrade") !== "websocket") {
    return new Response("a WebSocket server\n", { status: 426 });
  }
  const { pathname } = new URL(request.url);
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  if (pathname === "/broadcast") {
    socket.onopen = () => subscribers.add(socket);
    socket.onclose = () => subscribers.delete(socket);
    socket.onmessage = ({ data }) => {
      for (const other of subscribers) if (other !== socket) other.send(data);
    };
  } else {
    if (pathname === "/hello") socket.onopen = () => socket.send("Hello!");
    socket.onmessage = ({ data }) => socket.send(data);
  }
  return response;
});
