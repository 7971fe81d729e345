//! How many instances there may be, who gives up theirs when they run short, and where
//! those run whose events are long.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::account::{Account, Seat};
use crate::engine::Capacity;
use crate::host::Full;
use crate::overtime::Overtime;
use crate::parking::QUIET;
use crate::resting::Resting;

pub(crate) struct Instances {
    pub(crate) overtime: Overtime,
    /// Who could give up theirs.
    pub(crate) resting: Arc<Resting>,
    /// Told whenever a slot has become free.
    released: Arc<Notify>,
    slots: Arc<Semaphore>,
    moves: Arc<Semaphore>,
    max: usize,
    /// What is named when these have run out.
    limit: Full,
}

/// An instance's place among all, given up when dropped.
pub(crate) struct InstanceSlot {
    _instance: OwnedSemaphorePermit,
    _of_handler: Seat,
    // Dropped last, when the others are free.
    _released: Released,
}

struct Released(Arc<Notify>);

impl Drop for Released {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Instances that give their connections to others at a time. For a moment there are
/// two for the one slot that they have, so the pool has room for so many more, or for
/// twice as many as there may be.
pub(crate) const MAX_MOVES: usize = 16;

/// How long an instance may hold up others that are to move while it is in an event.
pub(crate) const LONGEST_TURN: Duration = Duration::from_millis(10);

/// An instance may give its connections to another one, until this is dropped.
pub(crate) struct Turn {
    _of_handler: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Instances {
    pub(crate) fn new(overtime: Overtime, capacity: Capacity) -> Self {
        let Capacity { instances: max, limit } = capacity;
        let slots = Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS)));
        let moves = Arc::new(Semaphore::new(MAX_MOVES.min(max)));
        Self {
            overtime,
            resting: Arc::default(),
            released: Arc::default(),
            slots,
            moves,
            max,
            limit,
        }
    }

    /// Reserves what an instance needs, or says at once what has run out. Before it has,
    /// who is at rest gives up theirs.
    pub(crate) fn reserve(&self, handler: &Account) -> Result<InstanceSlot, Full> {
        if handler.instances.are_taken() {
            self.resting.end_longest(Some(&handler.name));
        } else if self.are_scarce() {
            self.resting.end_longest(None);
        }
        self.take(handler)
    }

    fn are_scarce(&self) -> bool {
        self.slots.available_permits() <= self.max / 4
    }

    /// How long one of the handler's instances has no event before it counts as at rest.
    /// No time at all where others wait for one: they take turns then.
    pub(crate) fn quiet(&self, handler: &Account) -> Duration {
        match handler.instances.are_taken() || self.are_scarce() {
            true => Duration::ZERO,
            false => QUIET,
        }
    }

    fn take(&self, handler: &Account) -> Result<InstanceSlot, Full> {
        let instance = self.slots.clone().try_acquire_owned();
        let of_handler = handler.instances.take();
        // The last eighth is for handlers that have no more than that.
        let reserve = self.max / 8;
        let own = usize::try_from(handler.metrics.instances.get()).unwrap_or(0);
        if self.slots.available_permits() < reserve && own > reserve {
            return Err(self.limit);
        }
        Ok(InstanceSlot {
            _instance: instance.map_err(|_| self.limit)?,
            _of_handler: of_handler.ok_or(Full::HandlerInstances)?,
            _released: Released(self.released.clone()),
        })
    }

    /// The same, but waits for one that becomes free within this time, where anybody has
    /// just been asked for theirs or `may_wait`.
    async fn reserve_or_wait(
        &self,
        limit: Duration,
        handler: &Account,
        may_wait: bool,
    ) -> Result<InstanceSlot, Full> {
        const LOOK: Duration = Duration::from_millis(100);
        let deadline = Instant::now() + limit;
        let mut waits = may_wait;
        loop {
            // What is released from now on is not missed.
            let released = self.released.notified();
            let full = match self.reserve(handler) {
                Ok(slot) => return Ok(slot),
                Err(full) => full,
            };
            waits |= self.resting.has_just_asked();
            if !waits || Instant::now() >= deadline {
                return Err(full);
            }
            // Who was told may have had no use for it.
            let look = (Instant::now() + LOOK).min(deadline);
            let _ = timeout_at(look, released).await;
        }
    }

    /// Reserves what an instance needs, once there is room, but waits no longer than this.
    pub(crate) async fn reserve_within(
        &self,
        limit: Duration,
        handler: &Account,
    ) -> Result<InstanceSlot, Full> {
        self.reserve_or_wait(limit, handler, true).await
    }

    /// Reserves what an instance needs. Where they have run out and somebody is at rest,
    /// that one's is waited for, for a moment; where the handler's own come to rest, as
    /// `may_rest` says, also for one that is about to.
    pub(crate) async fn reserve_soon(
        &self,
        handler: &Account,
        may_rest: bool,
    ) -> Result<InstanceSlot, Full> {
        const MOMENT: Duration = Duration::from_secs(1);
        self.reserve_or_wait(MOMENT, handler, may_rest).await
    }

    /// Waits until one more instance may give its connections to another one.
    pub(crate) async fn turn_to_move(&self, handler: &Account) -> Option<Turn> {
        // Neither is ever closed.
        let of_handler = handler.moves.clone().acquire_owned().await.ok()?;
        let of_all = self.moves.clone().acquire_owned().await.ok()?;
        Some(Turn { _of_handler: of_handler, _of_all: of_all })
    }

    /// The turn of an instance that has given its state: its own, if it still has that, or
    /// one that nobody waits for.
    pub(crate) fn turn_now(&self, own: Option<Turn>, handler: &Account) -> Option<Turn> {
        own.or_else(|| {
            let of_handler = handler.moves.clone().try_acquire_owned().ok()?;
            let of_all = self.moves.clone().try_acquire_owned().ok()?;
            Some(Turn { _of_handler: of_handler, _of_all: of_all })
        })
    }
}
