// The peer: an echo by the library ws on Node.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
const subscribers = new Set();

server.on("listening", () => console.log(`ws://127.0.0.1:${server.address().port}`));

server.on("connection", (socket, request) => {
  socket.on("error", () => socket.terminate());
  if (request.url === "/broadcast") {
    subscribers.add(socket);
    socket.on("close", () => subscribers.delete(socket));
    socket.on("message", (data, binary) => {
      for (const other of subscribers) if (other !== socket) other.send(data, { binary });
    });
    return;
  }
  if (request.url === "/hello") socket.send("Hello!");
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
