// What a connection keeps, and how it is kept over a swap.
#include "state.h"

#include <stdlib.h>

state *state_new(void) {
  state *state = calloc(1, sizeof *state);
  if (state == NULL) {
    socklet_fail("no memory for another connection");
  }
  state->last_timer = UINT64_MAX;
  return state;
}

void state_free(state *state) {
  for (size_t i = 0; i < state->reminder_count; i++) {
    free(state->reminders[i].text);
  }
  free(state->request);
  free(state);
}

static void add(state *state, socklet_timer timer, bool repeats, socklet_string text) {
  socklet_buffer copy = {0};
  socklet_append(&copy, text.data, text.length);
  state->reminders[state->reminder_count++] = (reminder){timer, repeats, copy.data};
}

socklet_timer_outcome state_remind(state *state, socklet_connection connection, bool repeats,
                                   uint64_t milliseconds, const char *text) {
  if (state->reminder_count == MAX_REMINDERS) {
    return SOCKLET_TIMER_FULL;
  }
  socklet_timer timer;
  socklet_timer_outcome outcome = repeats
                                      ? socklet_set_ticker(connection, milliseconds, &timer)
                                      : socklet_set_timer(connection, milliseconds, &timer);
  if (outcome == SOCKLET_TIMER_SET) {
    add(state, timer, repeats, socklet_string_of(text));
    state->last_timer = timer;
  }
  return outcome;
}

static size_t place_of(const state *state, socklet_timer timer) {
  size_t place = 0;
  while (place < state->reminder_count && state->reminders[place].timer != timer) {
    place++;
  }
  return place;
}

const char *state_text_of(const state *state, socklet_timer timer) {
  size_t place = place_of(state, timer);
  return place < state->reminder_count ? state->reminders[place].text : NULL;
}

void state_forget(state *state, socklet_timer timer, bool cancelled) {
  size_t place = place_of(state, timer);
  if (place < state->reminder_count && (cancelled || !state->reminders[place].repeats)) {
    free(state->reminders[place].text);
    state->reminders[place] = state->reminders[--state->reminder_count];
  }
}

static const char *save(const void *data, socklet_connection connection, socklet_buffer *saved) {
  (void) connection;
  const state *state = data;
  if (state->refuses_suspend) {
    return "as asked";
  }
  socklet_append(saved, &state->messages, sizeof state->messages);
  socklet_append(saved, &state->last_timer, sizeof state->last_timer);
  socklet_append(saved, &state->reminder_count, sizeof state->reminder_count);
  for (size_t i = 0; i < state->reminder_count; i++) {
    const reminder *reminder = &state->reminders[i];
    size_t length = strlen(reminder->text);
    socklet_append(saved, &reminder->timer, sizeof reminder->timer);
    socklet_append(saved, &reminder->repeats, sizeof reminder->repeats);
    socklet_append(saved, &length, sizeof length);
    socklet_append(saved, reminder->text, length);
  }
  return SOCKLET_OK;
}

static bool restore_reminder(state *state, socklet_string *saved) {
  socklet_timer timer;
  bool repeats;
  size_t length;
  if (!socklet_take(saved, &timer, sizeof timer) ||
      !socklet_take(saved, &repeats, sizeof repeats) ||
      !socklet_take(saved, &length, sizeof length) || saved->length < length ||
      state->reminder_count == MAX_REMINDERS) {
    return false;
  }
  add(state, timer, repeats, (socklet_string){saved->data, length});
  saved->data += length;
  saved->length -= length;
  return true;
}

static const char *restore(uint32_t schema, socklet_string saved, socklet_connection connection,
                           void **data) {
  (void) schema, (void) connection;
  state *state = *data = state_new();
  size_t count;
  bool whole = socklet_take(&saved, &state->messages, sizeof state->messages) &&
               socklet_take(&saved, &state->last_timer, sizeof state->last_timer) &&
               socklet_take(&saved, &count, sizeof count);
  for (size_t i = 0; whole && i < count; i++) {
    whole = restore_reminder(state, &saved);
  }
  return whole ? SOCKLET_OK : "the state is torn";
}

#ifndef SCHEMA
#define SCHEMA 1
#endif

SOCKLET_EXPORT_SNAPSHOT(.schema = SCHEMA, .save = save, .restore = restore)
