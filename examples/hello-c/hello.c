#include "websocket_handler.h"

#include <string.h>

// What an export is given belongs to the handler: the `..._free` functions release it.

static void log_info(websocket_handler_string_t *line) {
  socklet_websocket_log_log(SOCKLET_WEBSOCKET_LOG_LEVEL_INFO, line);
}

// Logs `<N bytes>`. Formatted by hand: printf brings in a standard output, and with it WASI.
static void log_size(size_t size) {
  char text[] = "<4294967295 bytes>";
  const size_t digits_end = strlen("<4294967295");

  size_t start = digits_end;
  do {
    text[--start] = '0' + size % 10;
    size /= 10;
  } while (size > 0);
  text[--start] = '<';

  websocket_handler_string_t line;
  websocket_handler_string_set(&line, text + start);
  log_info(&line);
}

void exports_socklet_websocket_handler_on_ready(uint64_t connection,
                                                socklet_websocket_types_request_t *request) {
  socklet_websocket_types_message_t hello = {.tag = SOCKLET_WEBSOCKET_TYPES_MESSAGE_TEXT};
  websocket_handler_string_set(&hello.val.text, "Hello!");
  socklet_websocket_connection_write(connection, &hello);

  socklet_websocket_types_request_free(request);
}

void exports_socklet_websocket_handler_on_message(uint64_t connection,
                                                  socklet_websocket_types_message_t *message) {
  (void)connection;

  if (message->tag == SOCKLET_WEBSOCKET_TYPES_MESSAGE_TEXT) {
    log_info(&message->val.text);
  } else {
    log_size(message->val.binary.len);
  }

  socklet_websocket_types_message_free(message);
}

void exports_socklet_websocket_handler_on_close(uint64_t connection,
                                                socklet_websocket_types_close_event_t *event) {
  (void)connection;

  websocket_handler_string_t line;
  websocket_handler_string_set(&line, "Disconnected");
  log_info(&line);

  socklet_websocket_types_close_event_free(event);
}
