// State that outlives a swap, of a handler in the fake host.
#include <stdlib.h>

#include "fake/fake.h"

// Of all connections, and of each: how many messages came.
static unsigned total;

static unsigned *counted(unsigned from) {
  unsigned *count = malloc(sizeof *count);
  if (count == NULL) {
    abort();
  }
  *count = from;
  return count;
}

static void *on_ready(socklet_connection connection, const socklet_request *request) {
  (void) connection, (void) request;
  return counted(0);
}

static void on_message(void *state, socklet_connection connection, socklet_message message) {
  unsigned *count = state;
  (void) message;
  socklet_writef(connection, "%u of %u", ++*count, ++total);
}

static void on_close(void *state, socklet_connection connection,
                     const socklet_close_event *event) {
  (void) connection, (void) event;
  free(state);
}

SOCKLET_EXPORT(.on_ready = on_ready, .on_message = on_message, .on_close = on_close)

static const char *save(const void *state, socklet_connection connection, socklet_buffer *saved) {
  const unsigned *count = state;
  (void) connection;
  socklet_append(saved, count, sizeof *count);
  return *count == 13 ? "it is the 13th" : SOCKLET_OK;
}

static const char *restore(uint32_t schema, socklet_string saved, socklet_connection connection,
                           void **state) {
  (void) schema, (void) connection;
  unsigned count;
  if (!socklet_take(&saved, &count, sizeof count)) {
    return "torn";
  }
  *state = counted(count);
  return count == 5 ? "it is the fifth" : SOCKLET_OK;
}

static const char *save_total(socklet_buffer *saved) {
  socklet_append(saved, &total, sizeof total);
  return SOCKLET_OK;
}

static const char *restore_total(uint32_t schema, socklet_string saved) {
  (void) schema;
  return socklet_take(&saved, &total, sizeof total) ? SOCKLET_OK : "torn";
}

SOCKLET_EXPORT_SNAPSHOT(.schema = 1, .save = save, .restore = restore, .save_shared = save_total,
                        .restore_shared = restore_total)

static void say(socklet_connection connection, int times, const char *last) {
  while (times-- > 1) {
    fake_text(connection, "x");
    fake_written(connection);
  }
  fake_text(connection, "x");
  fake_expect(fake_written(connection), last);
}

int main(void) {
  socklet_connection one = fake_connect("/"), other = fake_connect("/");
  say(one, 2, "2 of 2");
  say(other, 1, "1 of 3");
  fake_expect(fake_save(), SOCKLET_OK);
  say(one, 1, "3 of 4");
  fake_expect(fake_restore(), SOCKLET_OK);
  say(one, 1, "3 of 4");
  say(other, 1, "2 of 5");

  // What was saved last is what is restored.
  fake_expect(fake_save(), SOCKLET_OK);
  say(one, 2, "5 of 7");
  fake_expect(fake_save(), SOCKLET_OK);
  fake_expect(fake_restore(), "it is the fifth");
  fake_close(other, 1000, "");

  say(one, 8, "13 of 15");
  fake_expect(fake_save(), "it is the 13th");
  fake_close(one, 1000, "");
  return fake_outcome();
}
