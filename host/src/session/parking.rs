//! How a connection rests without an instance while nothing happens on it: its socket
//! stays, and what is for the peer only, pings and messages of topics, wakes nobody.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::guest::{Moved, Own, State};
use super::phase::Phase;
use super::{Guest, Session};
use crate::parking::{Parked, QUIET, Woken};
use crate::snapshot::{Stays, Suspended};
use crate::source::Source;

/// A connection that has had events since is not looked at again before this.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl Own {
    /// Whether it serves, and is asked for nothing.
    pub(super) fn is_at_home(&self) -> bool {
        let serves = matches!(self.state, State::Serving(_));
        serves && self.leaving.is_none() && self.turn.is_none() && !self.parking
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    /// Its instance has had an event. True where there is a deadline since.
    pub(super) fn stirs(&mut self) -> bool {
        let Guest::Own(own) = &mut self.guest else { return false };
        own.place = None;
        let can_rest = self.generation.prepared.has_snapshot();
        can_rest && self.timers.stirs(own.instances.quiet(&self.generation.account))
    }

    /// Looks whether its instance has had nothing to do for long. Returns when to look
    /// again, where that is not for an event to say.
    pub(super) fn rest(&mut self, since: Instant) -> Option<Instant> {
        let now = self.timers.now();
        let Guest::Own(own) = &mut self.guest else { return None };
        let open = matches!(self.phase, Phase::Open);
        let can_rest = self.generation.prepared.has_snapshot() && !own.wakeful;
        if !open || !can_rest || matches!(own.state, State::Parked(_)) {
            return None;
        }
        let park_after = self.generation.settings.park_after;
        let busy = self.connection.shared().busy;
        let quiet = own.instances.quiet(&self.generation.account);
        if now < since + quiet || busy || !own.is_at_home() {
            return Some((since + quiet).max(now + LOOK_AGAIN));
        }
        let park_at = park_after.map(|after| since + after);
        if park_at.is_some_and(|at| at <= now) {
            self.ask_to_park();
            return None;
        }
        let name = self.generation.account.name.clone();
        let connection = self.connection.clone();
        own.place.get_or_insert_with(|| own.instances.resting.begin(name, connection));
        park_at
    }

    /// Has the instance asked for its state, so that it can go.
    pub(super) fn ask_to_park(&mut self) {
        let Guest::Own(own) = &mut self.guest else { return };
        own.place = None;
        if own.wakeful || !matches!(self.phase, Phase::Open) {
            return;
        }
        let mut shared = self.connection.shared();
        let at_rest = own.is_at_home() && !shared.busy && !shared.has_event();
        if !at_rest || !self.generation.prepared.has_snapshot() {
            drop(shared);
            // Once it is, it is looked at again.
            self.timers.stirs(QUIET);
            return;
        }
        shared.mailbox.suspend();
        own.parking = true;
    }

    /// The instance was asked for its state, and goes where that can be kept.
    pub(super) fn park(&mut self, suspended: Suspended) {
        let Guest::Own(own) = &mut self.guest else { return };
        let Suspended { instance, saved } = suspended;
        if self.connection.shared().has_event() {
            // Something has come meanwhile.
            own.state = State::serving(instance, self.connection.clone(), &own.instances);
            // It may belong elsewhere by now.
            self.follow();
            return;
        }
        let generation = self.generation.clone();
        let parked = saved.and_then(|saved| {
            let connections = instance.connections().clone();
            Parked::new(saved, connections, generation.clone()).map_err(Stays::Memory)
        });
        match parked {
            Ok(parked) => {
                own.state = State::Parked(Box::new(parked));
                drop(instance);
                own.slot = None;
                self.give_back_buffers();
            }
            Err(why) => {
                own.wakeful = true;
                generation.can_not_park(1, &why);
                own.state = State::serving(instance, self.connection.clone(), &own.instances);
            }
        }
        // It may belong elsewhere by now.
        self.follow();
    }

    /// Has an instance take the state up where there is an event for it.
    pub(super) fn wake_if_needed(&mut self) {
        let Guest::Own(own) = &mut self.guest else { return };
        if !matches!(own.state, State::Parked(_)) || !self.connection.shared().has_event() {
            return;
        }
        let (connection, instances) = (self.connection.clone(), own.instances.clone());
        let home = self.generation.clone();
        // Whatever is put there is polled below, and gives it another state.
        let never = State::Moving(Box::pin(std::future::pending()));
        let State::Parked(parked) = std::mem::replace(&mut own.state, never) else { return };
        own.state = State::Moving(Box::pin(async move {
            let source = Source::Own(connection);
            let Woken { instance, generation, slot, stays } =
                parked.wake(home.clone(), &instances, source).await?;
            Ok(Moved { instance, generation, next: home, stays, slot: Some(slot) })
        }));
    }
}

impl crate::resting::GiveUp for crate::connection::Connection {
    fn give_up(&self) {
        self.ask_to_park();
    }
}
