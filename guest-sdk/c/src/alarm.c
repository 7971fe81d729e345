// The event of a timer that has gone off.
#include "members.h"
#include "owners.h"
#include "raw.h"
#include "../socklet/timers.h"

void exports_socklet_websocket_alarm_on_alarm(exports_socklet_websocket_alarm_timer_id_t timer) {
  socklet_connection owner = owners_take(timer);
  void *state = owner == SOCKLET_NOBODY ? NULL : socklet_state(owner);
  socklet_exported_alarm(state, owner, timer);
}
