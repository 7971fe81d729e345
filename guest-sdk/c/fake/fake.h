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
// `make test` builds and runs it. It has connections, and the log; no topics, timers,
// captures, claims, gate or snapshot: these answer as if there were nothing.
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

// What the handler wrote to a connection next, NUL-terminated; NULL where it wrote no more.
// It stays until the next call.
const char *fake_written(socklet_connection connection);

// The code with which the handler closed a connection; 0 where it is open.
uint16_t fake_closed(socklet_connection connection);

// The line that the handler logged next, as for `fake_written`.
const char *fake_logged(void);

// Checks that a text is as expected; NULL is no text. What is not is printed.
#define fake_expect(text, expected) fake_check(text, expected, __FILE__, __LINE__)
void fake_check(const char *text, const char *expected, const char *file, int line);

// What `main` is to return: 0 where all was as expected.
int fake_outcome(void);

#ifdef __cplusplus
}
#endif
#endif
