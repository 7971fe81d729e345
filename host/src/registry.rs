//! Which handler serves which route, and with which generation.
//!
//! Readers never wait: the table and each handler's current generation are
//! swapped atomically. Only the loader changes them.

mod rollback;

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::account::{Account, Totals};
use crate::claim::{self, Claim};
use crate::closing::HostClose;
use crate::config::Limits;
use crate::connection::Connection;
use crate::generation::Generation;
use crate::guards;
use crate::instance::Prepared;
use crate::settings::{Settings, SwapPolicy};
use crate::table::{Params, Table};
use crate::trial::Trial;
pub(crate) use rollback::{By, Rollback};

/// Old generations of one handler that may still hold connections.
const MAX_DRAINING: usize = 4;

pub(crate) struct Registry {
    totals: Totals,
    table: ArcSwap<Table>,
    /// Removed ones, whose connections have yet to end.
    leaving: Mutex<Vec<Arc<Handler>>>,
    /// A generation's trial has ended badly.
    alarm: Arc<Notify>,
}

/// One file's handler, over all its generations.
pub(crate) struct Handler {
    pub(crate) account: Arc<Account>,
    current: ArcSwapOption<Generation>,
    /// What stands in for a generation while there is none, as of the last try.
    pub(crate) absence: ArcSwap<Absence>,
    /// Why its file could not be loaded, as of the last try.
    pub(crate) complaint: ArcSwapOption<String>,
    generations: AtomicU64,
    /// What was current before the current one.
    previous: ArcSwapOption<Generation>,
    /// None where the current one is made of the file.
    rolled_back: ArcSwapOption<Rollback>,
    /// The current one is made of what was kept from before the host's start.
    restored: AtomicBool,
    alarm: Arc<Notify>,
    draining: Mutex<Vec<Draining>>,
}

/// Why a handler has no generation yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absence {
    /// Its file is being compiled.
    Compiling,
    /// Its file could not be loaded; the log says why.
    Failed,
}

/// What a generation is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    New,
    /// Of what serves already.
    Current,
    /// Of what has served already.
    Old,
}

/// An old generation that has connections.
struct Draining {
    generation: Arc<Generation>,
    /// None once it has been closed: its connections are about to end, and have to
    /// be found meanwhile by whoever closes everything.
    until: Option<Instant>,
}

impl Draining {
    fn close(&mut self) {
        self.until = None;
        self.generation.close(&HostClose::swapped());
    }
}

impl Registry {
    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    pub(crate) fn new(totals: Totals) -> Self {
        Self { totals, table: ArcSwap::default(), leaving: Mutex::default(), alarm: Arc::default() }
    }

    /// A handler, which is not served yet. Logs and metrics name it by its `key`, the
    /// path of its file as a route, without the first slash, or `index`.
    pub(crate) fn handler(&self, key: &str, limits: &Limits) -> Arc<Handler> {
        let account = Account::new(name_of(key).as_ref().into(), limits, &self.totals);
        Arc::new(Handler::new(account, self.alarm.clone()))
    }

    /// Completes when the trial of some handler's generation has ended badly.
    pub(crate) async fn alarmed(&self) {
        self.alarm.notified().await;
    }

    /// The handler of a decoded path, for a request to this `Host`; and what its
    /// captures take of the path.
    pub(crate) fn find(&self, host: Option<&str>, path: &str) -> Option<(Arc<Handler>, Params)> {
        let table = self.table.load();
        let host = host.filter(|_| table.has_hosts()).map(claim::host_of);
        table.find(host.as_deref(), path)
    }

    /// What each handler claims, as its manifest writes it; of those that several
    /// handlers claim, none.
    pub(crate) fn routes(&self) -> Vec<(Claim, Arc<Handler>)> {
        let table = self.table.load();
        let claimed = table.entries().filter_map(|(_, handler, claim)| Some((claim?, handler)));
        claimed.map(|(claim, handler)| (claim.clone(), handler.clone())).collect()
    }

    /// All that are there, served or not.
    pub(crate) fn all(&self) -> Vec<Arc<Handler>> {
        self.table.load().entries().map(|(_, handler, _)| handler.clone()).collect()
    }

    /// Adds a handler, or has it claim something else.
    pub(crate) fn insert(&self, key: &str, handler: &Arc<Handler>, claim: Claim) {
        self.claim(&[(key.to_owned(), handler.clone(), Some(claim))]);
    }

    /// Adds handlers, or has them claim something else, or nothing.
    pub(crate) fn claim(&self, claims: &[(String, Arc<Handler>, Option<Claim>)]) {
        self.table.rcu(|table| {
            let before = table
                .entries()
                .map(|(key, handler, claim)| (key.to_owned(), handler.clone(), claim.cloned()));
            Table::new(before.chain(claims.iter().cloned()))
        });
    }

    /// Ends a handler: later handshakes get 404, its connections are closed.
    pub(crate) fn remove(&self, key: &str) {
        let Some(handler) = self.table.load().handler(key).cloned() else { return };
        self.table.rcu(|table| {
            let left = table.entries().filter(|(other, ..)| *other != key);
            Table::new(
                left.map(|(key, handler, claim)| (key.to_owned(), handler.clone(), claim.cloned())),
            )
        });
        handler.close_all(&HostClose::removed());
        let mut leaving = self.leaving();
        leaving.retain(|old| !old.connections().is_empty());
        leaving.push(handler);
    }

    /// All that have connections or may get some.
    pub(crate) fn handlers(&self) -> Vec<Arc<Handler>> {
        let mut handlers = self.all();
        let mut leaving = self.leaving();
        leaving.retain(|handler| !handler.connections().is_empty());
        handlers.extend(leaving.iter().cloned());
        handlers
    }

    /// Closes every connection of every handler.
    pub(crate) fn close_all(&self, close: &HostClose) {
        for handler in self.handlers() {
            handler.close_all(close);
        }
    }

    fn leaving(&self) -> MutexGuard<'_, Vec<Arc<Handler>>> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What logs, metrics, grants and an operator's tools call a handler: no two have the
/// same name.
pub(crate) fn name_of(key: &str) -> Cow<'_, str> {
    let name = key.trim_start_matches('/');
    match name.split('/').all(|part| part == "index") {
        // `index/index.wasm` is served at /index, and `index.wasm` has that name.
        true => format!("{name}/index").into(),
        false if name.is_empty() => "index".into(),
        false => name.into(),
    }
}

impl Handler {
    fn new(account: Account, alarm: Arc<Notify>) -> Self {
        Self {
            account: Arc::new(account),
            current: ArcSwapOption::empty(),
            absence: ArcSwap::from_pointee(Absence::Compiling),
            complaint: ArcSwapOption::empty(),
            generations: AtomicU64::new(0),
            previous: ArcSwapOption::empty(),
            rolled_back: ArcSwapOption::empty(),
            restored: AtomicBool::new(false),
            alarm,
            draining: Mutex::default(),
        }
    }

    pub(crate) fn current(&self) -> Option<Arc<Generation>> {
        self.current.load_full()
    }

    /// Makes a newly loaded component the current generation. The old one's
    /// connections drain until `drain_until`.
    pub(crate) fn swap(
        &self,
        prepared: Prepared,
        digest: [u8; 32],
        settings: Settings,
        drain_until: Instant,
    ) -> u64 {
        self.replace(prepared, digest, settings, drain_until, Made::New)
    }

    fn replace(
        &self,
        prepared: Prepared,
        digest: [u8; 32],
        settings: Settings,
        drain_until: Instant,
        made: Made,
    ) -> u64 {
        self.account.adopt(&settings.limits);
        let number = self.generations.fetch_add(1, Relaxed) + 1;
        let trial = self.current().filter(|_| settings.auto_rollback).and_then(|old| {
            let (alarm, now) = (self.alarm.clone(), Instant::now());
            match made {
                Made::New => Some(Trial::new(&old.failures, old.trial.as_ref(), alarm, now)),
                Made::Current => old.trial.as_ref()?.begun_again(alarm, now),
                Made::Old => None,
            }
        });
        let next = Generation::new(number, self.account.clone(), prepared, digest, settings);
        let next = Arc::new(next.on_trial(trial));
        // Whoever looks for a generation finds it in one place or the other.
        let mut draining = self.draining();
        self.rolled_back.store(None);
        self.restored.store(false, Relaxed);
        draining.retain(|old| old.generation.has_connections());
        let old = self.current();
        let policy = old.as_ref().map(|old| old.policy_towards(&next));
        if let Some(generation) = old {
            draining.push(Draining { generation, until: Some(drain_until) });
        }
        // Rooms belong to the next one before anybody finds it.
        let mut held = 0;
        for old in draining.iter_mut().rev().filter(|old| old.until.is_some()) {
            let moves = old.generation.policy_towards(&next) == SwapPolicy::Migrate;
            held += usize::from(!moves || old.generation.stays().is_some());
            if held > MAX_DRAINING {
                old.close();
            } else if moves {
                old.generation.hand_over(&next);
            }
        }
        if let Some(generation) = self.current.swap(Some(next)) {
            generation.retire();
            if policy == Some(SwapPolicy::Restart)
                && let Some(old) = draining.last_mut()
            {
                old.close();
            }
            self.previous.store(Some(generation));
        }
        drop(draining);
        self.account.metrics.loaded();
        self.account.metrics.generation.set(number.cast_signed());
        number
    }

    /// The generation that a connection of this path joins: the current one, unless its
    /// room is still with an older one that lets in nobody whom the current one would not.
    pub(crate) fn generation_for(&self, path: &str) -> Option<Arc<Generation>> {
        let draining = self.draining();
        let current = self.current();
        let open = draining.iter().rev().filter(|old| old.until.is_some());
        let mut guarded = open
            .map(|old| &old.generation)
            .filter(|old| current.as_ref().is_none_or(|current| guards::are_kept(old, current)));
        guarded.find(|old| old.has_room_for(path)).cloned().or(current)
    }

    /// Closes the generations whose time to drain is over. Returns when to look
    /// again, or none where nothing drains.
    pub(crate) fn end_drained(&self, now: Instant) -> Option<Instant> {
        let mut draining = self.draining();
        draining.retain(|old| old.generation.has_connections());
        let due = draining.iter_mut().filter(|old| old.until.is_some_and(|until| until <= now));
        due.for_each(Draining::close);
        draining.iter().filter_map(|old| old.until).min()
    }

    /// The connections of all its generations.
    pub(crate) fn connections(&self) -> Vec<Arc<Connection>> {
        self.generations().iter().flat_map(|generation| generation.connections()).collect()
    }

    /// Those that may have connections, the oldest first.
    pub(crate) fn generations(&self) -> Vec<Arc<Generation>> {
        let draining = self.draining();
        let old = draining.iter().map(|old| old.generation.clone());
        old.chain(self.current()).collect()
    }

    fn close_all(&self, close: &HostClose) {
        for old in self.draining().iter() {
            old.generation.close(close);
        }
        if let Some(current) = self.current() {
            current.close(close);
        }
    }

    fn draining(&self) -> MutexGuard<'_, Vec<Draining>> {
        self.draining.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::route;

    #[test]
    fn no_two_files_have_the_same_name() {
        for (file, name) in [
            ("index.wasm", "index"),
            ("index/index.wasm", "index/index"),
            ("index/index/index.wasm", "index/index/index"),
            ("index/x.wasm", "index/x"),
            ("x/index.wasm", "x"),
            ("x/index/index.wasm", "x/index"),
            ("games/chess.wasm", "games/chess"),
        ] {
            assert_eq!(name_of(&route::of_file(Path::new(file)).unwrap()), name, "{file}");
        }
    }
}
