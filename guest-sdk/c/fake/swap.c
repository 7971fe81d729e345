// Swaps of the fake host: by way of what the host itself calls.
#include <stdlib.h>

#include "../bindings/socklet_raw.h"
#include "../src/members.h"
#include "fake.h"
#include "texts.h"

// What a handler need not export.
__attribute__((__weak__)) const socklet_snapshot socklet_exported_snapshot;

static exports_socklet_websocket_snapshot_saved_t saved;
static bool is_saved;
// The states of old instances, which nobody frees.
static socklet_buffer left;

// The schema is the handler's own, so that no other error can be.
static const char *why_of(exports_socklet_websocket_snapshot_snapshot_error_t *error) {
  static char *why;
  free(why);
  socklet_buffer text = {0};
  socklet_append(&text, error->val.failed.ptr, error->val.failed.len);
  exports_socklet_websocket_snapshot_snapshot_error_free(error);
  why = text.data;
  return why;
}

const char *fake_save(void) {
  const socklet_snapshot *how = &socklet_exported_snapshot;
  if (how->save == NULL && how->save_shared == NULL) {
    fake_die("the handler saves nothing: it has no SOCKLET_EXPORT_SNAPSHOT");
  }
  if (is_saved) {
    exports_socklet_websocket_snapshot_saved_free(&saved);
  }
  exports_socklet_websocket_snapshot_snapshot_error_t error;
  is_saved = exports_socklet_websocket_snapshot_suspend(&saved, &error);
  return is_saved ? SOCKLET_OK : why_of(&error);
}

const char *fake_restore(void) {
  if (!is_saved) {
    fake_die("nothing was saved: call fake_save before");
  }
  is_saved = false;
  // The old instance has gone, with all that it had.
  while (socklet_member_count() > 0) {
    void *state = members_remove(socklet_member(0));
    socklet_append(&left, &state, sizeof state);
  }
  exports_socklet_websocket_snapshot_list_connection_id_t connections = {0};
  exports_socklet_websocket_snapshot_snapshot_error_t error;
  return exports_socklet_websocket_snapshot_resume(&connections, &saved, &error) ? SOCKLET_OK
                                                                                 : why_of(&error);
}
