// The gate, and the answer that it builds.
#include "../socklet/gate.h"

#include <stdlib.h>

#include "raw.h"

struct socklet_answer {
  bool rejected;
  uint16_t status;
  // Of `socklet_raw_tuple2_string_list_u8_t`, as the host will read them.
  socklet_buffer headers;
  socklet_raw_string_t body;
  socklet_raw_option_string_t subprotocol;
  socklet_raw_option_list_u8_t attachment;
};

// The host frees what it is answered by way of the bindings, so all of it is allocated.
static socklet_raw_string_t copy_of(const void *data, size_t length) {
  socklet_raw_string_t copy;
  socklet_raw_string_dup_n(&copy, data, length);
  return copy;
}

static socklet_raw_list_u8_t bytes_of(const void *data, size_t length) {
  socklet_raw_string_t copy = copy_of(data, length);
  return (socklet_raw_list_u8_t){copy.ptr, copy.len};
}

void socklet_reject(socklet_answer *answer, uint16_t status, const char *body) {
  socklet_string text = socklet_string_of(body == NULL ? "" : body);
  answer->rejected = true;
  answer->status = status;
  socklet_raw_string_free(&answer->body);
  answer->body = copy_of(text.data, text.length);
}

void socklet_answer_header(socklet_answer *answer, const char *name, const char *value) {
  socklet_raw_tuple2_string_list_u8_t field = {
      .f0 = copy_of(name, strlen(name)),
      .f1 = bytes_of(value, strlen(value)),
  };
  socklet_append(&answer->headers, &field, sizeof field);
}

void socklet_agree(socklet_answer *answer, socklet_string subprotocol) {
  socklet_raw_option_string_free(&answer->subprotocol);
  answer->subprotocol = (socklet_raw_option_string_t){
      .is_some = true,
      .val = copy_of(subprotocol.data, subprotocol.length),
  };
}

void socklet_attach(socklet_answer *answer, const void *data, size_t length) {
  socklet_raw_option_list_u8_free(&answer->attachment);
  answer->attachment =
      (socklet_raw_option_list_u8_t){.is_some = true, .val = bytes_of(data, length)};
}

bool exports_socklet_websocket_gate_on_request(
    exports_socklet_websocket_gate_connection_id_t connection,
    exports_socklet_websocket_gate_request_t *raw,
    exports_socklet_websocket_gate_acceptance_t *acceptance,
    exports_socklet_websocket_gate_rejection_t *rejection) {
  socklet_request request = request_of_raw(raw);
  socklet_answer answer = {0};
  socklet_exported_gate(connection, &request, &answer);
  exports_socklet_websocket_gate_request_free(raw);
  socklet_raw_list_tuple2_string_list_u8_t headers = {
      .ptr = (socklet_raw_tuple2_string_list_u8_t *) answer.headers.data,
      .len = answer.headers.length / sizeof(socklet_raw_tuple2_string_list_u8_t),
  };
  if (answer.rejected) {
    *rejection = (exports_socklet_websocket_gate_rejection_t){
        .status = answer.status, .headers = headers, .body = answer.body};
    socklet_raw_option_string_free(&answer.subprotocol);
    socklet_raw_option_list_u8_free(&answer.attachment);
    return false;
  }
  *acceptance = (exports_socklet_websocket_gate_acceptance_t){
      .subprotocol = answer.subprotocol, .headers = headers, .attachment = answer.attachment};
  return true;
}
