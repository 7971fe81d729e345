// Write WebSocket handlers for socklet in C.
//
// A handler is three functions, any of which may be left out:
//
//     #include "socklet.h"
//
//     static void *ready(socklet_connection connection, const socklet_request *request) {
//       (void) request;
//       socklet_write_text(connection, "Hello!");
//       return NULL;
//     }
//
//     SOCKLET_EXPORT(.on_ready = ready)
//
// Ownership, in all of it: what a function of yours is given belongs to the SDK and is
// there until that function returns. What you pass in stays yours, and is copied. Where
// the SDK has to allocate, it does so in a `socklet_buffer` that is yours to free. Where
// there is no memory left, the instance ends.
//
// The parts are in socklet/, a header each. What you don't use is not linked, and so
// not asked of the host.
#ifndef SOCKLET_H
#define SOCKLET_H

#include "socklet/core.h"
#include "socklet/request.h"
#include "socklet/connection.h"
#include "socklet/log.h"
#include "socklet/handler.h"
#include "socklet/topics.h"
#include "socklet/timers.h"
#include "socklet/gate.h"
#include "socklet/snapshot.h"
#include "socklet/http.h"

#endif
