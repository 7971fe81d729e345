#include "websocket_handler.h"

#include <string.h>

// Every value that an export is given is the handler's own: the `..._free` functions release it.

// "<N bytes>" at the end of `text`. Not with snprintf: stdio imports files from WASI.
static const char *describe(char *text, size_t size, size_t bytes) {
  static const char unit[] = " bytes>";
  char *start = text + size - sizeof unit;
  memcpy(start, unit, sizeof unit);
  do {
    *--start = '0' + bytes % 10;
    bytes /= 10;
  } while (bytes > 0);
  *--start = '<';
  return start;
}

static void log_info(websocket_handler_string_t *line) {
  socklet_websocket_log_log(SOCKLET_WEBSOCKET_LOG_LEVEL_INFO, line);
}

void exports_socklet_websocket_handler_on_ready(
    exports_socklet_websocket_handler_connection_id_t connection,
    exports_socklet_websocket_handler_request_t *request) {
  socklet_websocket_types_message_t hello = {.tag = SOCKLET_WEBSOCKET_TYPES_MESSAGE_TEXT};
  websocket_handler_string_set(&hello.val.text, "Hello!");
  socklet_websocket_connection_write(connection, &hello);

  exports_socklet_websocket_handler_request_free(request);
}

void exports_socklet_websocket_handler_on_message(
    exports_socklet_websocket_handler_connection_id_t connection,
    exports_socklet_websocket_handler_message_t *message) {
  if (message->tag == SOCKLET_WEBSOCKET_TYPES_MESSAGE_TEXT) {
    log_info(&message->val.text);
  } else {
    char text[32];
    websocket_handler_string_t line;
    websocket_handler_string_set(&line, describe(text, sizeof text, message->val.binary.len));
    log_info(&line);
  }

  exports_socklet_websocket_handler_message_free(message);
}

void exports_socklet_websocket_handler_on_close(
    exports_socklet_websocket_handler_connection_id_t connection,
    exports_socklet_websocket_handler_close_event_t *event) {
  websocket_handler_string_t line;
  websocket_handler_string_set(&line, "Disconnected");
  log_info(&line);

  exports_socklet_websocket_handler_close_event_free(event);
}
