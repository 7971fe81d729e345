//! Who could give up an instance where these run short: rooms that nobody is in, which
//! end, and instances at rest whose state can be kept, which are parked. Who has had
//! nothing to do for longest goes first.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Who was asked gives up the instance within this, or not at all.
const SOON: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Resting(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    last: u64,
    /// When somebody was asked last.
    asked: Option<Instant>,
    /// Whose they are, in the order in which they came to rest.
    places: BTreeMap<u64, (Arc<str>, Arc<dyn GiveUp>)>,
    /// Which of them are whose.
    of_handlers: HashMap<Arc<str>, BTreeSet<u64>>,
}

impl Inner {
    fn remove(&mut self, number: u64) -> Option<Arc<dyn GiveUp>> {
        let (handler, who) = self.places.remove(&number)?;
        if let Entry::Occupied(mut entry) = self.of_handlers.entry(handler) {
            entry.get_mut().remove(&number);
            if entry.get().is_empty() {
                entry.remove();
            }
        }
        Some(who)
    }
}

/// Who is told that its instance is needed.
pub(crate) trait GiveUp: Send + Sync {
    fn give_up(&self);
}

impl GiveUp for Notify {
    fn give_up(&self) {
        self.notify_one();
    }
}

/// That somebody is at rest, for as long as it lives.
pub(crate) struct Place {
    of: Arc<Resting>,
    number: u64,
}

impl Resting {
    /// Has the one give up its instance that has been at rest for longest, of whatever
    /// handler or of one.
    pub(crate) fn end_longest(&self, of: Option<&str>) {
        let longest = {
            let mut inner = self.inner();
            let longest = match of {
                None => inner.places.keys().next(),
                Some(of) => inner.of_handlers.get(of).and_then(BTreeSet::first),
            };
            let longest = longest.copied().and_then(|number| inner.remove(number));
            if longest.is_some() {
                inner.asked = Some(Instant::now());
            }
            longest
        };
        if let Some(who) = longest {
            who.give_up();
        }
    }

    /// Whether somebody was asked for an instance so lately that it may be on its way.
    pub(crate) fn has_just_asked(&self) -> bool {
        self.inner().asked.is_some_and(|at| at.elapsed() < SOON)
    }

    pub(crate) fn begin(self: &Arc<Self>, handler: Arc<str>, who: Arc<dyn GiveUp>) -> Place {
        let mut inner = self.inner();
        inner.last += 1;
        let number = inner.last;
        inner.of_handlers.entry(handler.clone()).or_default().insert(number);
        inner.places.insert(number, (handler, who));
        Place { of: self.clone(), number }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let gone = self.of.inner().remove(self.number);
        // Not under the lock.
        drop(gone);
    }
}
