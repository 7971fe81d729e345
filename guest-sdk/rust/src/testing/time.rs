//! Time, which passes when a test says so.

use std::time::Duration;

use super::Host;
use super::events::Kind;
use crate::Timer;
use crate::export::Ringing;

/// A timer that has been set and will go off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetTimer {
    /// Its name.
    pub timer: Timer,
    /// How long it is until then.
    pub after: Duration,
    /// The period of one that goes off again and again.
    pub every: Option<Duration>,
}

impl<E: Kind> Host<E> {
    /// The timers that are set, in the order in which they go off.
    #[must_use]
    pub fn timers(&self) -> Vec<SetTimer> {
        self.inner.fake.timers()
    }
}

impl<E: Kind + Ringing> Host<E> {
    /// Lets time pass. Timers that come to be due go off in their order.
    ///
    /// ```
    /// # use socklet_guest::prelude::*;
    /// # struct Ticks(u64);
    /// # impl Handler for Ticks {
    /// #     fn on_ready(_: &Connection, _: &Request) -> Self {
    /// #         Timer::every(Duration::from_secs(1)).expect("it is the first");
    /// #         Ticks(0)
    /// #     }
    /// # }
    /// # impl Alarm for Ticks {
    /// #     fn on_alarm(&mut self, connection: &Connection, _timer: Timer) {
    /// #         self.0 += 1;
    /// #         connection.write(self.0.to_string());
    /// #     }
    /// # }
    /// use std::time::Duration;
    ///
    /// let host = socklet_guest::testing::handler::<Ticks>();
    /// let peer = host.connect("/ticks");
    /// host.advance(Duration::from_millis(2500));
    /// assert_eq!(peer.texts(), ["1", "2"]);
    /// ```
    pub fn advance(&self, time: Duration) {
        let until = self.inner.fake.state().now + time;
        while let Some(timer) = self.inner.fake.next_due(until) {
            self.inner.event(|events| events.on_alarm(timer));
        }
        self.inner.fake.state().now = until;
    }
}
