// Requests to HTTP servers elsewhere.
//
//     socklet_http_request request = {.url = "https://api.example.com/story"};
//     socklet_http_response response;
//     socklet_http_send(&request, &response);
//     socklet_string piece;
//     while (socklet_http_next(&response, &piece)) {
//       socklet_write(connection, socklet_text(piece));
//     }
//     if (response.error != SOCKLET_HTTP_OK) {
//       socklet_warn("no story: %s", response.why);
//     }
//     socklet_http_close(&response);
//
// The manifest names the hosts, and nothing else is reached:
//
//     [capabilities]
//     allowed-hosts = ["api.example.com"]
//
// A call returns when it has what it is for; meanwhile the host sends what was written
// before it, and answers pings. The instance is at that event until it ends: with the scope
// `connection` a slow server holds up one connection, in a room all of them. A time is
// bounded by the manifest's `http-timeout` (20 s for each sign of life), `http-total-time`
// (5 min in all) and `event-wall-time` (30 s for each wait), the sizes by
// `max-http-request-size` (1 MiB) and `max-http-response-size` (8 MiB).
//
// Redirects are not followed: their status is 3xx, and `location` says where to. Nothing is
// decompressed, and no connection is kept for a next request.
#ifndef SOCKLET_HTTP_H
#define SOCKLET_HTTP_H

#include "request.h"

#ifdef __cplusplus
extern "C" {
#endif

// Why a request failed, or its answer broke off.
typedef enum socklet_http_error {
  // Nothing has so far.
  SOCKLET_HTTP_OK,
  // The URL is not one of http or https, or its host or port can't be meant.
  SOCKLET_HTTP_URL,
  // The method is none.
  SOCKLET_HTTP_METHOD,
  // A header that can't be sent: its name or its value has characters that it may not have,
  // it is one that the host sets itself (`host`, `connection`, `transfer-encoding` and the
  // like), it is a `content-length` but 0 where there is no body, or there are too many.
  SOCKLET_HTTP_HEADER,
  // The host is not one of the manifest's `allowed-hosts`. The server's log says what to add.
  SOCKLET_HTTP_DENIED,
  // The host's name is that of a private address, which `allowed-hosts` does not name.
  SOCKLET_HTTP_PRIVATE_ADDRESS,
  // The instance, or the handler, has as many requests under way as it may have.
  SOCKLET_HTTP_TOO_MANY,
  // The request or the answer is longer than it may be.
  SOCKLET_HTTP_TOO_LARGE,
  // The other end took too long.
  SOCKLET_HTTP_TIMEOUT,
  // The host's name can't be resolved.
  SOCKLET_HTTP_NAME,
  // The other end can't be reached, or the connection broke off.
  SOCKLET_HTTP_CONNECTION,
  // The other end can't prove who it is, or does not speak TLS.
  SOCKLET_HTTP_TLS,
  // The other end does not speak HTTP/1.1, or something else went wrong.
  SOCKLET_HTTP_OTHER,
} socklet_http_error;

// A request. What is left out, or 0, is as it says.
typedef struct socklet_http_request {
  // Any but CONNECT, such as "PUT"; NULL for GET.
  const char *method;
  // Of http or https, in ASCII: what else it has must be percent-encoded.
  const char *url;
  // Its header fields; none if there are none. The length of the body is sent by itself, that
  // of an empty one with POST, PUT and PATCH.
  const socklet_header_field *headers;
  size_t header_count;
  // Its body; none if that is empty.
  socklet_string body;
  // For how many milliseconds the other end may take to be connected with, to begin its
  // answer, and between two pieces of it. It is `http-timeout` at most, which 0 stands for.
  uint64_t timeout;
} socklet_http_request;

// An answer, whose head has come and whose body may still be coming.
typedef struct socklet_http_response {
  // The status, such as 200; 0 where no answer came.
  uint16_t status;
  // Its header fields: names in lower case, values as they came.
  const socklet_header_field *headers;
  size_t header_count;
  // What went wrong, if anything has; and that in words, NULL where nothing has.
  socklet_http_error error;
  const char *why;
  // The SDK's own.
  struct socklet_http_exchange *exchange;
} socklet_http_response;

// A header field of two NUL-terminated texts.
static inline socklet_header_field socklet_field(const char *name, const char *value) {
  socklet_header_field field = {socklet_string_of(name), socklet_string_of(value)};
  return field;
}

// Sends a request, and waits for the head of the answer, whatever its status. False where
// none came, and `response->error` says why. Close the response in any case.
bool socklet_http_send(const socklet_http_request *request, socklet_http_response *response);

// The first value of a header field, the name in any case; none where it was not sent.
socklet_string socklet_http_header(const socklet_http_response *response, const char *name);

// Waits for the next piece of the body. It is never empty, and as long as what has come by
// then, up to 64 KiB; it stays until the next call for this response. False where there is
// none: at the end, and where something went wrong, which `response->error` tells apart.
bool socklet_http_next(socklet_http_response *response, socklet_string *piece);

// Waits for the next line of the body, without its end (`\n` or `\r\n`), as server-sent
// events and JSON lines have them. Otherwise as `socklet_http_next`. A line of more than
// `most` bytes, its end not counted, is SOCKLET_HTTP_TOO_LARGE.
bool socklet_http_line(socklet_http_response *response, size_t most, socklet_string *line);

// Waits for all of the body that is left, and appends it. False where it broke off, or is
// longer than `most` bytes, which is SOCKLET_HTTP_TOO_LARGE: a part of it was appended then.
// False for a response that was closed, too.
bool socklet_http_read(socklet_http_response *response, size_t most, socklet_buffer *body);

// Frees what the response holds. Where the body has not ended, that closes the connection
// with the other end.
void socklet_http_close(socklet_http_response *response);

#ifdef __cplusplus
}
#endif
#endif
