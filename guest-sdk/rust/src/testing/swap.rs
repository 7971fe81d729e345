//! Another instance takes the connections over.

use std::cell::RefCell;
use std::rc::Rc;

use super::Host;
use super::events::{Inner, Kind};
use crate::SnapshotError;
use crate::export::Lasting;

impl<E: Kind + Lasting> Host<E> {
    /// Another instance of the same handler takes over from this one: `suspend` and
    /// `resume`, as where it is swapped or parked.
    ///
    /// # Errors
    ///
    /// Why the state was not written, or not taken up. Then the instance goes on.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use socklet_guest::prelude::*;
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Counter(u64);
    ///
    /// impl Snapshot for Counter {
    ///     const SCHEMA: u32 = 1;
    /// }
    ///
    /// impl Handler for Counter {
    ///     fn on_ready(_connection: &Connection, _request: &Request) -> Self {
    ///         Counter(0)
    ///     }
    ///
    ///     fn on_message(&mut self, connection: &Connection, _message: Message) {
    ///         self.0 += 1;
    ///         connection.write(self.0.to_string());
    ///     }
    /// }
    ///
    /// let host = socklet_guest::testing::handler::<Counter>();
    /// let peer = host.connect("/counter");
    /// peer.send("one");
    /// host.swap().unwrap();
    /// peer.send("two");
    /// assert_eq!(peer.texts(), ["1", "2"]);
    /// ```
    pub fn swap(&self) -> Result<(), SnapshotError> {
        let instance = self.taken_up_by::<E>()?;
        *self.inner.instance.borrow_mut() = instance;
        Ok(())
    }

    /// An instance of another handler takes over from this one, such as a newer version.
    /// The new host has this one's connections, timers and all; its
    /// [`peers`](Self::peers) are those that this one has.
    ///
    /// # Errors
    ///
    /// Why the state was not written, or not taken up. Then this host goes on.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use socklet_guest::prelude::*;
    /// # #[derive(Serialize, Deserialize)]
    /// # struct V1;
    /// # impl Snapshot for V1 { const SCHEMA: u32 = 1; }
    /// # impl Handler for V1 {
    /// #     fn on_ready(_: &Connection, _: &Request) -> Self { V1 }
    /// # }
    /// # #[derive(Serialize, Deserialize)]
    /// # struct V2;
    /// # impl Snapshot for V2 { const SCHEMA: u32 = 2; }
    /// # impl Handler for V2 {
    /// #     fn on_ready(_: &Connection, _: &Request) -> Self { V2 }
    /// # }
    /// use socklet_guest::testing;
    ///
    /// let old = testing::handler::<V1>();
    /// let peer = old.connect("/");
    /// // V2 has no `upgrade`.
    /// let refused = old.hand_over_to(testing::handler::<V2>());
    /// assert_eq!(refused.err(), Some(SnapshotError::UnknownSchema));
    /// assert!(peer.is_open());
    /// ```
    pub fn hand_over_to<N: Kind + Lasting>(&self, next: Host<N>) -> Result<Host<N>, SnapshotError> {
        drop(next);
        let instance = RefCell::new(self.taken_up_by::<N>()?);
        Ok(Host { inner: Rc::new(Inner { fake: self.inner.fake.clone(), instance }) })
    }

    fn taken_up_by<N: Kind + Lasting>(&self) -> Result<Rc<N>, SnapshotError> {
        let fake = &self.inner.fake;
        let (schema, state) = self.inner.event(|events| events.suspend())?;
        let next = Rc::new(N::fresh());
        let connections = fake.present();
        let owned = std::mem::take(&mut fake.state().owned);
        let timers = fake.state().timers.clone();
        if let Err(why) = fake.within(|| next.resume(&connections, schema, &state)) {
            // What it has set or cancelled is undone.
            let mut state = fake.state();
            (state.owned, state.timers) = (owned, timers);
            return Err(why);
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde::{Deserialize, Serialize};

    use crate::testing::handler;
    use crate::{
        Alarm, Connection, Handler, Message, Older, Request, Snapshot, SnapshotError, Timer,
    };

    const SECOND: Duration = Duration::from_secs(1);

    /// Counts, and does so too when its timer goes off.
    #[derive(Serialize, Deserialize)]
    struct Counter<const SCHEMA: u32> {
        count: u32,
    }

    impl<const SCHEMA: u32> Snapshot for Counter<SCHEMA> {
        const SCHEMA: u32 = SCHEMA;

        fn upgrade(older: &Older<'_>) -> Result<Self, SnapshotError> {
            Timer::after(SECOND).unwrap();
            match older.schema() {
                1 => older.read(),
                _ => Err(SnapshotError::UnknownSchema),
            }
        }
    }

    impl<const SCHEMA: u32> Handler for Counter<SCHEMA> {
        fn on_ready(_connection: &Connection, _request: &Request) -> Self {
            Timer::after(SECOND).unwrap();
            Counter { count: 0 }
        }

        fn on_message(&mut self, connection: &Connection, _message: Message) {
            self.count += 1;
            connection.write(format!("{SCHEMA}: {}", self.count));
        }
    }

    impl<const SCHEMA: u32> Alarm for Counter<SCHEMA> {
        fn on_alarm(&mut self, connection: &Connection, _timer: Timer) {
            self.on_message(connection, "".into());
        }
    }

    #[test]
    fn state_and_timers_go_on_in_another_instance() {
        let host = handler::<Counter<1>>();
        let peer = host.connect("/");
        peer.send("");
        host.swap().unwrap();
        peer.send("");
        host.advance(SECOND);
        assert_eq!(peer.texts(), ["1: 1", "1: 2", "1: 3"]);
    }

    #[test]
    fn a_newer_version_takes_up_what_it_knows() {
        let host = handler::<Counter<1>>();
        let old = host.connect("/");
        old.send("");
        let next = host.hand_over_to(handler::<Counter<2>>()).unwrap();
        let [peer] = &next.peers()[..] else { panic!("not one peer") };
        peer.send("");
        // The old one's timer, and the one that was set by `upgrade`.
        next.advance(SECOND);
        assert_eq!(peer.texts(), ["1: 1", "2: 2", "2: 3", "2: 4"]);
        let refused = next.hand_over_to(handler::<Counter<3>>());
        assert_eq!(refused.err(), Some(SnapshotError::UnknownSchema));
        assert_eq!(next.timers(), []);
        peer.send("");
        assert_eq!(peer.texts(), ["2: 5"]);
    }
}
