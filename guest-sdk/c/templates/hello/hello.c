// Greets each peer, logs what it says, and logs that it left.

#include "socklet.h"

// A connection is open. What this returns is the connection's state, which the other
// functions get; this handler keeps none.
static void *on_ready(socklet_connection connection, const socklet_request *request) {
  (void) request;
  socklet_write_text(connection, "Hello!");
  return NULL;
}

// The peer sent a message. Its data is not NUL-terminated, hence "%.*s".
static void on_message(void *state, socklet_connection connection, socklet_message message) {
  (void) state, (void) connection;
  if (message.kind == SOCKLET_TEXT) {
    socklet_info("%.*s", (int) message.length, message.data);
  } else {
    socklet_info("<%zu bytes>", message.length);
  }
}

// The connection has ended. A handler with a state frees it here.
static void on_close(void *state, socklet_connection connection,
                     const socklet_close_event *event) {
  (void) state, (void) connection, (void) event;
  socklet_info("Disconnected");
}

SOCKLET_EXPORT(.on_ready = on_ready, .on_message = on_message, .on_close = on_close)
