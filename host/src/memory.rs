//! How much linear memory an instance may have.

use std::sync::Arc;

use wasmtime::ResourceLimiter;

use crate::account::Account;
use crate::failure::{Failure, MAX_MEMORY};
use crate::guest_log::Speaker;

/// Bounds the linear memory of an instance over all its memories, and takes from
/// its handler's budget. A growth beyond either answers -1 and the guest may
/// cope; most do not.
pub(crate) struct Memory {
    used: usize,
    max: usize,
    account: Arc<Account>,
    speaker: Arc<Speaker>,
    /// What of the handler's budget is taken.
    charged: usize,
    /// The limit that refused a growth to the event that is running.
    refused: Option<&'static str>,
}

impl Memory {
    /// What every instance has and hardly touches takes nothing from the budget:
    /// memory is counted by its size, and most of a lean guest's is never written.
    const FREE: usize = 2 << 20;

    pub(crate) fn new(max: usize, account: Arc<Account>, speaker: Arc<Speaker>) -> Self {
        Self { used: 0, max, account, speaker, charged: 0, refused: None }
    }

    /// Another event begins.
    pub(crate) fn begin_event(&mut self) {
        self.refused = None;
    }

    /// A trap after a refused growth is most likely about the memory: name it.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        match (failure, self.refused) {
            (Failure::Trap(reason), Some(limit)) => Failure::Memory { limit, reason },
            (failure, _) => failure,
        }
    }

    fn grow_to(&mut self, used: usize) -> Result<(), &'static str> {
        if used > self.max {
            return Err(MAX_MEMORY);
        }
        let due = used.saturating_sub(Self::FREE);
        if let Some(more) = due.checked_sub(self.charged) {
            self.account.memory.take(more)?;
            self.charged = due;
        }
        self.used = used;
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.account.memory.give_back(self.charged);
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        match self.grow_to(used) {
            Ok(()) => Ok(true),
            Err(limit) => {
                self.account.metrics.memory_refused(limit);
                if self.refused.replace(limit).is_none() {
                    self.speaker.warn_of_event(format_args!("memory was not let grow ({limit})"));
                }
                Ok(false)
            }
        }
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The pool's slots bound the elements.
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }
}
