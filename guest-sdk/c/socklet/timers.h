// Timers. Who sets them uses SOCKLET_EXPORT_ALARM as well: a component that can't hear of
// its timers is refused by the host when it is loaded.
#ifndef SOCKLET_TIMERS_H
#define SOCKLET_TIMERS_H

#include "connection.h"
#include "../bindings/exports.h"

#ifdef __cplusplus
extern "C" {
#endif

// Names a timer of this instance. It outlives a swap and parking as the state does, and may
// be a part of that.
typedef uint64_t socklet_timer;

typedef enum socklet_timer_outcome {
  SOCKLET_TIMER_SET,
  // The instance has `max-timers` (256 by default) already.
  SOCKLET_TIMER_FULL,
  // The time is shorter than 10 ms or longer than 365 days.
  SOCKLET_TIMER_OUT_OF_RANGE,
  // There is nobody whose timer it could be: in a gate, and in the `on_close` of an
  // instance's only connection.
  SOCKLET_TIMER_UNAVAILABLE,
} socklet_timer_outcome;

// Sets a timer that goes off once, after so many milliseconds. It is the owner's, and
// cancelled when that connection has ended; with SOCKLET_NOBODY it is the instance's.
// `timer` is set where the outcome is SOCKLET_TIMER_SET, and may be NULL.
socklet_timer_outcome socklet_set_timer(socklet_connection owner, uint64_t milliseconds,
                                        socklet_timer *timer);

// Sets one that goes off again and again. It does not drift; where it is late by more than
// its period, it goes off once for all that were missed.
socklet_timer_outcome socklet_set_ticker(socklet_connection owner, uint64_t milliseconds,
                                         socklet_timer *timer);

// Takes a timer back: nothing is called for it any more, even if it is due. False where
// there is no such timer.
bool socklet_cancel_timer(socklet_timer timer);

// A timer has gone off. `state` and `owner` are those of the connection that it was set
// for; NULL and SOCKLET_NOBODY where that was nobody. The owner may be closing.
typedef void (*socklet_alarm)(void *state, socklet_connection owner, socklet_timer timer);

// Takes back all timers of an owner. That is done by itself when a connection has ended.
void socklet_cancel_timers_of(socklet_connection owner);

// Has a function called when a timer goes off: once, at the top level of one file.
#define SOCKLET_EXPORT_ALARM(function)                                                   \
  const socklet_alarm socklet_exported_alarm = function;                                 \
  void (*const socklet_exported_removal)(socklet_connection) = socklet_cancel_timers_of; \
  SOCKLET_RAW_EXPORT_ALARM()

// Defined by SOCKLET_EXPORT_ALARM.
extern const socklet_alarm socklet_exported_alarm;
extern void (*const socklet_exported_removal)(socklet_connection);

#ifdef __cplusplus
}
#endif
#endif
