// The request that opened a connection.
#ifndef SOCKLET_REQUEST_H
#define SOCKLET_REQUEST_H

#include "core.h"

#ifdef __cplusplus
extern "C" {
#endif

// One header field of a request: its name in lower case, its value as it was sent.
typedef struct socklet_header_field {
  socklet_string name;
  socklet_string value;
} socklet_header_field;

// What the peer asked for in the handshake. It is there until the function that was given
// it returns: copy what you want to keep, or all of it.
typedef struct socklet_request {
  // Percent-decoded once, without the query. It begins with `/` and holds no dot segments.
  socklet_string path;
  // What followed the first `?`, not decoded, without the `?`; none where there was no `?`.
  socklet_string query;
  // A name that was sent more than once is there once for each time, in the order of the
  // request within that name.
  const socklet_header_field *headers;
  size_t header_count;
  // `address:port`, IPv6 addresses in brackets; `unix` for a peer on a Unix socket.
  socklet_string remote_address;
  // The subprotocol that the host agreed to; none where it agreed to none.
  socklet_string subprotocol;
} socklet_request;

// The first value of a header field, the name in any case; none where it was not sent.
socklet_string socklet_header(const socklet_request *request, const char *name);

// The next value of that name at or after place `*at` of `headers`, and has `*at` be the
// place after it. Begin with 0 and stop at none:
//
//     size_t at = 0;
//     socklet_string value;
//     while ((value = socklet_next_header(request, "accept-language", &at)).data != NULL) …
socklet_string socklet_next_header(const socklet_request *request, const char *name, size_t *at);

// The first cookie of that name, as it was sent: nothing is decoded, and quotes are kept.
// None where there is no such cookie.
socklet_string socklet_cookie(const socklet_request *request, const char *name);

// Appends the first value of that name in the query, decoded as forms write it: `+` for a
// space, the rest percent-encoded. A name without `=` has an empty value. False where there
// is no such name. It is decoded to bytes, which need not be UTF-8.
bool socklet_query(const socklet_request *request, const char *name, socklet_buffer *value);

// Copies a request, to keep it. It is one allocation: free() frees all of it.
socklet_request *socklet_copy_request(const socklet_request *request);

#ifdef __cplusplus
}
#endif
#endif
