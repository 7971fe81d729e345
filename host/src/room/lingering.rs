//! Rooms that nobody is in, which give up their instances where these run short.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

#[derive(Default)]
pub(crate) struct Lingering(Mutex<Empty>);

#[derive(Default)]
struct Empty {
    last: u64,
    /// Whose they are, in the order in which they became empty.
    rooms: BTreeMap<u64, (Arc<str>, Arc<Notify>)>,
}

/// That a room is empty, for as long as it lives.
pub(super) struct Place {
    of: Arc<Lingering>,
    number: u64,
    needed: Arc<Notify>,
}

impl Lingering {
    /// Has the room end that has been empty for longest, of whatever handler.
    pub(crate) fn end_longest(&self) {
        if let Some((_, (_, needed))) = self.empty().rooms.pop_first() {
            needed.notify_one();
        }
    }

    /// The same among those of one handler.
    pub(crate) fn end_longest_of(&self, handler: &str) {
        let mut empty = self.empty();
        let longest = empty.rooms.iter().find(|(_, (of, _))| &**of == handler);
        let number = longest.map(|(number, _)| *number);
        if let Some((_, needed)) = number.and_then(|number| empty.rooms.remove(&number)) {
            needed.notify_one();
        }
    }

    pub(super) fn begin(self: &Arc<Self>, handler: Arc<str>) -> Place {
        let needed = Arc::<Notify>::default();
        let mut empty = self.empty();
        empty.last += 1;
        let number = empty.last;
        empty.rooms.insert(number, (handler, needed.clone()));
        Place { of: self.clone(), number, needed }
    }

    fn empty(&self) -> MutexGuard<'_, Empty> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits until somebody else needs the instance.
    pub(super) async fn is_needed(&self) {
        self.needed.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.of.empty().rooms.remove(&self.number);
    }
}
