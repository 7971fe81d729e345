import { write } from "socklet:websocket/connection@0.1.0";

export const handler = {
  onReady(_connection, _request) {},

  onMessage(connection, message) {
    write(connection, message);
  },

  onClose(_connection, _event) {},
};
