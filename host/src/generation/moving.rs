//! How connections move from a generation to the next one, with the state of their
//! instances.
//!
//! Where an instance has one connection, that one's session moves it. A room belongs to
//! the next generation at once, so that whoever joins it finds it there; its own task has
//! the instance follow, and gives the room back where it does not. Of two generations the
//! older one is locked first.

use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tokio::time::timeout;

use super::{Generation, Membership};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::guards::Guards;
use crate::imports::Connections;
use crate::instance::Instance;
use crate::instances::Instances;
use crate::room::Room;
use crate::settings::SwapPolicy;
use crate::snapshot::{Saved, Stays};
use crate::source::Source;
use crate::trial::Culprit;

/// That something may come back to a generation: it is to be found until then.
pub(crate) struct Hold(Arc<Generation>);

impl Hold {
    pub(crate) fn new(of: &Arc<Generation>) -> Self {
        of.held.fetch_add(1, Relaxed);
        Self(of.clone())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Relaxed);
    }
}

impl Generation {
    /// Whether the state of its instances may be given to those of the next one.
    fn can_move_to(&self, next: &Self) -> bool {
        let both = self.prepared.has_snapshot() && next.prepared.has_snapshot();
        // Who was let in without a session or a gate has shown nothing of what the next one
        // may rely on.
        let guarded = !Guards::of(next).ask_more_than(Guards::of(self));
        both && guarded && self.settings.scope == next.settings.scope
    }

    /// What becomes of its connections where the next one takes over.
    pub(crate) fn policy_towards(&self, next: &Self) -> SwapPolicy {
        match next.settings.swap {
            None | Some(SwapPolicy::Migrate) if self.can_move_to(next) => SwapPolicy::Migrate,
            None | Some(SwapPolicy::Migrate) => {
                let restarts = next.settings.restarts;
                if restarts { SwapPolicy::Restart } else { self.settings.scope.swap_policy() }
            }
            Some(other) => other,
        }
    }

    /// Has all its connections move to the next one, each when its turn comes. Nobody
    /// else joins it from now on.
    pub(crate) fn hand_over(self: &Arc<Self>, next: &Arc<Self>) {
        self.retired.store(true, Relaxed);
        self.stays.store(None);
        let (mut rooms, mut theirs) = (self.rooms(), next.rooms());
        // Where there is one of the same path already, they can't become one.
        rooms.retain(|key, room| match theirs.entry(key.clone()) {
            Entry::Occupied(_) => true,
            Entry::Vacant(entry) => {
                room.hold(self);
                room.set_home(next);
                entry.insert(room.clone());
                false
            }
        });
        drop((rooms, theirs));
        self.live().successor = Some(next.clone());
        self.connections().iter().for_each(|connection| connection.look_again());
    }

    /// Where its connections are to move.
    pub(crate) fn successor(&self) -> Option<Arc<Self>> {
        self.live().successor.clone()
    }

    /// A room is this one's again, since its instance could not move to the next one.
    /// It stays there where it has moved on from there meanwhile.
    pub(crate) fn take_back(self: &Arc<Self>, next: &Self, key: &Arc<str>, room: &Arc<Room>) {
        let (mut rooms, mut theirs) = (self.rooms(), next.rooms());
        if theirs.get(key).is_some_and(|known| Arc::ptr_eq(known, room)) {
            theirs.remove(key);
            rooms.insert(key.clone(), room.clone());
            room.set_home(self);
            room.let_go();
        }
    }

    /// Why some of its connections could not move, as of the last try.
    pub(crate) fn stays(&self) -> Option<Arc<String>> {
        self.stays.load_full()
    }

    /// An instance has given its connections to one of the next generation, or they stay.
    pub(crate) fn note_move(&self, next: &Self, connections: usize, outcome: Result<(), &Stays>) {
        self.account.metrics.migrated(outcome.is_ok());
        let Err(why) = outcome else { return };
        let first = self.stays.swap(Some(Arc::new(why.to_string()))).is_none();
        if first || self.account.may_notice() {
            tracing::warn!(
                handler = &*self.account.name,
                generation = self.number,
                connections,
                "could not move to generation {}: {why}: it serves them on",
                next.number
            );
        }
    }

    /// What an instance knows could not be kept without it.
    pub(crate) fn can_not_park(&self, connections: usize, why: &Stays) {
        if self.account.may_notice() {
            tracing::warn!(
                handler = &*self.account.name,
                generation = self.number,
                connections,
                "could not be parked: {why}: its instance stays"
            );
        }
    }

    /// The same as `resume`, unless its instances fail again and again: then the old one,
    /// which is still there, had better stay.
    pub(crate) async fn take_over(
        self: &Arc<Self>,
        instances: &Instances,
        saved: Saved,
        connections: Connections,
        source: Source,
    ) -> Result<Instance, Stays> {
        if self.pause_left().is_some() {
            return Err(Stays::Failing);
        }
        self.resume(instances, Arc::new(saved), connections, source).await
    }

    /// A fresh instance that has taken up the state of another one.
    pub(crate) async fn resume(
        self: &Arc<Self>,
        instances: &Instances,
        saved: Arc<Saved>,
        connections: Connections,
        source: Source,
    ) -> Result<Instance, Stays> {
        if source.has_timers() && !self.prepared.has_alarm() {
            return Err(Stays::Timers);
        }
        let anyone = connections.values().next();
        let culprit = anyone.map_or(Culprit::Unknown, |one| Culprit::of(one));
        let limit = self.settings.timeouts.handshake;
        let started = timeout(limit, self.clone().start(&instances.overtime)).await;
        let started = started.unwrap_or(Err(Failure::Start(limit)));
        let mut instance = started.map_err(|failure| {
            self.failed(&failure, culprit);
            Stays::NotStarted(failure)
        })?;
        let resumed = instances.overtime.work(instance.meter(), async move {
            let resumed = instance.resume(&saved, connections, source).await;
            resumed.map(|()| instance)
        });
        let resumed = resumed.run().await;
        if let Err(Stays::ResumeFailed(failure)) = &resumed {
            self.failed(failure, culprit);
        }
        resumed
    }
}

impl Membership {
    /// Has the connection belong to another generation, and keep to its limits.
    pub(crate) fn move_to(&mut self, next: &Arc<Generation>, connection: &Arc<Connection>) {
        next.add(connection);
        self.generation.live().connections.remove(&self.connection);
        self.generation = next.clone();
        connection.hold_to(&next.settings.limits);
        connection.subscriptions.hold_to(&next.settings.topics);
    }
}
