// What the HTTP client asks of its host: of wasi:http in a component (http_send.c,
// http_receive.c), and of fake/ in a test.
#ifndef SOCKLET_HTTP_HOST
#define SOCKLET_HTTP_HOST

#include "../socklet/http.h"

// The parts of a URL that a request is made of.
typedef struct http_url {
  bool secure;
  // Host and maybe port.
  socklet_string authority;
  // Path and query, without the fragment.
  socklet_buffer path;
} http_url;

// False for what is not a URL of http or https; `path` has to be freed in any case.
bool http_parse_url(socklet_string text, http_url *url);

#define LENGTH_HEADER "content-length"

// Whether the length of the body is sent: where there is one, and where the method is one that
// servers expect a body of, which an empty one is told of as well.
bool http_sends_length(const socklet_http_request *request);

struct socklet_http_exchange {
  // The last piece, which the host has allocated, and what of it nobody has taken.
  char *piece;
  socklet_string rest;
  // A line of several pieces.
  socklet_buffer line;
  socklet_buffer why;
  // The host's own: NULL where nothing more comes.
  void *body;
};

// Sends a request, and sets the response's head and its `exchange->body`, or fails.
void http_host_send(const socklet_http_request *request, const http_url *url,
                    socklet_http_response *response);

// Waits for a piece that is not empty, and allocates it. False where none comes any more;
// `exchange->body` is NULL then, and what went wrong is told by `http_fail`.
bool http_host_read(socklet_http_response *response, char **piece, size_t *length);

// Drops `exchange->body`, which may be NULL already.
void http_host_end(socklet_http_response *response);

// Frees the header fields.
void http_host_free_headers(socklet_http_response *response);

// Notes what went wrong. `what` is the URL, the method, the header's name, or a word that
// says more.
void http_fail(socklet_http_response *response, socklet_http_error error, socklet_string what);

#endif
