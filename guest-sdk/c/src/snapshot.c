// The state of all connections, as one.
#include "../socklet/snapshot.h"

#include "members.h"
#include "owners.h"
#include "raw.h"

// The form: what is shared, the connections with what was saved of each, the timers with
// their owners. A list has its length before it. Numbers are in the memory's own order,
// which is the same for every WebAssembly.
typedef uint32_t length_type;

// Room for a length, which is known when what it counts has been appended.
static size_t begin_piece(socklet_buffer *buffer) {
  length_type none = 0;
  socklet_append(buffer, &none, sizeof none);
  return buffer->length;
}

static void end_piece(socklet_buffer *buffer, size_t begin) {
  length_type length = (length_type) (buffer->length - begin);
  memcpy(buffer->data + begin - sizeof length, &length, sizeof length);
}

static bool take_piece(socklet_string *from, socklet_string *piece) {
  length_type length;
  if (!socklet_take(from, &length, sizeof length) || from->length < length) {
    return false;
  }
  *piece = (socklet_string){from->data, length};
  from->data += length;
  from->length -= length;
  return true;
}

static const char *save_all(socklet_buffer *out) {
  const socklet_snapshot *how = &socklet_exported_snapshot;
  size_t begin = begin_piece(out);
  const char *error = how->save_shared == NULL ? SOCKLET_OK : how->save_shared(out);
  end_piece(out, begin);
  length_type count = (length_type) socklet_member_count();
  socklet_append(out, &count, sizeof count);
  for (length_type i = 0; i < count && error == SOCKLET_OK; i++) {
    socklet_connection connection = socklet_member(i);
    socklet_append(out, &connection, sizeof connection);
    begin = begin_piece(out);
    if (how->save != NULL) {
      error = how->save(socklet_state(connection), connection, out);
    }
    end_piece(out, begin);
  }
  length_type timers = (length_type) owners_count();
  socklet_append(out, &timers, sizeof timers);
  for (length_type i = 0; i < timers; i++) {
    owned entry = owners_at(i);
    socklet_append(out, &entry, sizeof entry);
  }
  return error;
}

static const char TORN[] = "the state is shorter than it says";

static const char *restore_all(uint32_t schema, socklet_string in) {
  const socklet_snapshot *how = &socklet_exported_snapshot;
  socklet_string piece;
  if (!take_piece(&in, &piece)) {
    return TORN;
  }
  const char *error = SOCKLET_OK;
  if (how->restore_shared != NULL) {
    error = how->restore_shared(schema, piece);
  }
  length_type count;
  if (!socklet_take(&in, &count, sizeof count)) {
    return TORN;
  }
  for (length_type i = 0; i < count && error == SOCKLET_OK; i++) {
    socklet_connection connection;
    if (!socklet_take(&in, &connection, sizeof connection) || !take_piece(&in, &piece)) {
      return TORN;
    }
    void *state = NULL;
    if (how->restore != NULL) {
      error = how->restore(schema, piece, connection, &state);
    }
    members_add(connection, state);
  }
  if (error != SOCKLET_OK) {
    return error;
  }
  length_type timers;
  if (!socklet_take(&in, &timers, sizeof timers)) {
    return TORN;
  }
  for (length_type i = 0; i < timers; i++) {
    owned entry;
    if (!socklet_take(&in, &entry, sizeof entry)) {
      return TORN;
    }
    owners_add(entry);
  }
  return SOCKLET_OK;
}

static void fail(exports_socklet_websocket_snapshot_snapshot_error_t *error, const char *why) {
  error->tag = EXPORTS_SOCKLET_WEBSOCKET_SNAPSHOT_SNAPSHOT_ERROR_FAILED;
  socklet_raw_string_dup(&error->val.failed, why);
}

bool exports_socklet_websocket_snapshot_suspend(
    exports_socklet_websocket_snapshot_saved_t *saved,
    exports_socklet_websocket_snapshot_snapshot_error_t *error) {
  socklet_buffer out = {0};
  const char *why = save_all(&out);
  if (why != SOCKLET_OK) {
    socklet_free(&out);
    fail(error, why);
    return false;
  }
  saved->schema = socklet_exported_snapshot.schema;
  // Freed by the bindings, once the host has copied it.
  saved->state = (socklet_raw_list_u8_t){(uint8_t *) out.data, out.length};
  return true;
}

bool exports_socklet_websocket_snapshot_resume(
    exports_socklet_websocket_snapshot_list_connection_id_t *connections,
    exports_socklet_websocket_snapshot_saved_t *saved,
    exports_socklet_websocket_snapshot_snapshot_error_t *error) {
  uint32_t newest = socklet_exported_snapshot.schema;
  uint32_t oldest = socklet_exported_snapshot.oldest_schema;
  bool known = saved->schema == newest || (oldest != 0 && saved->schema >= oldest &&
                                           saved->schema < newest);
  const char *why = SOCKLET_OK;
  if (known) {
    why = restore_all(saved->schema,
                      (socklet_string){(const char *) saved->state.ptr, saved->state.len});
  }
  exports_socklet_websocket_snapshot_list_connection_id_free(connections);
  exports_socklet_websocket_snapshot_saved_free(saved);
  if (!known) {
    error->tag = EXPORTS_SOCKLET_WEBSOCKET_SNAPSHOT_SNAPSHOT_ERROR_UNKNOWN_SCHEMA;
  } else if (why != SOCKLET_OK) {
    fail(error, why);
  }
  return known && why == SOCKLET_OK;
}
