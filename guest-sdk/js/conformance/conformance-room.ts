// The guest of docs/conformance.md for an instance that connections share.
import { Room } from "@socklet/guest";
import type { Connection, Message } from "@socklet/guest";

export default class ConformanceRoom extends Room {
  static schema = 1;

  count = 0;

  override onReady(connection: Connection) {
    connection.write(`ready ${this.members.size + 1}`);
    this.members.broadcast(`+${connection.id}`);
  }

  override onMessage(connection: Connection, message: Message) {
    this.count += 1;
    const text = typeof message === "string" ? message : "";
    if (text === "/members") connection.write(String(this.members.size));
    else if (text === "/count") connection.write(String(this.count));
    else if (text.startsWith("/others ")) this.members.broadcastExcept(connection, text.slice(8));
    else if (text.startsWith("/fail ")) throw new Error(text.slice(6));
    else this.members.broadcast(message);
  }

  override onClose(connection: Connection) {
    this.members.broadcast(`-${connection.id}`);
  }
}
