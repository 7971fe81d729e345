// Timers, and whose they are.
#include "../socklet/timers.h"

#include "owners.h"
#include "raw.h"

void socklet_cancel_timers_of(socklet_connection owner) {
  // From the last one, whose place nothing else takes.
  for (size_t place = owners_count(); place-- > 0;) {
    owned entry = owners_at(place);
    if (entry.owner == owner) {
      socklet_cancel_timer(entry.timer);
    }
  }
}

static socklet_timer_outcome set(socklet_connection owner, uint64_t after, uint64_t *every,
                                 socklet_timer *timer) {
  // Nobody would hear of it. And a handler that lacks SOCKLET_EXPORT_ALARM fails here to be
  // linked, which is earlier than on the host.
  if (socklet_exported_alarm == NULL) {
    return SOCKLET_TIMER_UNAVAILABLE;
  }
  socklet_websocket_timers_set_outcome_t outcome;
  socklet_websocket_timers_set(after, every, &outcome);
  if (outcome.tag == SOCKLET_WEBSOCKET_TIMERS_SET_OUTCOME_SET) {
    if (owner != SOCKLET_NOBODY) {
      owners_add((owned){outcome.val.set, owner, every != NULL});
    }
    if (timer != NULL) {
      *timer = outcome.val.set;
    }
  }
  return (socklet_timer_outcome) outcome.tag;
}

socklet_timer_outcome socklet_set_timer(socklet_connection owner, uint64_t milliseconds,
                                        socklet_timer *timer) {
  return set(owner, milliseconds, NULL, timer);
}

socklet_timer_outcome socklet_set_ticker(socklet_connection owner, uint64_t milliseconds,
                                         socklet_timer *timer) {
  return set(owner, milliseconds, &milliseconds, timer);
}

bool socklet_cancel_timer(socklet_timer timer) {
  owners_forget(timer);
  return socklet_websocket_timers_cancel(timer) ==
         SOCKLET_WEBSOCKET_TIMERS_CANCEL_OUTCOME_CANCELLED;
}
