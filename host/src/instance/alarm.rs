//! The export `alarm`: a timer has gone off.

use super::Instance;
use crate::alarms::TimerId;
use crate::connection::ConnectionId;
use crate::failure::Failure;
use crate::meter::Turn;

impl Instance {
    /// Tells of a timer. No peer has to send anything for that, so of one handler's
    /// instances only one a core does so at a time: however many timers they set, whose
    /// sockets those threads watch as well are not held up by more.
    pub(super) async fn ring(&mut self, of: ConnectionId, timer: TimerId) -> Result<(), Failure> {
        let Some(on_alarm) = self.rare().and_then(|rare| rare.on_alarm) else { return Ok(()) };
        let (meter, turns) = (self.meter(), &self.account.turns);
        let store = &mut self.store;
        let (turn, waited) = Turn::first(turns).await;
        if waited {
            store.data_mut().begin_event(of, true);
            // The deadline passed meanwhile.
            store.set_epoch_deadline(1);
        }
        let event = on_alarm.call_async(&mut *store, (timer,));
        let wall = self.limits.event_wall_time;
        let rung = Box::pin(meter.event_in_turn(wall, turns, Some(turn), event)).await;
        let state = store.data_mut();
        state.end_event(|metrics| &metrics.on_alarm);
        rung.map_err(|failure| state.memory.explain(failure))?;
        if let Some(source) = &state.source {
            source.event_ended(state.ended);
        }
        Ok(())
    }
}
