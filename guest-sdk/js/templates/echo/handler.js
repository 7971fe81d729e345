/**
 * Sends each message back, text as text and binary as binary.
 *
 * @type {import("@socklet/guest").HandlerObject}
 */
export default {
  onMessage(connection, message) {
    connection.write(message);
  },
};
