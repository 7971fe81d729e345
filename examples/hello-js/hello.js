import { write } from "socklet:websocket/connection@0.1.0";
import { log } from "socklet:websocket/log@0.1.0";

// A connection is named by a BigInt, a message is { tag: "text" | "binary", val }.
export const handler = {
  onReady(connection, _request) {
    write(connection, { tag: "text", val: "Hello!" });
  },

  onMessage(_connection, message) {
    log("info", message.tag === "text" ? message.val : `<${message.val.length} bytes>`);
  },

  onClose(_connection, _event) {
    log("info", "Disconnected");
  },
};
