// A host for tests: it runs a handler natively, without sockets and without WebAssembly.
//
//     int main(void) {
//       socklet_connection peer = fake_connect("/hello");
//       fake_expect(fake_written(peer), "Hello!");
//       fake_text(peer, "hi");
//       fake_close(peer, 1000, "");
//       return fake_outcome();
//     }
//
// `make test` builds and runs it. It has connections, the log, answers to requests, and swaps;
// no topics, timers, captures, claims or gate: these answer as if there were nothing.
#ifndef SOCKLET_FAKE_H
#define SOCKLET_FAKE_H

#include "../socklet.h"

#ifdef __cplusplus
extern "C" {
#endif

// Adds a header field to the request of the next connection.
void fake_header(const char *name, const char *value);

// Opens a connection: the handler's `on_ready` is called. `target` is a path, and may have
// a query.
socklet_connection fake_connect(const char *target);

// Has the peer send a message.
void fake_text(socklet_connection connection, const char *text);
void fake_binary(socklet_connection connection, const void *data, size_t length);

// Has the peer close the connection: the handler's `on_close` is called.
void fake_close(socklet_connection connection, uint16_t code, const char *reason);

// Has the handler save its state, as the host asks an old version in a swap. SOCKLET_OK, or why
// it did not.
const char *fake_save(void);

// Has it restore what `fake_save` has saved, as a new version. The states are made anew, and
// what came since then is forgotten; but for your static variables, which are those of before.
// SOCKLET_OK, or why it did not; the connections that were not restored have no state then.
const char *fake_restore(void);

// What the handler wrote to a connection next, NUL-terminated; NULL where it wrote no more.
// It stays until the next call.
const char *fake_written(socklet_connection connection);

// The code with which the handler closed a connection; 0 where it is open.
uint16_t fake_closed(socklet_connection connection);

// The line that the handler logged next, as for `fake_written`.
const char *fake_logged(void);

// Says what requests to a URL are answered with from now on; what the texts point to has to
// stay. To another URL they are refused, as to a host that is not among `allowed-hosts`.
void fake_answer(const char *url, uint16_t status, const char *body);

// Adds a piece to what `fake_answer` has said, which comes by itself.
void fake_answer_more(const char *url, const char *piece);

// Adds a header field to it, the name in lower case.
void fake_answer_header(const char *url, const char *name, const char *value);

// Has its body break off after the last piece.
void fake_break_off(const char *url, socklet_http_error error);

// Says that requests to a URL fail from now on, and have no answer.
void fake_fail(const char *url, socklet_http_error error);

// The request that the handler sent next, as for `fake_written`: its method and URL, such as
// "GET https://api.example.com/"; its header fields, such as "accept: text/plain", a line
// each; then an empty line and its body, where it has one.
const char *fake_asked(void);

// Checks that a text is as expected; NULL is no text. What is not is printed.
#define fake_expect(text, expected) fake_check(text, expected, __FILE__, __LINE__)
void fake_check(const char *text, const char *expected, const char *file, int line);

// What `main` is to return: 0 where all was as expected.
int fake_outcome(void);

#ifdef __cplusplus
}
#endif
#endif
