// Requests by wasi:http: a component that links this imports it.
#include "http_wasi.h"

static socklet_http_raw_string_t raw_string(socklet_string string) {
  return (socklet_http_raw_string_t){(uint8_t *) string.data, string.length};
}

// The host ends an instance that gives it, as text, anything but UTF-8.
static bool is_ascii(socklet_string text) {
  for (size_t i = 0; i < text.length; i++) {
    if ((unsigned char) text.data[i] >= 0x80) {
      return false;
    }
  }
  return true;
}

static bool set_headers(wasi_http_types_own_fields_t fields, const socklet_http_request *request,
                        socklet_http_response *response) {
  wasi_http_types_borrow_fields_t borrowed = wasi_http_types_borrow_fields(fields);
  wasi_http_types_header_error_t error;
  for (size_t i = 0; i < request->header_count; i++) {
    const socklet_header_field *field = &request->headers[i];
    socklet_http_raw_string_t name = raw_string(field->name);
    wasi_http_types_field_value_t value = {(uint8_t *) field->value.data, field->value.length};
    if (!is_ascii(field->name) ||
        !wasi_http_types_method_fields_append(borrowed, &name, &value, &error)) {
      http_fail(response, SOCKLET_HTTP_HEADER, field->name);
      return false;
    }
  }
  if (http_sends_length(request)) {
    socklet_string length_name = socklet_string_of(LENGTH_HEADER);
    socklet_buffer length = {0};
    socklet_appendf(&length, "%zu", request->body.length);
    wasi_http_types_field_value_t value = {(uint8_t *) length.data, length.length};
    wasi_http_types_list_field_value_t values = {&value, 1};
    socklet_http_raw_string_t name = raw_string(length_name);
    bool set = wasi_http_types_method_fields_set(borrowed, &name, &values, &error);
    socklet_free(&length);
    if (!set) {
      http_fail(response, SOCKLET_HTTP_HEADER, length_name);
    }
    return set;
  }
  return true;
}

static wasi_http_types_method_t method_of(socklet_string name) {
  static const char *const known[] = {
      [WASI_HTTP_TYPES_METHOD_GET] = "GET",         [WASI_HTTP_TYPES_METHOD_HEAD] = "HEAD",
      [WASI_HTTP_TYPES_METHOD_POST] = "POST",       [WASI_HTTP_TYPES_METHOD_PUT] = "PUT",
      [WASI_HTTP_TYPES_METHOD_DELETE] = "DELETE",   [WASI_HTTP_TYPES_METHOD_CONNECT] = "CONNECT",
      [WASI_HTTP_TYPES_METHOD_OPTIONS] = "OPTIONS", [WASI_HTTP_TYPES_METHOD_TRACE] = "TRACE",
      [WASI_HTTP_TYPES_METHOD_PATCH] = "PATCH",
  };
  for (uint8_t tag = 0; tag < sizeof known / sizeof *known; tag++) {
    if (socklet_string_is(name, known[tag])) {
      return (wasi_http_types_method_t){.tag = tag};
    }
  }
  return (wasi_http_types_method_t){.tag = WASI_HTTP_TYPES_METHOD_OTHER,
                                    .val.other = raw_string(name)};
}

static bool set_line(wasi_http_types_own_outgoing_request_t outgoing,
                     const socklet_http_request *request, const http_url *url,
                     socklet_http_response *response) {
  wasi_http_types_borrow_outgoing_request_t borrowed =
      wasi_http_types_borrow_outgoing_request(outgoing);
  wasi_http_types_scheme_t scheme = {
      .tag = url->secure ? WASI_HTTP_TYPES_SCHEME_HTTPS : WASI_HTTP_TYPES_SCHEME_HTTP};
  socklet_http_raw_string_t authority = raw_string(url->authority);
  socklet_http_raw_string_t path = raw_string(socklet_contents(&url->path));
  if (!wasi_http_types_method_outgoing_request_set_scheme(borrowed, &scheme) ||
      !wasi_http_types_method_outgoing_request_set_authority(borrowed, &authority) ||
      !wasi_http_types_method_outgoing_request_set_path_with_query(borrowed, &path)) {
    http_fail(response, SOCKLET_HTTP_URL, socklet_string_of(request->url));
    return false;
  }
  socklet_string name = socklet_string_of(request->method == NULL ? "GET" : request->method);
  wasi_http_types_method_t method = method_of(name);
  if (!is_ascii(name) ||
      !wasi_http_types_method_outgoing_request_set_method(borrowed, &method)) {
    http_fail(response, SOCKLET_HTTP_METHOD, name);
    return false;
  }
  return true;
}

// All of them are there; where one is not, the host's own limit holds.
static wasi_http_types_own_request_options_t options_of(const socklet_http_request *request) {
  uint64_t milliseconds = request->timeout;
  uint64_t nanoseconds =
      milliseconds > UINT64_MAX / 1000000 ? UINT64_MAX : milliseconds * 1000000;
  wasi_http_types_own_request_options_t options = wasi_http_types_constructor_request_options();
  wasi_http_types_borrow_request_options_t borrowed =
      wasi_http_types_borrow_request_options(options);
  wasi_http_types_method_request_options_set_connect_timeout(borrowed, &nanoseconds);
  wasi_http_types_method_request_options_set_first_byte_timeout(borrowed, &nanoseconds);
  wasi_http_types_method_request_options_set_between_bytes_timeout(borrowed, &nanoseconds);
  return options;
}

static void drop_error(const wasi_io_streams_stream_error_t *error) {
  if (error->tag == WASI_IO_STREAMS_STREAM_ERROR_LAST_OPERATION_FAILED) {
    wasi_io_error_error_drop_own(error->val.last_operation_failed);
  }
}

static bool write_all(wasi_io_streams_borrow_output_stream_t stream, socklet_string left) {
  wasi_io_streams_stream_error_t error;
  while (left.length > 0) {
    uint64_t room;
    if (!wasi_io_streams_method_output_stream_check_write(stream, &room, &error)) {
      drop_error(&error);
      return false;
    }
    if (room == 0) {
      http_wait_for(wasi_io_streams_method_output_stream_subscribe(stream));
      continue;
    }
    size_t now = room < left.length ? (size_t) room : left.length;
    socklet_http_raw_list_u8_t bytes = {(uint8_t *) left.data, now};
    if (!wasi_io_streams_method_output_stream_write(stream, &bytes, &error)) {
      drop_error(&error);
      return false;
    }
    left.data += now;
    left.length -= now;
  }
  if (!wasi_io_streams_method_output_stream_flush(stream, &error)) {
    drop_error(&error);
    return false;
  }
  return true;
}

// Where this fails, the answer says why.
static void write_body(wasi_http_types_own_outgoing_body_t outgoing, socklet_string bytes) {
  wasi_http_types_own_output_stream_t stream;
  bool written = false;
  if (wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(outgoing),
                                                 &stream)) {
    written = write_all(wasi_io_streams_borrow_output_stream(stream), bytes);
    wasi_io_streams_output_stream_drop_own(stream);
  }
  if (!written) {
    // Dropped unfinished, it is cut off.
    wasi_http_types_outgoing_body_drop_own(outgoing);
    return;
  }
  wasi_http_types_error_code_t code;
  if (!wasi_http_types_static_outgoing_body_finish(outgoing, NULL, &code)) {
    wasi_http_types_error_code_free(&code);
  }
}

void http_host_send(const socklet_http_request *request, const http_url *url,
                    socklet_http_response *response) {
  wasi_http_types_own_fields_t fields = wasi_http_types_constructor_fields();
  if (!set_headers(fields, request, response)) {
    wasi_http_types_fields_drop_own(fields);
    return;
  }
  wasi_http_types_own_outgoing_request_t outgoing =
      wasi_http_types_constructor_outgoing_request(fields);
  bool has_body = request->body.length > 0;
  wasi_http_types_own_outgoing_body_t content;
  if (!set_line(outgoing, request, url, response)) {
    wasi_http_types_outgoing_request_drop_own(outgoing);
    return;
  }
  if (has_body && !wasi_http_types_method_outgoing_request_body(
                      wasi_http_types_borrow_outgoing_request(outgoing), &content)) {
    http_fail(response, SOCKLET_HTTP_HEADER, socklet_string_of(LENGTH_HEADER));
    wasi_http_types_outgoing_request_drop_own(outgoing);
    return;
  }
  wasi_http_types_own_request_options_t options;
  if (request->timeout > 0) {
    options = options_of(request);
  }
  wasi_http_types_own_future_incoming_response_t future;
  wasi_http_types_error_code_t code;
  if (!wasi_http_outgoing_handler_handle(outgoing, request->timeout > 0 ? &options : NULL, &future,
                                         &code)) {
    http_fail_with(response, request, &code);
    if (has_body) {
      wasi_http_types_outgoing_body_drop_own(content);
    }
    return;
  }
  if (has_body) {
    write_body(content, request->body);
  }
  http_await_head(future, request, response);
}
