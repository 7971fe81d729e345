// Sends each message back, text as text and binary as binary.

#include "socklet.h"

static void on_message(void *state, socklet_connection connection, socklet_message message) {
  (void) state;
  socklet_write(connection, message);
}

SOCKLET_EXPORT(.on_message = on_message)
