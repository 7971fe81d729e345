import type { HandlerObject } from "@socklet/guest";

// Sends each message back, text as text and binary as binary.
export default {
  onMessage(connection, message) {
    connection.write(message);
  },
} satisfies HandlerObject;
