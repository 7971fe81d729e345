//! Says when to look at the handlers' directory again.
//!
//! A watcher emits no more than "something changed": the scan finds out what. So
//! a lost or doubled event does no harm, and a test can inject changes.

use std::future::Future;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};

/// Emits changes.
pub(crate) trait Watcher: Send {
    /// Returns when something may have changed since the last call. It is called
    /// again and again, by one task, and may be dropped at any time: a change
    /// that was not reported yet is reported by the next call.
    fn changed(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Quiet time after the last event before a look: writers come in bursts.
const QUIET: Duration = Duration::from_millis(50);
/// The longest that a burst may put off a look.
const LONGEST: Duration = Duration::from_millis(200);
/// What is not seen by events, such as a file behind a symlink that leads out of
/// the directory, is seen by looking this often.
const LOOK: Duration = Duration::from_secs(2);
/// Without events, looking is all there is.
const LOOK_WITHOUT_EVENTS: Duration = Duration::from_millis(250);

/// Watches a directory by the system's events, and by looking where there are none.
pub(crate) struct DirectoryWatcher {
    directory: PathBuf,
    events: Arc<Notify>,
    /// Kept alive for its events.
    watcher: Option<RecommendedWatcher>,
    /// Device and inode of what is watched: events follow those, not the path.
    watched: Option<(u64, u64)>,
    /// When the events began that are not reported yet.
    burst_since: Option<Instant>,
}

impl DirectoryWatcher {
    pub(crate) fn new(directory: &Path) -> Self {
        let events = Arc::new(Notify::new());
        let mut watcher = Self {
            directory: directory.to_owned(),
            events,
            watcher: None,
            watched: None,
            burst_since: None,
        };
        watcher.watch_what_is_there();
        watcher
    }

    /// Watches anew where the directory was replaced by another one.
    fn watch_what_is_there(&mut self) {
        let there = std::fs::metadata(&self.directory).ok().map(|data| (data.dev(), data.ino()));
        if there.is_none() || there == self.watched {
            return;
        }
        self.watched = there;
        self.watcher = watch(&self.directory, self.events.clone())
            .inspect_err(|error| {
                tracing::warn!(
                    directory = %self.directory.display(),
                    "can't watch the directory ({error}): looking every {LOOK_WITHOUT_EVENTS:?}"
                );
            })
            .ok();
    }
}

impl Watcher for DirectoryWatcher {
    fn changed(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            self.watch_what_is_there();
            let look = if self.watcher.is_some() { LOOK } else { LOOK_WITHOUT_EVENTS };
            if self.burst_since.is_none() {
                tokio::select! {
                    () = self.events.notified() => {}
                    () = sleep(look) => return,
                }
            }
            // Kept here, because the caller may drop this future and call again.
            let latest = *self.burst_since.get_or_insert_with(Instant::now) + LONGEST;
            loop {
                let quiet = (Instant::now() + QUIET).min(latest);
                if timeout_at(quiet, self.events.notified()).await.is_err() {
                    self.burst_since = None;
                    return;
                }
            }
        })
    }
}

fn watch(directory: &Path, events: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // Reading a handler is an event too, and must not lead to another look.
        let read = |kind| {
            matches!(kind, EventKind::Access(access)
                if access != AccessKind::Close(AccessMode::Write))
        };
        if !event.is_ok_and(|event| read(event.kind)) {
            events.notify_one();
        }
    })?;
    watcher.watch(directory, RecursiveMode::Recursive)?;
    Ok(watcher)
}
