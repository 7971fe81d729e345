//! What outlives the host: for each handler what served last, and its rollbacks.
//!
//! It is there for files that can't be loaded when the host starts, and for those that
//! were rolled back; a file that is gone is not brought back. What is kept only asks, as
//! files do: all that a manifest says is held against the policy of the day.
//!
//! Everything is written by a thread of its own, which no swap waits for. What can't be
//! written is told once and costs nothing but what is kept.

mod folder;
mod record;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use folder::{Component, Folder};
pub(crate) use record::{Record, RolledBack, Version};

/// Bytes of components that may wait to be written. What is more is not kept.
const MAX_WAITING: usize = 512 * 1024 * 1024;
/// Handlers that are written in a row before it is looked whether that is too much.
const IN_A_ROW: usize = 64;

pub(crate) struct State {
    folder: Arc<Folder>,
    waiting: Arc<Waiting>,
}

/// What is to be written, by handler.
#[derive(Default)]
struct Waiting {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    /// None: it is to be forgotten.
    handlers: BTreeMap<String, Option<(Record, Vec<Component>)>>,
    /// Of all components.
    bytes: usize,
    busy: bool,
    /// Nothing more will come.
    over: bool,
}

impl State {
    /// The state of the handlers in `root`; at most `max` bytes are kept in `all`. It
    /// blocks.
    pub(crate) fn open(all: &Path, root: &Path, max: u64) -> io::Result<Self> {
        let folder = Arc::new(Folder::open(all, root, max)?);
        let waiting = Arc::<Waiting>::default();
        let writer = (folder.clone(), waiting.clone());
        std::thread::Builder::new()
            .name("socklet-state".into())
            .spawn(move || write(&writer.0, &writer.1))?;
        Ok(Self { folder, waiting })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What was kept, by handler. What is damaged is told and passed over. It blocks.
    pub(crate) fn recall(&self) -> BTreeMap<String, Record> {
        let folder = self.path().display();
        match self.folder.records() {
            Ok((records, damaged)) => {
                for file in damaged {
                    let file = file.display();
                    tracing::warn!(
                        "{file}: is damaged, or of another version of socklet: what it kept of a \
                         handler is passed over: remove it, or restore it from a backup"
                    );
                }
                records
            }
            Err(error) => {
                tracing::warn!(
                    "{folder}: what was kept there can't be read: {error}: see --state-dir"
                );
                BTreeMap::new()
            }
        }
    }

    /// A component that was kept; none where it is damaged or gone. It blocks.
    pub(crate) fn component(&self, key: &str, digest: &str) -> io::Result<Option<Vec<u8>>> {
        self.folder.component(key, digest)
    }

    /// Whether a component is kept already. It blocks.
    pub(crate) fn has(&self, key: &str, version: &Version, bytes: &[u8]) -> bool {
        self.folder.has(key, &version.component, bytes)
    }

    /// Keeps this instead of what was kept of the handler, before long; and a component
    /// that it names, where that is given. Others have to be there.
    pub(crate) fn keep(&self, record: Record, component: Option<Component>) {
        let mut inner = self.waiting.inner();
        let key = record.key.clone();
        let mut components = match inner.handlers.remove(&key) {
            Some(Some((_, components))) => components,
            Some(None) | None => Vec::new(),
        };
        inner.bytes -= size(&components);
        components.retain(|(digest, _)| record.components().any(|named| named == digest));
        if let Some((digest, bytes)) = component {
            if inner.bytes + size(&components) + bytes.len() > MAX_WAITING {
                tracing::warn!(
                    "{}: {key} is not kept for the next start: writing can't keep up",
                    self.path().display()
                );
                inner.bytes += size(&components);
                inner.handlers.insert(key, None);
                return;
            }
            components.push((digest, bytes));
        }
        inner.bytes += size(&components);
        inner.handlers.insert(key, Some((record, components)));
        drop(inner);
        self.waiting.changed.notify_all();
    }

    /// Forgets a handler whose file is gone.
    pub(crate) fn forget(&self, key: &str) {
        let mut inner = self.waiting.inner();
        if let Some(Some((_, components))) = inner.handlers.insert(key.to_owned(), None) {
            inner.bytes -= size(&components);
        }
        drop(inner);
        self.waiting.changed.notify_all();
    }

    /// Waits until all is written, but no longer than `limit`. It blocks.
    pub(crate) fn finish(&self, limit: Duration) {
        let inner = self.waiting.inner();
        let unwritten = |inner: &mut Inner| inner.busy || !inner.handlers.is_empty();
        let waited = self.waiting.changed.wait_timeout_while(inner, limit, unwritten);
        let (inner, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(inner);
        if timeout.timed_out() {
            let folder = self.path().display();
            tracing::warn!("{folder}: not all was written within {limit:?}: the disk is slow");
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.waiting.inner().over = true;
        self.waiting.changed.notify_all();
    }
}

/// A record, and the components that it names and that are not kept yet.
type ToKeep = (Record, Vec<Component>);

impl Waiting {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be written next, once there is something.
    fn next(&self) -> Option<(String, Option<ToKeep>)> {
        let empty = |inner: &mut Inner| inner.handlers.is_empty() && !inner.over;
        let inner = self.changed.wait_while(self.inner(), empty);
        let mut inner = inner.unwrap_or_else(PoisonError::into_inner);
        let next = inner.handlers.pop_first()?;
        if let Some((_, components)) = &next.1 {
            inner.bytes -= size(components);
        }
        inner.busy = true;
        Some(next)
    }

    /// That is done.
    fn done(&self) {
        self.inner().busy = false;
        self.changed.notify_all();
    }
}

fn size(components: &[Component]) -> usize {
    components.iter().map(|(_, bytes)| bytes.len()).sum()
}

fn write(folder: &Folder, waiting: &Waiting) {
    let (mut told, mut in_a_row) = (false, 0);
    while let Some((key, what)) = waiting.next() {
        let mut written = match &what {
            Some((record, components)) => folder.write(record, components),
            None => folder.forget(&key),
        };
        drop(what);
        in_a_row += 1;
        if in_a_row >= IN_A_ROW || waiting.inner().handlers.is_empty() {
            in_a_row = 0;
            written = written.and_then(|()| folder.tidy());
        }
        match written {
            Ok(()) => told = false,
            Err(error) if !told => {
                told = true;
                tracing::warn!(
                    "{}: what serves is not kept for the next start: {error}: make room, check \
                     the folder and its permissions, or see --state-dir",
                    folder.path().display()
                );
            }
            Err(_) => {}
        }
        waiting.done();
    }
}
