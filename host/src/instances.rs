//! How many instances there may be, who gives up theirs when they run short, and where
//! those run whose events are long.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::account::{Account, Seat};
use crate::engine::Capacity;
use crate::host::Full;
use crate::overtime::Overtime;
use crate::room::Lingering;

pub(crate) struct Instances {
    pub(crate) overtime: Overtime,
    /// Rooms that could give up their instances.
    pub(crate) lingering: Arc<Lingering>,
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
}

/// Instances that give their connections to others at a time. For a moment there are
/// two for the one slot that they have, so the pool has room for so many more.
pub(crate) const MAX_MOVES: usize = 16;

/// An instance may give its connections to another one, until this is dropped.
pub(crate) struct Turn {
    _of_handler: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Instances {
    pub(crate) fn new(overtime: Overtime, capacity: Capacity) -> Self {
        let Capacity { instances: max, limit } = capacity;
        let slots = Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS)));
        let moves = Arc::new(Semaphore::new(MAX_MOVES));
        Self { overtime, lingering: Arc::default(), slots, moves, max, limit }
    }

    /// Reserves what an instance needs. Before they run out, rooms that nobody is in give
    /// up theirs.
    pub(crate) fn reserve(&self, handler: &Account) -> Result<InstanceSlot, Full> {
        let scarce = self.max / 4;
        if handler.instances.are_taken() {
            self.lingering.end_longest_of(&handler.name);
        } else if self.slots.available_permits() <= scarce {
            self.lingering.end_longest();
        }
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
        })
    }

    /// Waits until one more instance may give its connections to another one.
    pub(crate) async fn turn_to_move(&self, handler: &Account) -> Option<Turn> {
        // Neither is ever closed.
        let of_handler = handler.moves.clone().acquire_owned().await.ok()?;
        let of_all = self.moves.clone().acquire_owned().await.ok()?;
        Some(Turn { _of_handler: of_handler, _of_all: of_all })
    }
}
