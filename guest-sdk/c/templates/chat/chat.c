// A chat: what one says, everyone in the room reads. The README has the format.

#include <stdlib.h>

#include "chat.h"
#include "socklet.h"

// The last lines that were said, oldest first. All connections of a room share the
// instance, and so its static variables.
static socklet_buffer lines[KEPT_LINES];
static size_t line_count;

// The room has the line from now on, and frees it.
static void keep(socklet_buffer line) {
  if (line_count == KEPT_LINES) {
    socklet_free(&lines[0]);
    line_count--;
    memmove(&lines[0], &lines[1], line_count * sizeof *lines);
  }
  lines[line_count++] = line;
}

// Somebody has come. What this returns is what the room keeps for a connection: the name.
static void *on_ready(socklet_connection connection, const socklet_request *request) {
  for (size_t i = 0; i < line_count; i++) {
    socklet_write(connection, socklet_text(socklet_contents(&lines[i])));
  }
  // Of `?name=Ada`.
  socklet_buffer asked = {0};
  socklet_query(request, "name", &asked);
  char *name = name_of(socklet_contents(&asked).data);
  socklet_free(&asked);

  socklet_buffer line = {0};
  socklet_appendf(&line, "* %s joined", name);
  socklet_message joined = socklet_text(socklet_contents(&line));
  socklet_write(connection, joined);
  // To the others: this one is a member when this has returned.
  socklet_broadcast(joined, SOCKLET_NOBODY);
  socklet_free(&line);
  return name;
}

static void on_message(void *state, socklet_connection connection, socklet_message message) {
  const char *name = state;
  if (message.kind != SOCKLET_TEXT) {
    socklet_close(connection, 1003, "text only");
  } else if (message.length > LONGEST_TEXT) {
    socklet_writef(connection, "* a text may have %d bytes", LONGEST_TEXT);
  } else {
    socklet_buffer line = {0};
    socklet_appendf(&line, "%s: ", name);
    socklet_append(&line, message.data, message.length);
    socklet_broadcast(socklet_text(socklet_contents(&line)), SOCKLET_NOBODY);
    keep(line);
  }
}

// Somebody has gone, and is no member any more.
static void on_close(void *state, socklet_connection connection,
                     const socklet_close_event *event) {
  (void) connection, (void) event;
  char *name = state;
  socklet_buffer line = {0};
  socklet_appendf(&line, "* %s left", name);
  socklet_broadcast(socklet_text(socklet_contents(&line)), SOCKLET_NOBODY);
  socklet_free(&line);
  free(name);
}

SOCKLET_EXPORT(.on_ready = on_ready, .on_message = on_message, .on_close = on_close)

// When this file has changed and was built, the new version takes the room up as it was, with
// everyone in it: what these functions save and restore. Each line has its length before it.

static const char *save_room(socklet_buffer *saved) {
  for (size_t i = 0; i < line_count; i++) {
    socklet_append(saved, &lines[i].length, sizeof lines[i].length);
    socklet_append(saved, lines[i].data, lines[i].length);
  }
  return SOCKLET_OK;
}

static const char *restore_room(uint32_t schema, socklet_string saved) {
  (void) schema;
  size_t length;
  while (socklet_take(&saved, &length, sizeof length)) {
    if (length > saved.length) {
      return "a line is torn";
    }
    socklet_buffer line = {0};
    socklet_append(&line, saved.data, length);
    keep(line);
    saved.data += length;
    saved.length -= length;
  }
  return SOCKLET_OK;
}

static const char *save_name(const void *state, socklet_connection connection,
                             socklet_buffer *saved) {
  (void) connection;
  socklet_append_text(saved, state);
  return SOCKLET_OK;
}

static const char *restore_name(uint32_t schema, socklet_string saved,
                                socklet_connection connection, void **state) {
  (void) schema, (void) connection;
  socklet_buffer name = {0};
  socklet_append(&name, saved.data, saved.length);
  *state = name.data;
  return SOCKLET_OK;
}

// Count the schema up when the form of what is saved changes.
SOCKLET_EXPORT_SNAPSHOT(.schema = 1, .save = save_name, .restore = restore_name,
                        .save_shared = save_room, .restore_shared = restore_room)
