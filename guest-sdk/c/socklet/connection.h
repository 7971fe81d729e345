// What a handler can do to a connection, and ask about it. Nothing here waits.
#ifndef SOCKLET_CONNECTION_H
#define SOCKLET_CONNECTION_H

#include "core.h"

#ifdef __cplusplus
extern "C" {
#endif

// Names an open connection; never given to a second one while the host runs. It may be
// kept, and used in every event of the same instance.
typedef uint64_t socklet_connection;

// The name of no connection.
#define SOCKLET_NOBODY UINT64_MAX

typedef enum socklet_kind { SOCKLET_TEXT, SOCKLET_BINARY } socklet_kind;

// One whole WebSocket message. The data of a text message is UTF-8. Data that comes in is
// not NUL-terminated.
typedef struct socklet_message {
  socklet_kind kind;
  const char *data;
  size_t length;
} socklet_message;

// A text message of a string. What is no UTF-8 in it, as a peer's query may be, is sent as
// U+FFFD.
static inline socklet_message socklet_text(socklet_string text) {
  socklet_message message = {SOCKLET_TEXT, text.data, text.length};
  return message;
}

static inline socklet_message socklet_binary(const void *data, size_t length) {
  socklet_message message = {SOCKLET_BINARY, (const char *) data, length};
  return message;
}

// Sends a message, or closes the connection where it can't: nothing is lost in silence.
//
// Messages leave in the order in which they were written. Where the connection's queue is
// full, because the peer reads more slowly than the handler writes, the connection is
// closed with 1013. A message over the host's `max-message-size` (1 MiB by default) is the
// handler's mistake, and closes with 1011. Both are logged. On a connection that is closing
// or closed nothing happens.
void socklet_write(socklet_connection connection, socklet_message message);

// Sends a NUL-terminated text, as `socklet_write` does.
void socklet_write_text(socklet_connection connection, const char *text);

// Sends a binary message, as `socklet_write` does.
void socklet_write_bytes(socklet_connection connection, const void *data, size_t length);

// Sends the text that `socklet_appendf` would append, as `socklet_write` does.
SOCKLET_FORMAT(2, 3) void socklet_writef(socklet_connection connection, const char *format, ...);

typedef enum socklet_write_outcome {
  // It will be sent after all that was queued before it, unless the connection ends first.
  SOCKLET_QUEUED,
  // The connection's queue holds `max-backpressure` bytes or more (1 MiB by default). Write
  // it again later, or leave it out.
  SOCKLET_FULL,
  // The connection is closing or closed. No attempt will succeed.
  SOCKLET_CLOSED,
  // It is over `max-message-size`. No attempt will succeed: split it.
  SOCKLET_TOO_LARGE,
} socklet_write_outcome;

// Sends a message, or says why not, and leaves the rest to you.
socklet_write_outcome socklet_try_write(socklet_connection connection, socklet_message message);

typedef enum socklet_close_outcome {
  // The close frame follows what was written before; `on_close` is called later, once.
  SOCKLET_CLOSE_BEGUN,
  // It was closing or closed already.
  SOCKLET_CLOSE_LATE,
  // The code or the reason can't be sent, and the connection stays open. This is logged.
  SOCKLET_CLOSE_INVALID,
} socklet_close_outcome;

// Closes a connection. Allowed are the codes 1000, 1001, 1003, 1007 to 1014 and 3000 to
// 4999, and reasons of up to 123 bytes of UTF-8, NUL-terminated; NULL is an empty one.
socklet_close_outcome socklet_close(socklet_connection connection, uint16_t code,
                                    const char *reason);

// The bytes that were written and not yet handed to the operating system, frame headers
// included; 0 once the connection is closed.
uint64_t socklet_buffered_amount(socklet_connection connection);

// Appends what the route's capture of this name took from the path, decoded once. False
// where the route has no such capture.
bool socklet_param(socklet_connection connection, const char *name, socklet_buffer *value);

// Appends the verified claims of the connection's session, a JSON object as text. False
// where there is no session.
bool socklet_claims(socklet_connection connection, socklet_buffer *claims);

// Appends the bytes that the handler's own gate attached. False where there are none.
bool socklet_attachment(socklet_connection connection, socklet_buffer *attachment);

#ifdef __cplusplus
}
#endif
#endif
