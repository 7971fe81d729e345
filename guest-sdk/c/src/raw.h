// The generated bindings, and the mapping of their strings.
#ifndef SOCKLET_RAW
#define SOCKLET_RAW

#include "../bindings/socklet_raw.h"
#include "../socklet/connection.h"
#include "../socklet/request.h"

// The bindings take pointers to what they only read.
static inline socklet_raw_string_t raw_string(socklet_string string) {
  return (socklet_raw_string_t){(uint8_t *) string.data, string.length};
}

// The text, or, where that is no UTF-8, what it is with U+FFFD for each wrong byte: in `room`
// then, which is the caller's to free.
socklet_string socklet_well_formed(socklet_string text, socklet_buffer *room);
socklet_message socklet_well_formed_message(socklet_message message, socklet_buffer *room);

static inline socklet_raw_string_t raw_text(const char *text) {
  return raw_string(socklet_string_of(text));
}

static inline socklet_string string_of_raw(socklet_raw_string_t raw) {
  // What is empty points nowhere in particular.
  return (socklet_string){raw.len == 0 ? "" : (const char *) raw.ptr, raw.len};
}

static inline socklet_string option_of_raw(socklet_raw_option_string_t raw) {
  return raw.is_some ? string_of_raw(raw.val) : (socklet_string){0};
}

static inline socklet_websocket_types_message_t raw_message(socklet_message message) {
  socklet_websocket_types_message_t raw = {.tag = SOCKLET_WEBSOCKET_TYPES_MESSAGE_TEXT};
  raw.val.text = raw_string((socklet_string){message.data, message.length});
  if (message.kind == SOCKLET_BINARY) {
    raw.tag = SOCKLET_WEBSOCKET_TYPES_MESSAGE_BINARY;
    raw.val.binary = (socklet_raw_list_u8_t){(uint8_t *) message.data, message.length};
  }
  return raw;
}

socklet_request request_of_raw(const socklet_websocket_types_request_t *raw);

#endif
