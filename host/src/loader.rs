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
mod keys;
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
use crate::component::{self, LoadError, Loaded, Order};
use crate::config::Config;
use crate::directory::{self, Found, Scan};
use crate::engine::Engine;
use crate::guards::Lost;
use crate::guest_log::Printable;
use crate::known::Known;
use crate::manifest::asked::{self, AskError, Asked};
use crate::policy::Wanted;
use crate::queue::{Queue, Step};
use crate::registry::{Handler, Registry};
use crate::watch::Watcher;
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

/// A file that is being loaded.
struct Begun {
    route: String,
    step: Step,
    handler: Arc<Handler>,
    file: Found,
    wanted: Wanted,
}

/// What that came to.
struct Done {
    outcome: Result<Loaded, LoadError>,
    took: Duration,
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
        [drained, missing, retry, self.keys_due]
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
        self.start_jobs();
    }

    fn report(&mut self, scan: &Scan) {
        let mut problems = BTreeSet::new();
        for (path, why) in &scan.unroutable {
            problems.insert(format!("{}: can't be a route: {why}: rename it", path.display()));
        }
        for path in &scan.escaping {
            problems.insert(format!(
                "{}: leads out of the directory, which --untrusted forbids: copy what it leads to",
                path.display()
            ));
        }
        for (key, path) in &scan.orphans {
            // One whose component is just being replaced is none.
            if !self.known.contains_key(key) {
                problems.insert(format!(
                    "{}: is no component's manifest: put {} beside it, or remove it",
                    path.display(),
                    path.with_extension("wasm").file_name().unwrap_or_default().display()
                ));
            }
        }
        for (path, error) in &scan.unreadable {
            problems.insert(format!("{}: can't be read: {error}", path.display()));
        }
        for (route, files) in &scan.contested {
            let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
            problems.insert(format!(
                "{}: all claim the route {route}, and none is loaded: rename all but one",
                files.join(", ")
            ));
        }
        for problem in problems.difference(&self.said) {
            tracing::warn!("{}", Printable(problem));
        }
        self.said = problems;
    }

    fn say_once(&mut self, problem: &str) {
        if self.said.insert(problem.to_owned()) {
            tracing::warn!("{}", Printable(problem));
        }
    }

    fn see(&mut self, key: &str, file: &Found, reading: Option<Reading>) {
        let known = self.known.entry(key.to_owned()).or_insert_with(|| {
            let handler = self.registry.handler(key, &self.config.limits);
            Known::new(handler, file.clone())
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
            policy.wanted(&self.config, key, &asked, folder).map_err(AskError::Wrong)
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

    fn start_jobs(&mut self) {
        loop {
            let known = &self.known;
            let may = |route: &str| known.get(route).is_some_and(|known| !known.loading);
            let Some((route, step)) = self.queue.next(may) else { return };
            // It was asked for among these.
            let Some(known) = self.known.get_mut(&route) else { return };
            let Some(wanted) = known.wanted.clone() else {
                self.queue.done(step);
                continue;
            };
            known.begin();
            let file = known.file.clone();
            let engine = self.engine.clone();
            let handler = known.handler.clone();
            let order = Order {
                file: file.clone(),
                within: self.config.policy.untrusted.then(|| self.root.clone()),
                running: known.handler.current(),
                compile: step == Step::Compile,
                settings: wanted.settings.clone(),
            };
            let begun = Begun { route, step, handler: handler.clone(), file, wanted };
            let task = self.jobs.spawn_blocking(move || {
                let started = Instant::now();
                let outcome = component::load(&engine, &order, &handler.account.name);
                Done { outcome, took: started.elapsed() }
            });
            self.begun.insert(task.id(), begun);
        }
    }

    fn finish(&mut self, joined: Result<(tokio::task::Id, Done), tokio::task::JoinError>) {
        let (id, done) = match joined {
            Ok(done) => done,
            Err(error) => {
                // The host itself has failed on it.
                let outcome = Err(LoadError::Invalid(format!("loading it failed: {error}")));
                (error.id(), Done { outcome, took: Duration::ZERO })
            }
        };
        if let Some(begun) = self.begun.remove(&id) {
            self.queue.done(begun.step);
            self.apply(&begun, done);
        }
        self.start_jobs();
    }

    fn apply(&mut self, job: &Begun, Done { outcome, took }: Done) {
        let free = self.is_free(&job.route, &job.wanted.claim);
        let known = self.known.get_mut(&job.route);
        // Its handler may have been removed while it was compiled, and another one
        // may serve the route by now.
        let Some(known) = known.filter(|known| Arc::ptr_eq(&known.handler, &job.handler)) else {
            return;
        };
        known.loading = false;
        let version = job.file.version();
        if !matches!(outcome, Err(LoadError::Lost(Lost::Manifest))) {
            known.has_found_its_manifest();
        }
        match outcome {
            // Another handler has come to claim the same.
            Ok(Loaded::Component { .. }) if !free => known.tried = None,
            // A rollback has brought one back meanwhile.
            Ok(Loaded::Component { prepared, .. })
                if known.would_lose_guard(&job.wanted.settings, &prepared) =>
            {
                known.try_again_in(Duration::ZERO);
            }
            Ok(Loaded::Component { prepared, digest }) => {
                let Wanted { settings, claim, .. } = job.wanted.clone();
                let drain_until = Instant::now() + self.config.timeouts.drain;
                known.handler.complaint.store(None);
                let renewed = known.serves(&digest, &settings);
                let renewed =
                    renewed.then(|| known.handler.renew(settings.clone(), drain_until)).flatten();
                let number = renewed
                    .unwrap_or_else(|| known.handler.swap(prepared, digest, settings, drain_until));
                let handler = known.handler.account.name.clone();
                known.served_before = known.served.replace(claim.clone());
                if known.served_before != known.served {
                    self.settle();
                }
                tracing::info!(
                    handler = &*handler,
                    generation = number,
                    "{}: serves {claim} (loaded in {:.0?})",
                    job.file.path.display(),
                    took
                );
            }
            Ok(Loaded::Same) => known.handler.complaint.store(None),
            Ok(Loaded::Uncompiled) => {
                self.queue.compile(&job.route, known.costly == Some(version));
            }
            Ok(Loaded::Changing) => known.tried = None,
            Err(LoadError::Lost(Lost::Manifest)) if known.lost_just_now(GRACE) => {
                known.try_again_in(GRACE);
            }
            Err(why) => {
                if self.ready && version.is_being_written() {
                    // What it is will show when the writer is done; only a start waits
                    // for nobody.
                    known.try_again_in(WRITING);
                    return;
                }
                if matches!(why, LoadError::Compile(_)) {
                    known.costly = Some(version);
                }
                if why.is_passing() {
                    known.try_again();
                }
                known.refuse(&job.file, &why);
            }
        }
        // A look meanwhile has found another file.
        let known = self.known.get(&job.route);
        if known.is_some_and(|known| known.is_due() && known.file.version() != version) {
            self.queue.look(&job.route);
        }
    }
}

#[cfg(test)]
mod tests;
