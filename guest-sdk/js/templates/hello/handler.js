/**
 * Greets each peer, logs what it says, and logs that it left.
 *
 * @type {import("@socklet/guest").HandlerObject}
 */
export default {
  // The connection is open: what is written reaches the peer.
  onReady(connection, request) {
    connection.write("Hello!");
  },

  // A message is a string if the peer sent text, and a Uint8Array if it sent binary.
  onMessage(connection, message) {
    console.log(message);
  },

  // It has ended, whoever ended it: event.code and event.origin say how.
  onClose(connection, event) {
    console.log("Disconnected");
  },
};
