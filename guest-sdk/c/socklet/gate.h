// A gate decides about each handshake, before it is answered.
#ifndef SOCKLET_GATE_H
#define SOCKLET_GATE_H

#include "connection.h"
#include "request.h"
#include "../bindings/exports.h"

#ifdef __cplusplus
extern "C" {
#endif

// How a handshake is answered: accepted, unless it is rejected. What breaks the bounds
// below is answered with 500, and the host's log says why.
typedef struct socklet_answer socklet_answer;

// Rejects, with a status from 400 to 599 and a body of at most 4 KiB, NUL-terminated; NULL
// is an empty one. A page in a browser sees neither.
void socklet_reject(socklet_answer *answer, uint16_t status, const char *body);

// Adds a header field to the response, NUL-terminated both; at most 32 with 8 KiB in all.
void socklet_answer_header(socklet_answer *answer, const char *name, const char *value);

// Agrees to a subprotocol that the peer has offered, in place of the one that the host has
// found in the handler's own list.
void socklet_agree(socklet_answer *answer, socklet_string subprotocol);

// What `socklet_attachment` is to answer for this connection, at most 64 KiB.
void socklet_attach(socklet_answer *answer, const void *data, size_t length);

// A peer wants to connect, and all that the host itself asks for is fulfilled. The captures
// and the claims can be asked for; the connection isn't open yet.
typedef void (*socklet_gate)(socklet_connection connection, const socklet_request *request,
                             socklet_answer *answer);

// Has a function asked about each handshake: once, at the top level of one file.
#define SOCKLET_EXPORT_GATE(function)                      \
  const socklet_gate socklet_exported_gate = function;     \
  SOCKLET_RAW_EXPORT_GATE()

// Defined by SOCKLET_EXPORT_GATE.
extern const socklet_gate socklet_exported_gate;

#ifdef __cplusplus
}
#endif
#endif
