export default {
  onReady(connection, request) {
    connection.write(`Hello, ${request.query("name")}!`);
  },

  onMessage(connection, message) {
    connection.write(message.toUpperCase());
  },
};
