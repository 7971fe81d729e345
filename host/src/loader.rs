//! Keeps the registry in step with the handlers' directory.
//!
//! One task scans, decides and swaps, so that two changes never race. Files are read
//! beside it on blocking threads, a few at a time and never those of the same handler
//! twice, and compiled one at a time: a large component holds up its own route, and
//! others only that have to be compiled as well.
//!
//! A file that can't be loaded changes nothing but the log: what served goes on
//! serving, and the file is tried again when it changes. So it is with manifests, which
//! are read at each look where they have changed: what a handler claims is known before
//! its component is.

mod claims;
mod jobs;
mod keeping;
mod keys;
mod report;
mod rollback;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::claim::Claim;
use crate::component::LoadError;
use crate::config::Config;
use crate::directory::{self, Found, Scan};
use crate::engine::Engine;
use crate::known::Known;
use crate::manifest::asked::{self, AskError, Asked};
use crate::queue::Queue;
use crate::registry::Registry;
use crate::state::{Record, State};
use crate::watch::Watcher;
use jobs::{Begun, Done};
pub(crate) use keeping::Restoring;
pub(crate) use keys::KeyFiles;
use keys::{Place, are_being_written};
pub(crate) use rollback::{NoRollback, RolledBack, Wish, wishes};

/// A file that is missing for less than this was replaced, not removed.
const GRACE: Duration = Duration::from_secs(2);
/// A file that can't be loaded while it is written to is tried again after this.
const WRITING: Duration = Duration::from_millis(500);

pub(crate) struct Loader {
    pub(crate) root: PathBuf,
    pub(crate) engine: Arc<Engine>,
    pub(crate) registry: Arc<Registry>,
    config: Config,
    known: BTreeMap<String, Known>,
    queue: Queue,
    jobs: JoinSet<Done>,
    begun: HashMap<tokio::task::Id, Begun>,
    /// What the first look found is loaded or has failed.
    ready: bool,
    /// Problems that are logged already, so that each is said once.
    said: BTreeSet<String>,
    /// Conflicts of claims, likewise.
    conflicts: BTreeSet<String>,
    /// Where it is kept what serves; none where it is not.
    state: Option<Arc<State>>,
    /// What was kept, of files that have not been seen yet.
    recalled: BTreeMap<String, Record>,
    /// When the rest of that is forgotten.
    forget_at: Option<Instant>,
    /// What the registry has been told that each handler claims.
    claimed: BTreeMap<String, Option<Claim>>,
    /// When files of keys are looked at again that were being written to.
    keys_due: Option<Instant>,
}

/// What one look has found.
#[derive(Default)]
struct Seen {
    scan: Scan,
    /// The manifests that were read, by handler: those whose files have changed.
    asked: BTreeMap<String, Reading>,
    /// Files of keys that have changed, by handler.
    keys: BTreeMap<String, KeyFiles>,
    /// Others are just being written.
    writing: bool,
}

/// A manifest that was read, and the files of keys that it names.
struct Reading {
    asked: Result<Asked, AskError>,
    keys: KeyFiles,
}

impl Reading {
    fn new(file: &Found, within: Option<&Path>, confines: bool) -> Self {
        let asked = asked::read(file, within);
        let manifest = asked.as_ref().ok().and_then(|asked| asked.manifest.as_ref());
        // Before they are read: what changes between is seen by the next look.
        let keys = Place::new(&file.path, confines).look(manifest);
        Self { asked, keys }
    }
}

impl Loader {
    pub(crate) fn new(
        root: PathBuf,
        engine: Arc<Engine>,
        registry: Arc<Registry>,
        config: Config,
    ) -> Self {
        Self {
            root,
            engine,
            registry,
            config,
            known: BTreeMap::new(),
            queue: Queue::default(),
            jobs: JoinSet::new(),
            begun: HashMap::new(),
            ready: false,
            said: BTreeSet::new(),
            conflicts: BTreeSet::new(),
            state: None,
            recalled: BTreeMap::new(),
            forget_at: None,
            claimed: BTreeMap::new(),
            keys_due: None,
        }
    }

    /// Runs until dropped. `first` is told when all that the first look found is
    /// loaded or has failed.
    pub(crate) async fn run(
        mut self,
        mut watcher: impl Watcher,
        mut wishes: mpsc::Receiver<Wish>,
        first: oneshot::Sender<()>,
    ) {
        let mut first = Some(first);
        let registry = self.registry.clone();
        loop {
            if self.jobs.is_empty()
                && let Some(first) = first.take()
            {
                self.ready = true;
                // Nobody waits any more where the server has ended meanwhile.
                let _ = first.send(());
            }
            let deadline = self.next_deadline();
            tokio::select! {
                () = watcher.changed() => self.look().await,
                Some(job) = self.jobs.join_next_with_id() => self.finish(job),
                () = sleep_until(deadline) => self.look().await,
                () = registry.alarmed() => self.obey_verdicts(),
                Some(Wish { handler, answer }) = wishes.recv() => {
                    // Whoever does not wait for it any more has wished it all the same.
                    let _ = answer.send(self.roll_back(&handler));
                }
            }
        }
    }

    /// Ends what is due and says when to look again at the latest.
    fn next_deadline(&self) -> Instant {
        let now = Instant::now();
        let drained = self.known.values().filter_map(|known| known.handler.end_drained(now)).min();
        let missing =
            self.known.values().filter_map(|known| known.missing_since).min().map(|at| at + GRACE);
        let retry = self.known.values().filter_map(Known::retry_at).min();
        [drained, missing, retry, self.keys_due, self.forget_at()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(now + Duration::from_secs(3600))
    }

    /// One look at the directory, and what follows from it. The caller takes the
    /// first one, before it accepts: a route that is there is known from the start.
    pub(crate) async fn look(&mut self) {
        let now = Instant::now();
        for known in self.known.values_mut() {
            known.take_up(now);
        }
        let (root, confined) = (self.root.clone(), self.config.policy.untrusted);
        let known = self.known.iter();
        let before: HashMap<_, _> = known
            .filter_map(|(key, known)| Some((key.clone(), (known.asked?, known.keys.clone()))))
            .collect();
        let (confines, ready) = (self.config.policy.confines(), self.ready);
        let look = tokio::task::spawn_blocking(move || {
            let scan = directory::scan(&root, confined)?;
            let within = confined.then_some(&*root);
            let mut seen = Seen { scan, ..Seen::default() };
            for (key, file) in &seen.scan.handlers {
                let before = before.get(key);
                let place = Place::new(&file.path, confines);
                let mut turned =
                    before.map(|(_, keys)| place.changed(keys)).filter(|keys| !keys.is_empty());
                if ready && turned.as_ref().is_some_and(are_being_written) {
                    seen.writing = true;
                    turned = None;
                }
                let same = before.is_some_and(|(asked, _)| *asked == file.version());
                if !same || turned.is_some() {
                    seen.asked.insert(key.clone(), Reading::new(file, within, confines));
                    seen.keys.extend(turned.map(|turned| (key.clone(), turned)));
                }
            }
            Ok::<_, io::Error>(seen)
        });
        let seen = look.await.unwrap_or_else(|error| Err(error.into()));
        let Seen { scan, mut asked, keys, writing } = match seen {
            Ok(seen) => seen,
            Err(error) => {
                // It may be back in a moment. Until then nothing is removed.
                let root = self.root.display().to_string();
                self.say_once(&format!(
                    "{root}: can't be read: {error}: nothing changes until it can"
                ));
                self.known.values_mut().for_each(|known| known.missing_since = None);
                return;
            }
        };
        self.keys_due = writing.then(|| now + WRITING);
        self.report(&scan);
        for (key, file) in &scan.handlers {
            self.see(key, file, asked.remove(key));
        }
        for (key, changed) in keys {
            self.turn_keys(&key, changed);
        }
        self.miss(&scan);
        self.settle();
        self.forget_gone(&scan);
        for key in scan.handlers.keys() {
            self.fall_back(key);
        }
        self.start_jobs();
    }

    fn see(&mut self, key: &str, file: &Found, reading: Option<Reading>) {
        let known = self.known.entry(key.to_owned()).or_insert_with(|| {
            let handler = self.registry.handler(key, &self.config.limits);
            let mut known = Known::new(handler, file.clone());
            known.kept = self.recalled.remove(key);
            known
        });
        known.missing_since = None;
        known.file = file.clone();
        let Some(Reading { asked, keys }) = reading else { return };
        let writing = file.version().is_being_written() || are_being_written(&keys);
        known.has_keys_in(keys);
        known.asked = Some(file.version());
        known.wanted = None;
        let settled = asked.and_then(|asked| {
            let folder = file.path.parent().unwrap_or(Path::new("."));
            let policy = &self.config.policy;
            let wanted = policy.wanted(&self.config, key, &asked, folder);
            let mut wanted = wanted.map_err(AskError::Wrong)?;
            wanted.settings.manifest_text = asked.text().map(Arc::from);
            Ok(wanted)
        });
        match settled {
            Ok(wanted) => known.wanted = Some(wanted),
            Err(AskError::Changing) => known.try_again_in(WRITING),
            Err(AskError::Wrong(_)) if self.ready && writing => {
                known.try_again_in(WRITING);
            }
            Err(AskError::Wrong(wrong)) => {
                known.tried = Some(file.version());
                known.refuse(file, &LoadError::Manifest(wrong));
            }
        }
    }

    /// Removes the routes whose file is gone for long enough.
    fn miss(&mut self, scan: &Scan) {
        let now = Instant::now();
        let mut removed = Vec::new();
        for (route, known) in &mut self.known {
            let there = scan.handlers.contains_key(route) || scan.contested.contains_key(route);
            if there || scan.is_blind_to(&known.file.path) {
                known.missing_since = None;
                continue;
            }
            if *known.missing_since.get_or_insert(now) + GRACE <= now {
                removed.push(route.clone());
            }
        }
        for route in removed {
            self.queue.remove(&route);
            self.registry.remove(&route);
            self.claimed.remove(&route);
            if let Some(state) = &self.state {
                state.forget(&route);
            }
            if let Some(known) = self.known.remove(&route) {
                let claim = known.served.unwrap_or_else(|| Claim::of_path(&route));
                tracing::info!(
                    handler = &*known.handler.account.name,
                    "{}: removed: {claim} is served no more",
                    known.file.path.display()
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
