// State that outlives its instance: over a swap, and while the instance is parked.
//
// The host asks the old instance for its state and gives it to a new one, which the live
// connections go on in. No `on_ready` and no `on_close` is called for that. Timers and
// their owners are kept by the SDK.
#ifndef SOCKLET_SNAPSHOT_H
#define SOCKLET_SNAPSHOT_H

#include "connection.h"
#include "../bindings/exports.h"

#ifdef __cplusplus
extern "C" {
#endif

// Answered where all went well.
#define SOCKLET_OK ((const char *) NULL)

typedef struct socklet_snapshot {
  // Names the form in which the state is written. Count it up with each change of it.
  uint32_t schema;
  // The oldest schema that can still be restored; 0 for none but `schema`. Others are
  // refused: their connections stay with the version that they are in.
  uint32_t oldest_schema;
  // Appends a connection's state to `saved`. It has to leave everything as it was. An
  // answer but SOCKLET_OK is a text that says why not, for the log; the instance goes on.
  const char *(*save)(const void *state, socklet_connection connection, socklet_buffer *saved);
  // Makes the state of a connection, as `on_ready` does, of what was saved in the form of
  // that schema. An answer but SOCKLET_OK leaves all in the old instance.
  const char *(*restore)(uint32_t schema, socklet_string saved, socklet_connection connection,
                         void **state);
  // The same for what all connections share; called before the others. May be NULL.
  const char *(*save_shared)(socklet_buffer *saved);
  const char *(*restore_shared)(uint32_t schema, socklet_string saved);
} socklet_snapshot;

// Has the state kept: once, at the top level of one file, with the members of
// `socklet_snapshot` by name.
#define SOCKLET_EXPORT_SNAPSHOT(...)                                    \
  const socklet_snapshot socklet_exported_snapshot = {__VA_ARGS__};     \
  SOCKLET_RAW_EXPORT_SNAPSHOT()

// Defined by SOCKLET_EXPORT_SNAPSHOT.
extern const socklet_snapshot socklet_exported_snapshot;

// Reads what was saved, piece by piece: copies `length` bytes from the front of `saved` to
// `to`, and has `saved` begin behind them. False where there are fewer.
static inline bool socklet_take(socklet_string *saved, void *to, size_t length) {
  if (saved->length < length) {
    return false;
  }
  memcpy(to, saved->data, length);
  saved->data += length;
  saved->length -= length;
  return true;
}

#ifdef __cplusplus
}
#endif
#endif
