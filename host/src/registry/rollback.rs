//! What the current generation of a handler is made of where that is not its file.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tokio::time::Instant;

use super::{Handler, Made};
use crate::generation::Generation;
use crate::settings::Settings;
use crate::wasi::World;

/// That the current generation is made of what served before, and not of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rollback {
    /// The generation that it is made of; none where that was before the host's start.
    pub(crate) to: Option<u64>,
    pub(crate) by: By,
}

/// On whose wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Operator,
    /// The generation had failed for too many, as this says.
    Itself(String),
}

impl By {
    /// Why it was rolled back by itself.
    pub(crate) fn why(&self) -> Option<&str> {
        match self {
            Self::Operator => None,
            Self::Itself(why) => Some(why),
        }
    }
}

impl Handler {
    /// Makes a new generation of the component that served before the current one, with
    /// these settings. Returns its number and that of the one that it is made of; none
    /// where there was none. It is on no trial: what it replaces is no better.
    pub(crate) fn roll_back(
        &self,
        settings: Settings,
        by: By,
        drain_until: Instant,
    ) -> Option<(u64, u64)> {
        let previous = self.previous()?;
        let Generation { number, prepared, digest, .. } = &*previous;
        let prepared = prepared.clone().within(World::new(&settings));
        let next = self.replace(prepared, *digest, settings, drain_until, Made::Old);
        self.set_rolled_back(Rollback { to: Some(*number), by });
        Some((next, *number))
    }

    /// The component that serves goes on serving as another generation, with these
    /// settings. What a rollback would bring back stays the same, and so does what the
    /// generation is made of. None where nothing serves.
    pub(crate) fn renew(&self, settings: Settings, drain_until: Instant) -> Option<u64> {
        let current = self.current()?;
        let (previous, rolled_back) = (self.previous(), self.rolled_back());
        let restored = self.is_restored();
        let prepared = current.prepared.clone().within(World::new(&settings));
        let next = self.replace(prepared, current.digest, settings, drain_until, Made::Current);
        self.previous.store(previous);
        self.rolled_back.store(rolled_back);
        self.restored.store(restored, Relaxed);
        Some(next)
    }

    /// What a rollback would bring back.
    pub(crate) fn previous(&self) -> Option<Arc<Generation>> {
        self.previous.load_full()
    }

    /// What the current generation is made of, where that is not the file.
    pub(crate) fn rolled_back(&self) -> Option<Arc<Rollback>> {
        self.rolled_back.load_full()
    }

    /// Whether the current one is made of what was kept from before the host's start.
    pub(crate) fn is_restored(&self) -> bool {
        self.restored.load(Relaxed)
    }

    /// The file holds what serves. Whether that is news, since something was brought back.
    pub(crate) fn is_of_its_file(&self) -> bool {
        let restored = self.restored.swap(false, Relaxed);
        self.rolled_back.swap(None).is_some() || restored
    }

    pub(crate) fn set_restored(&self) {
        self.restored.store(true, Relaxed);
    }

    pub(crate) fn set_rolled_back(&self, rollback: Rollback) {
        self.rolled_back.store(Some(Arc::new(rollback)));
    }
}
