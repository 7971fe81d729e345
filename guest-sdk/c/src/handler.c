// The events, from the bindings to the handler's functions.
#include "../socklet/handler.h"

#include "members.h"
#include "raw.h"

// Not there, or NULL, unless the handler hears of timers: who doesn't must not import them.
extern void (*const socklet_exported_removal)(socklet_connection connection)
    __attribute__((__weak__));

socklet_request request_of_raw(const socklet_websocket_types_request_t *raw) {
  _Static_assert(sizeof(socklet_header_field) == sizeof(socklet_raw_tuple2_string_list_u8_t) &&
                     offsetof(socklet_header_field, value) ==
                         offsetof(socklet_raw_tuple2_string_list_u8_t, f1),
                 "the header fields are handed on as they lie there");
  return (socklet_request){
      .path = string_of_raw(raw->path),
      .query = option_of_raw(raw->query),
      .headers = (const socklet_header_field *) raw->headers.ptr,
      .header_count = raw->headers.len,
      .remote_address = string_of_raw(raw->remote_address),
      .subprotocol = option_of_raw(raw->subprotocol),
  };
}

void exports_socklet_websocket_handler_on_ready(
    exports_socklet_websocket_handler_connection_id_t connection,
    exports_socklet_websocket_handler_request_t *raw) {
  socklet_request request = request_of_raw(raw);
  void *state = NULL;
  if (socklet_exported_handler.on_ready != NULL) {
    state = socklet_exported_handler.on_ready(connection, &request);
  }
  members_add(connection, state);
  exports_socklet_websocket_handler_request_free(raw);
}

void exports_socklet_websocket_handler_on_message(
    exports_socklet_websocket_handler_connection_id_t connection,
    exports_socklet_websocket_handler_message_t *raw) {
  if (socklet_exported_handler.on_message != NULL) {
    bool binary = raw->tag == SOCKLET_WEBSOCKET_TYPES_MESSAGE_BINARY;
    socklet_message message = {
        .kind = binary ? SOCKLET_BINARY : SOCKLET_TEXT,
        .data = (const char *) (binary ? raw->val.binary.ptr : raw->val.text.ptr),
        .length = binary ? raw->val.binary.len : raw->val.text.len,
    };
    socklet_exported_handler.on_message(socklet_state(connection), connection, message);
  }
  exports_socklet_websocket_handler_message_free(raw);
}

void exports_socklet_websocket_handler_on_close(
    exports_socklet_websocket_handler_connection_id_t connection,
    exports_socklet_websocket_handler_close_event_t *raw) {
  void *state = members_remove(connection);
  if (socklet_exported_handler.on_close != NULL) {
    socklet_close_event event = {
        .origin = (socklet_close_origin) raw->origin,
        .code = raw->code,
        .reason = string_of_raw(raw->reason),
        .detail = string_of_raw(raw->detail),
    };
    socklet_exported_handler.on_close(state, connection, &event);
  }
  if (&socklet_exported_removal != NULL && socklet_exported_removal != NULL) {
    socklet_exported_removal(connection);
  }
  exports_socklet_websocket_handler_close_event_free(raw);
}
