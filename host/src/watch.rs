//! Says when to look at the handlers' directory again.
//!
//! A watcher emits no more than "something changed": the scan finds out what. So
//! a lost or doubled event does no harm, and a test can inject changes.

use std::future::Future;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};

use crate::directory;

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
/// What is not seen by events, such as a file behind a symlink to it, is seen by
/// looking this often.
const LOOK: Duration = Duration::from_secs(2);
/// Without events, looking is all there is.
const LOOK_WITHOUT_EVENTS: Duration = Duration::from_millis(250);

/// Watches a directory by the system's events, and by looking where there are none.
pub(crate) struct DirectoryWatcher {
    directory: PathBuf,
    signals: Arc<Signals>,
    watched: Option<Watched>,
    /// When the events began that are not reported yet.
    burst_since: Option<Instant>,
}

/// What the thread that gets the system's events tells the watcher.
#[derive(Default)]
struct Signals {
    changed: Notify,
    /// The directory itself was removed or renamed: the events end, even where
    /// another one with the same inode takes its place.
    lost: AtomicBool,
}

/// One directory, as long as it is there.
struct Watched {
    /// Device and inode: events follow those, not the path.
    id: (u64, u64),
    /// Kept alive for its events; none where the system can't give any.
    watcher: Option<RecommendedWatcher>,
}

impl DirectoryWatcher {
    /// Watches from now on. It blocks for as long as the directory takes to read.
    pub(crate) fn new(directory: &Path) -> Self {
        let signals = Arc::new(Signals::default());
        let watched = Watched::new(directory, &signals);
        Self { directory: directory.to_owned(), signals, watched, burst_since: None }
    }

    /// Watches anew where the directory was replaced by another one, or is gone.
    /// True where that was so.
    async fn follow(&mut self) -> bool {
        if self.signals.lost.swap(false, Relaxed) {
            self.watched = None;
        }
        let known = self.watched.as_ref().map(|watched| watched.id);
        let (directory, signals) = (self.directory.clone(), self.signals.clone());
        let look = move || (id(&directory) != known).then(|| Watched::new(&directory, &signals));
        match tokio::task::spawn_blocking(look).await {
            Ok(Some(watched)) => {
                self.watched = watched;
                true
            }
            _ => false,
        }
    }

    fn has_events(&self) -> bool {
        self.watched.as_ref().is_some_and(|watched| watched.watcher.is_some())
    }
}

impl Watcher for DirectoryWatcher {
    fn changed(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            if self.follow().await {
                // What happened before there were events is seen by looking.
                return;
            }
            let look = if self.has_events() { LOOK } else { LOOK_WITHOUT_EVENTS };
            let changed = &self.signals.changed;
            if self.burst_since.is_none() {
                tokio::select! {
                    () = changed.notified() => {}
                    () = sleep(look) => return,
                }
            }
            // Kept here, because the caller may drop this future and call again.
            let latest = *self.burst_since.get_or_insert_with(Instant::now) + LONGEST;
            loop {
                let quiet = (Instant::now() + QUIET).min(latest);
                if timeout_at(quiet, changed.notified()).await.is_err() {
                    self.burst_since = None;
                    return;
                }
            }
        })
    }
}

impl Watched {
    /// None where there is no such directory.
    fn new(directory: &Path, signals: &Arc<Signals>) -> Option<Self> {
        let id = id(directory)?;
        let watcher = watch(directory, signals.clone()).inspect_err(|error| {
            tracing::warn!(
                directory = %directory.display(),
                "can't watch the directory ({error}): looking every {LOOK_WITHOUT_EVENTS:?}"
            );
        });
        Some(Self { id, watcher: watcher.ok() })
    }
}

fn id(directory: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(directory).ok().map(|data| (data.dev(), data.ino()))
}

/// Watches the directory, wherever a symlink leads to it, and the folders that
/// symlinks in it lead to; not what lies below those, which may be a whole disk.
fn watch(directory: &Path, signals: Arc<Signals>) -> notify::Result<RecommendedWatcher> {
    let root = directory.canonicalize()?;
    let watched = root.clone();
    let handle = move |event: notify::Result<Event>| {
        if let Ok(event) = &event {
            // Reading a handler is an event too, and must not lead to another look.
            if matches!(event.kind, EventKind::Access(access)
                if access != AccessKind::Close(AccessMode::Write))
            {
                return;
            }
            let ends =
                matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)));
            if ends && event.paths.contains(&watched) {
                signals.lost.store(true, Relaxed);
            }
        }
        signals.changed.notify_one();
    };
    let config = notify::Config::default().with_follow_symlinks(false);
    let mut watcher = RecommendedWatcher::new(handle, config)?;
    watcher.watch(&root, RecursiveMode::Recursive)?;
    let linked = directory::scan(&root, false).map(|scan| scan.linked).unwrap_or_default();
    let elsewhere = linked.iter().filter_map(|folder| folder.canonicalize().ok());
    for folder in elsewhere.filter(|folder| !folder.starts_with(&root)) {
        if let Err(error) = watcher.watch(&folder, RecursiveMode::NonRecursive) {
            tracing::debug!(folder = %folder.display(), "seen by looking only: {error}");
        }
    }
    Ok(watcher)
}
