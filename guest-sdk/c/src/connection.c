// Writes, closes, and what is known of a connection.
#include "../socklet/connection.h"

#include "../socklet/log.h"
#include "raw.h"

socklet_write_outcome socklet_try_write(socklet_connection connection, socklet_message message) {
  socklet_buffer room = {0};
  socklet_websocket_types_message_t raw =
      raw_message(socklet_well_formed_message(message, &room));
  socklet_write_outcome outcome =
      (socklet_write_outcome) socklet_websocket_connection_write(connection, &raw);
  socklet_free(&room);
  return outcome;
}

void socklet_write(socklet_connection connection, socklet_message message) {
  switch (socklet_try_write(connection, message)) {
    case SOCKLET_FULL:
      // Named, since the event that is running may be another connection's.
      socklet_warn("connection %llu is closed with 1013: its queue is at max-backpressure: "
                   "write less, or keep what socklet_try_write refuses",
                   (unsigned long long) connection);
      socklet_close(connection, 1013, "max-backpressure");
      break;
    case SOCKLET_TOO_LARGE:
      socklet_warn("connection %llu is closed with 1011: a message was over max-message-size: "
                   "split it",
                   (unsigned long long) connection);
      socklet_close(connection, 1011, "max-message-size");
      break;
    case SOCKLET_QUEUED:
    case SOCKLET_CLOSED: break;
  }
}

void socklet_write_text(socklet_connection connection, const char *text) {
  socklet_write(connection, socklet_text(socklet_string_of(text)));
}

void socklet_write_bytes(socklet_connection connection, const void *data, size_t length) {
  socklet_write(connection, socklet_binary(data, length));
}

void socklet_writef(socklet_connection connection, const char *format, ...) {
  socklet_buffer text = {0};
  va_list arguments;
  va_start(arguments, format);
  socklet_vappendf(&text, format, arguments);
  va_end(arguments);
  socklet_write(connection, socklet_text(socklet_contents(&text)));
  socklet_free(&text);
}

socklet_close_outcome socklet_close(socklet_connection connection, uint16_t code,
                                    const char *reason) {
  socklet_buffer room = {0};
  socklet_string text = socklet_string_of(reason == NULL ? "" : reason);
  socklet_raw_string_t raw = raw_string(socklet_well_formed(text, &room));
  socklet_close_outcome outcome =
      (socklet_close_outcome) socklet_websocket_connection_close(connection, code, &raw);
  if (outcome == SOCKLET_CLOSE_INVALID) {
    socklet_error("connection %llu stays open: a close frame can't carry code %u with a reason "
                  "of %zu bytes: use 1000 or 3000 to 4999, and at most 123 bytes",
                  (unsigned long long) connection, code, raw.len);
  }
  socklet_free(&room);
  return outcome;
}

uint64_t socklet_buffered_amount(socklet_connection connection) {
  return socklet_websocket_connection_buffered_amount(connection);
}

bool socklet_param(socklet_connection connection, const char *name, socklet_buffer *value) {
  socklet_raw_list_tuple2_string_string_t params;
  socklet_websocket_opening_params(connection, &params);
  bool found = false;
  for (size_t i = 0; i < params.len && !found; i++) {
    if (socklet_string_is(string_of_raw(params.ptr[i].f0), name)) {
      socklet_append(value, params.ptr[i].f1.ptr, params.ptr[i].f1.len);
      found = true;
    }
  }
  socklet_raw_list_tuple2_string_string_free(&params);
  return found;
}

bool socklet_claims(socklet_connection connection, socklet_buffer *claims) {
  socklet_raw_string_t raw;
  if (!socklet_websocket_opening_claims(connection, &raw)) {
    return false;
  }
  socklet_append(claims, raw.ptr, raw.len);
  socklet_raw_string_free(&raw);
  return true;
}

bool socklet_attachment(socklet_connection connection, socklet_buffer *attachment) {
  socklet_raw_list_u8_t raw;
  if (!socklet_websocket_opening_attachment(connection, &raw)) {
    return false;
  }
  socklet_append(attachment, raw.ptr, raw.len);
  socklet_raw_list_u8_free(&raw);
  return true;
}
