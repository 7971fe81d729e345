// Requests to upstreams, and the bodies of their answers.
#include "../socklet/http.h"

#include <stdlib.h>

#include "http_host.h"

void http_fail(socklet_http_response *response, socklet_http_error error, socklet_string what) {
  static const char *const reasons[] = {
      [SOCKLET_HTTP_OK] = "nothing went wrong",
      [SOCKLET_HTTP_URL] = "\"%.*s\" is not a URL of http or https",
      [SOCKLET_HTTP_METHOD] = "\"%.*s\" is not a method",
      [SOCKLET_HTTP_HEADER] = "the header \"%.*s\" can't be sent",
      [SOCKLET_HTTP_DENIED] = "the host is not among allowed-hosts",
      [SOCKLET_HTTP_PRIVATE_ADDRESS] =
          "the host is at a private address that is not among allowed-hosts",
      [SOCKLET_HTTP_TOO_MANY] = "too many requests are under way",
      [SOCKLET_HTTP_TOO_LARGE] = "%.*s is too large",
      [SOCKLET_HTTP_TIMEOUT] = "the other end took too long",
      [SOCKLET_HTTP_NAME] = "the host's name can't be resolved: %.*s",
      [SOCKLET_HTTP_CONNECTION] = "no connection: %.*s",
      [SOCKLET_HTTP_TLS] = "no TLS: %.*s",
      [SOCKLET_HTTP_OTHER] = "the request failed: %.*s",
  };
  struct socklet_http_exchange *exchange = response->exchange;
  exchange->why.length = 0;
  socklet_appendf(&exchange->why, reasons[error], SOCKLET_ARG(what));
  response->error = error;
  response->why = exchange->why.data;
  http_host_end(response);
}

bool http_sends_length(const socklet_http_request *request) {
  socklet_string method = socklet_string_of(request->method == NULL ? "GET" : request->method);
  return request->body.length > 0 || socklet_string_is(method, "POST") ||
         socklet_string_is(method, "PUT") || socklet_string_is(method, "PATCH");
}

// One that promises a body where there is none has the other end wait for it.
static bool promises_a_body(const socklet_http_request *request) {
  socklet_request fields = {.headers = request->headers, .header_count = request->header_count};
  size_t at = 0;
  socklet_string length;
  while ((length = socklet_next_header(&fields, LENGTH_HEADER, &at)).data != NULL) {
    if (!socklet_string_is(length, "0")) {
      return true;
    }
  }
  return false;
}

bool socklet_http_send(const socklet_http_request *request, socklet_http_response *response) {
  *response = (socklet_http_response){0};
  response->exchange = calloc(1, sizeof *response->exchange);
  if (response->exchange == NULL) {
    abort();
  }
  socklet_string text = socklet_string_of(request->url == NULL ? "" : request->url);
  http_url url;
  if (!http_parse_url(text, &url)) {
    http_fail(response, SOCKLET_HTTP_URL, text);
  } else if (request->body.length == 0 && promises_a_body(request)) {
    http_fail(response, SOCKLET_HTTP_HEADER, socklet_string_of(LENGTH_HEADER));
  } else {
    http_host_send(request, &url, response);
  }
  socklet_free(&url.path);
  return response->error == SOCKLET_HTTP_OK;
}

socklet_string socklet_http_header(const socklet_http_response *response, const char *name) {
  socklet_request fields = {.headers = response->headers, .header_count = response->header_count};
  return socklet_header(&fields, name);
}

bool socklet_http_next(socklet_http_response *response, socklet_string *piece) {
  struct socklet_http_exchange *exchange = response->exchange;
  if (exchange == NULL || response->error != SOCKLET_HTTP_OK) {
    return false;
  }
  if (exchange->rest.length == 0) {
    size_t length;
    free(exchange->piece);
    exchange->piece = NULL;
    if (exchange->body == NULL || !http_host_read(response, &exchange->piece, &length)) {
      return false;
    }
    exchange->rest = (socklet_string){exchange->piece, length};
  }
  *piece = exchange->rest;
  exchange->rest.length = 0;
  return true;
}

static bool too_long(socklet_http_response *response, size_t most, const char *what) {
  socklet_buffer text = {0};
  socklet_appendf(&text, "%s with more than %zu bytes", what, most);
  http_fail(response, SOCKLET_HTTP_TOO_LARGE, socklet_contents(&text));
  socklet_free(&text);
  return false;
}

static bool ends_in_return(socklet_string line) {
  return line.length > 0 && line.data[line.length - 1] == '\r';
}

static socklet_string without_return(socklet_string line) {
  line.length -= ends_in_return(line);
  return line;
}

bool socklet_http_line(socklet_http_response *response, size_t most, socklet_string *line) {
  struct socklet_http_exchange *exchange = response->exchange;
  if (exchange == NULL) {
    return false;
  }
  exchange->line.length = 0;
  socklet_string piece;
  while (socklet_http_next(response, &piece)) {
    const char *end = memchr(piece.data, '\n', piece.length);
    socklet_string part = {piece.data, end == NULL ? piece.length : (size_t) (end - piece.data)};
    // A return is none of the line where the line ends behind it, as it may.
    socklet_string last = part.length > 0 ? part : socklet_contents(&exchange->line);
    if (exchange->line.length + part.length - ends_in_return(last) > most) {
      return too_long(response, most, "a line");
    }
    if (end != NULL) {
      exchange->rest = (socklet_string){end + 1, piece.length - part.length - 1};
    }
    // One that lies in a piece as a whole is not copied.
    if (end != NULL && exchange->line.length == 0) {
      *line = without_return(part);
      return true;
    }
    socklet_append(&exchange->line, part.data, part.length);
    if (end != NULL) {
      *line = without_return(socklet_contents(&exchange->line));
      return true;
    }
  }
  *line = without_return(socklet_contents(&exchange->line));
  return response->error == SOCKLET_HTTP_OK && exchange->line.length > 0;
}

bool socklet_http_read(socklet_http_response *response, size_t most, socklet_buffer *body) {
  size_t room = most;
  socklet_string piece;
  while (socklet_http_next(response, &piece)) {
    if (piece.length > room) {
      return too_long(response, most, "an answer");
    }
    socklet_append(body, piece.data, piece.length);
    room -= piece.length;
  }
  return response->exchange != NULL && response->error == SOCKLET_HTTP_OK;
}

void socklet_http_close(socklet_http_response *response) {
  struct socklet_http_exchange *exchange = response->exchange;
  if (exchange != NULL) {
    http_host_end(response);
    http_host_free_headers(response);
    free(exchange->piece);
    socklet_free(&exchange->line);
    socklet_free(&exchange->why);
    free(exchange);
  }
  *response = (socklet_http_response){0};
}
