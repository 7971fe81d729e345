// Answers by wasi:http.
#include <stdlib.h>

#include "http_wasi.h"

// The most that one piece has.
enum { PIECE = 64 * 1024 };

typedef struct body {
  wasi_http_types_own_input_stream_t stream;
  wasi_http_types_own_incoming_body_t owner;
} body;

void http_wait_for(wasi_io_poll_own_pollable_t pollable) {
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
  wasi_io_poll_pollable_drop_own(pollable);
}

static void take_head(wasi_http_types_own_incoming_response_t incoming,
                      socklet_http_response *response) {
  _Static_assert(sizeof(socklet_header_field) ==
                         sizeof(wasi_http_types_tuple2_field_name_field_value_t) &&
                     offsetof(socklet_header_field, value) ==
                         offsetof(wasi_http_types_tuple2_field_name_field_value_t, f1),
                 "the header fields are handed on as they lie there");
  wasi_http_types_borrow_incoming_response_t borrowed =
      wasi_http_types_borrow_incoming_response(incoming);
  response->status = wasi_http_types_method_incoming_response_status(borrowed);
  wasi_http_types_own_fields_t fields =
      wasi_http_types_method_incoming_response_headers(borrowed);
  wasi_http_types_list_tuple2_field_name_field_value_t entries;
  wasi_http_types_method_fields_entries(wasi_http_types_borrow_fields(fields), &entries);
  wasi_http_types_fields_drop_own(fields);
  response->headers = (const socklet_header_field *) entries.ptr;
  response->header_count = entries.len;
  body *coming = malloc(sizeof *coming);
  if (coming == NULL) {
    abort();
  }
  // Each is there for who asks first, as this does.
  if (!wasi_http_types_method_incoming_response_consume(borrowed, &coming->owner)) {
    free(coming);
  } else if (!wasi_http_types_method_incoming_body_stream(
                 wasi_http_types_borrow_incoming_body(coming->owner), &coming->stream)) {
    wasi_http_types_incoming_body_drop_own(coming->owner);
    free(coming);
  } else {
    response->exchange->body = coming;
  }
  wasi_http_types_incoming_response_drop_own(incoming);
}

void http_await_head(wasi_http_types_own_future_incoming_response_t future,
                       const socklet_http_request *request, socklet_http_response *response) {
  wasi_http_types_borrow_future_incoming_response_t borrowed =
      wasi_http_types_borrow_future_incoming_response(future);
  http_wait_for(wasi_http_types_method_future_incoming_response_subscribe(borrowed));
  wasi_http_types_result_result_own_incoming_response_error_code_void_t result;
  if (!wasi_http_types_method_future_incoming_response_get(borrowed, &result) || result.is_err) {
    http_fail(response, SOCKLET_HTTP_OTHER, socklet_string_of("the answer is not there"));
  } else if (result.val.ok.is_err) {
    http_fail_with(response, request, &result.val.ok.val.err);
  } else {
    take_head(result.val.ok.val.ok, response);
  }
  wasi_http_types_future_incoming_response_drop_own(future);
}

static void fail_of_stream(socklet_http_response *response, wasi_io_error_own_error_t error) {
  wasi_io_error_borrow_error_t borrowed = wasi_io_error_borrow_error(error);
  wasi_http_types_error_code_t code;
  if (wasi_http_types_http_error_code(borrowed, &code)) {
    http_fail_with(response, NULL, &code);
  } else {
    socklet_http_raw_string_t text;
    wasi_io_error_method_error_to_debug_string(borrowed, &text);
    http_fail(response, SOCKLET_HTTP_OTHER,
              (socklet_string){(const char *) text.ptr, text.len});
    socklet_http_raw_string_free(&text);
  }
  wasi_io_error_error_drop_own(error);
}

bool http_host_read(socklet_http_response *response, char **piece, size_t *length) {
  body *coming = response->exchange->body;
  wasi_io_streams_borrow_input_stream_t stream =
      wasi_io_streams_borrow_input_stream(coming->stream);
  socklet_http_raw_list_u8_t bytes;
  wasi_io_streams_stream_error_t error;
  while (wasi_io_streams_method_input_stream_read(stream, PIECE, &bytes, &error)) {
    if (bytes.len > 0) {
      *piece = (char *) bytes.ptr;
      *length = bytes.len;
      return true;
    }
    http_wait_for(wasi_io_streams_method_input_stream_subscribe(stream));
  }
  if (error.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED) {
    http_host_end(response);
  } else {
    fail_of_stream(response, error.val.last_operation_failed);
  }
  return false;
}

void http_host_end(socklet_http_response *response) {
  body *coming = response->exchange->body;
  if (coming != NULL) {
    // A stream goes before what it is a stream of.
    wasi_io_streams_input_stream_drop_own(coming->stream);
    wasi_http_types_incoming_body_drop_own(coming->owner);
    free(coming);
    response->exchange->body = NULL;
  }
}

void http_host_free_headers(socklet_http_response *response) {
  wasi_http_types_list_tuple2_field_name_field_value_t entries = {
      (wasi_http_types_tuple2_field_name_field_value_t *) response->headers,
      response->header_count};
  wasi_http_types_list_tuple2_field_name_field_value_free(&entries);
}
