//! How timers that go off come to a handler or a room.

use crate::bindings::alarmed::exports::socklet::websocket::alarm;
use crate::{Alarm, Connection, Handler, RoomAlarm, Timer};
use crate::{alarm as timers, owners};

use super::{Events, Export, Shared, States, place_of};

/// Events among which are those of timers.
pub trait Ringing: Events {
    fn on_alarm(&self, timer: u64);

    /// An event of this connection begins.
    fn begin(_connection: u64) {}

    /// Its last event has ended.
    fn end(_connection: u64) {}
}

/// What is exported beside the events.
pub trait ExportAlarm: Export<Events: Ringing> {}

impl<E: ExportAlarm> alarm::Guest for E {
    fn on_alarm(timer: u64) {
        E::events().with(|events| events.on_alarm(timer));
    }
}

impl<H: Handler + Alarm> Ringing for States<H> {
    fn on_alarm(&self, timer: u64) {
        // Its connection was gone when the state was taken up.
        let Some(id) = owners::owner_of(timer) else {
            Timer::new(timer).cancel();
            return;
        };
        owners::begin(id);
        let mut states = self.by_id.borrow_mut();
        let place = place_of(id, &states);
        states[place].1.on_alarm(&Connection::new(id), Timer::new(timer));
    }

    fn begin(connection: u64) {
        owners::begin(connection);
    }

    fn end(connection: u64) {
        timers::cancel_all_of(connection);
    }
}

impl<R: RoomAlarm> Ringing for Shared<R> {
    fn on_alarm(&self, timer: u64) {
        // Nobody has opened it, so nobody has set a timer.
        let (Some(room), members) = &mut *self.inner.borrow_mut() else { return };
        room.on_alarm(members, Timer::new(timer));
    }
}

/// Compiles for handlers and rooms that hear of timers only.
pub const fn check_alarm<E: Ringing>() {}
