// What a connection keeps.
#ifndef CONFORMANCE_STATE_H
#define CONFORMANCE_STATE_H

#include "socklet.h"

enum { MAX_REMINDERS = 16 };

// A timer, and what is to be said when it goes off.
typedef struct reminder {
  socklet_timer timer;
  bool repeats;
  char *text;
} reminder;

typedef struct state {
  uint64_t messages;
  bool refuses_suspend;
  // Of the timer that was set last; SOCKLET_NOBODY before that.
  socklet_timer last_timer;
  size_t reminder_count;
  reminder reminders[MAX_REMINDERS];
  // NULL after a swap: it isn't kept.
  socklet_request *request;
} state;

state *state_new(void);
void state_free(state *state);

// Sets a timer that has this said. `milliseconds` is its period where it repeats.
socklet_timer_outcome state_remind(state *state, socklet_connection connection, bool repeats,
                                   uint64_t milliseconds, const char *text);

// The text for a timer that has gone off; NULL where there is none.
const char *state_text_of(const state *state, socklet_timer timer);

// Forgets a timer; one that repeats only where it was cancelled.
void state_forget(state *state, socklet_timer timer, bool cancelled);

#endif
