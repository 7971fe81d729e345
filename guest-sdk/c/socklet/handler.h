// What a handler exports, and what it keeps for each connection.
#ifndef SOCKLET_HANDLER_H
#define SOCKLET_HANDLER_H

#include "connection.h"
#include "request.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum socklet_close_origin {
  // The peer sent a close frame first.
  SOCKLET_PEER,
  // The handler called `socklet_close`.
  SOCKLET_HANDLER,
  // The host; `detail` says why.
  SOCKLET_HOST,
  // The socket ended without a close frame.
  SOCKLET_NETWORK,
} socklet_close_origin;

// How a connection ended.
typedef struct socklet_close_event {
  socklet_close_origin origin;
  // The code of the close frame of the side that `origin` names; 1005 where the peer's
  // frame had none, 1006 where there was no close frame.
  uint16_t code;
  // The reason of that close frame; empty where it had none.
  socklet_string reason;
  // One lower-case word that says more, such as `pong-timeout` or `shutdown`, or nothing.
  // The list grows: treat a word that you don't know like none.
  socklet_string detail;
} socklet_close_event;

// The events of a connection: `on_ready` once, first; then `on_message` for each message,
// in order; `on_close` once, last. One runs at a time. Each may be NULL.
typedef struct socklet_handler {
  // The handshake is done. What this returns is the connection's state: the other events
  // are given it. The SDK does nothing else with it.
  void *(*on_ready)(socklet_connection connection, const socklet_request *request);
  // The peer sent a message.
  void (*on_message)(void *state, socklet_connection connection, socklet_message message);
  // The connection has ended; writes to it do nothing. Free the state here.
  void (*on_close)(void *state, socklet_connection connection,
                   const socklet_close_event *event);
} socklet_handler;

// Makes functions the handler that the component exports: once, at the top level of one
// file, with the members of `socklet_handler` by name. (A linker that misses the symbol
// socklet_exported_handler misses this.)
#define SOCKLET_EXPORT(...) const socklet_handler socklet_exported_handler = {__VA_ARGS__};

// Defined by SOCKLET_EXPORT.
extern const socklet_handler socklet_exported_handler;

// The connections of this instance: one, or with the scopes `path` and `handler` all that
// share it. A connection is among them from the end of its `on_ready` to the beginning of
// its `on_close`. What they share is in your static variables.
size_t socklet_member_count(void);

// The one at this place, in the order of their ids. `place` is less than their number.
socklet_connection socklet_member(size_t place);

// The state of a connection; NULL where it is not among them.
void *socklet_state(socklet_connection connection);

// Sends a message to all of them but one: pass SOCKLET_NOBODY to leave none out. One that
// reads too slowly is closed with 1013 and holds up nobody. A message over
// `max-message-size` goes to nobody, which is logged.
void socklet_broadcast(socklet_message message, socklet_connection except);

#ifdef __cplusplus
}
#endif
#endif
