// The program for connections that share an instance: docs/conformance.md.
#include "socklet.h"

static uint64_t messages;

static void tell_others(socklet_connection except, const char *sign) {
  socklet_buffer line = {0};
  socklet_appendf(&line, "%s%llu", sign, (unsigned long long) except);
  socklet_broadcast(socklet_text(socklet_contents(&line)), except);
  socklet_free(&line);
}

static void *on_ready(socklet_connection connection, const socklet_request *request) {
  (void) request;
  // Itself is no member yet.
  socklet_writef(connection, "ready %zu", socklet_member_count() + 1);
  tell_others(connection, "+");
  return NULL;
}

// What follows the command and a space; none where it is another command.
static socklet_string argument(socklet_message message, const char *command) {
  size_t length = strlen(command);
  if (message.kind != SOCKLET_TEXT || message.length < length ||
      memcmp(message.data, command, length) != 0) {
    return (socklet_string){0};
  }
  return (socklet_string){message.data + length, message.length - length};
}

static void on_message(void *state, socklet_connection connection, socklet_message message) {
  (void) state;
  messages++;
  socklet_string text;
  if (socklet_string_is(argument(message, "/members"), "")) {
    socklet_writef(connection, "%zu", socklet_member_count());
  } else if (socklet_string_is(argument(message, "/count"), "")) {
    socklet_writef(connection, "%llu", (unsigned long long) messages);
  } else if ((text = argument(message, "/others ")).data != NULL) {
    socklet_broadcast(socklet_text(text), connection);
  } else if ((text = argument(message, "/fail ")).data != NULL) {
    socklet_fail("%.*s", SOCKLET_ARG(text));
  } else {
    socklet_broadcast(message, SOCKLET_NOBODY);
  }
}

static void on_close(void *state, socklet_connection connection,
                     const socklet_close_event *event) {
  (void) state, (void) event;
  tell_others(connection, "-");
}

static const char *save_shared(socklet_buffer *saved) {
  socklet_append(saved, &messages, sizeof messages);
  return SOCKLET_OK;
}

static const char *restore_shared(uint32_t schema, socklet_string saved) {
  (void) schema;
  return socklet_take(&saved, &messages, sizeof messages) ? SOCKLET_OK : "the state is torn";
}

SOCKLET_EXPORT(.on_ready = on_ready, .on_message = on_message, .on_close = on_close)
SOCKLET_EXPORT_SNAPSHOT(.schema = 1, .save_shared = save_shared, .restore_shared = restore_shared)
