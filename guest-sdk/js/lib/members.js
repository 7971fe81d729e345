import * as host from "#host/connection";
import { refuse } from "./connection.js";
import * as log from "./log.js";
import { toMessage } from "./message.js";

export class Members {
  #byId = new Map();

  get size() {
    return this.#byId.size;
  }

  has(connection) {
    return this.#byId.has(connection?.id);
  }

  get(id) {
    return this.#byId.get(id);
  }

  [Symbol.iterator]() {
    return this.#byId.values();
  }

  others(connection) {
    return [...this.#byId.values()].filter((member) => member !== connection);
  }

  broadcast(data) {
    this.#send(data, undefined);
  }

  broadcastExcept(connection, data) {
    this.#send(data, connection);
  }

  #send(data, except) {
    const message = toMessage(data);
    for (const [id, member] of this.#byId) {
      if (member === except) continue;
      const outcome = host.write(id, message);
      if (outcome === "too-large") {
        // Closes nobody: else a member could end the room with a message that is just
        // small enough to come in, and too large once its name is before it.
        log.error("a broadcast goes to nobody: it is over max-message-size: split it");
        return;
      }
      if (outcome !== "queued") refuse(member, outcome);
    }
  }

  // For the SDK alone: as statics they are not among what `this.members` offers.
  static add = (members, connection) => members.#byId.set(connection.id, connection);
  static remove = (members, connection) => members.#byId.delete(connection.id);
}
