//! A gate that tries to set a timer, and lets everybody in. The handler says what has
//! come of that, and which timers have gone off.

use std::cell::Cell;
use std::time::Duration;

use socklet_guest::prelude::*;

thread_local! {
    static TRIED: Cell<Option<Result<Timer, TimerError>>> = const { Cell::new(None) };
}

struct Sets;

impl Gate for Sets {
    fn on_request(_: &Connection, _: &Request) -> Result<Acceptance, Rejection> {
        TRIED.set(Some(Timer::after(Duration::from_millis(10))));
        Ok(Acceptance::new())
    }
}

impl Handler for Sets {
    fn on_ready(connection: &Connection, _: &Request) -> Self {
        connection.write(format!("{:?}", TRIED.get()));
        let _ = Timer::after(Duration::from_millis(50));
        Sets
    }
}

impl Alarm for Sets {
    fn on_alarm(&mut self, connection: &Connection, _: Timer) {
        connection.write("an alarm");
    }
}

socklet_guest::export!(Sets: Handler + Gate + Alarm);
