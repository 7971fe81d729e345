//! The files that are being loaded, and what comes of each.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::keeping::{self, Restoring};
use super::{GRACE, Loader, WRITING};
use crate::component::{self, LoadError, Loaded, Order};
use crate::directory::Found;
use crate::guards::Lost;
use crate::policy::Wanted;
use crate::queue::Step;
use crate::registry::Handler;
use crate::state::{State, Version};

/// A file that is being loaded, or what stands in for it.
pub(super) struct Begun {
    pub(super) route: String,
    step: Step,
    handler: Arc<Handler>,
    file: Found,
    wanted: Wanted,
    restoring: Option<Restoring>,
}

/// What that came to.
pub(super) struct Done {
    pub(super) outcome: Result<Loaded, LoadError>,
    took: Duration,
}

impl Loader {
    pub(super) fn start_jobs(&mut self) {
        loop {
            let known = &self.known;
            let may = |route: &str| known.get(route).is_some_and(|known| !known.loading);
            let Some((route, step)) = self.queue.next(may) else { return };
            // It was asked for among these.
            let Some(known) = self.known.get_mut(&route) else { return };
            let restoring = known.restoring.clone();
            let kept = restoring.as_ref().map(|restoring| restoring.wanted.clone());
            let Some(wanted) = kept.or_else(|| known.wanted.clone()) else {
                self.queue.done(step);
                continue;
            };
            match restoring {
                None => known.begin(),
                Some(_) => known.begin_loading(),
            }
            let file = known.file.clone();
            let engine = self.engine.clone();
            let handler = known.handler.clone();
            let order = Order {
                file: file.clone(),
                within: self.config.policy.untrusted.then(|| self.root.clone()),
                running: known.handler.current(),
                compile: step == Step::Compile,
                held: known.held().cloned(),
                settings: wanted.settings.clone(),
            };
            let state = self.state.clone();
            let record = restoring.as_ref().map(|restoring| restoring.record.clone());
            let key = route.clone();
            let begun = Begun { route, step, handler: handler.clone(), file, wanted, restoring };
            let task = self.jobs.spawn_blocking(move || {
                let started = Instant::now();
                let name = &*handler.account.name;
                let mut outcome = match (&record, &state) {
                    (Some(record), Some(state)) => keeping::read(state, record)
                        .and_then(|bytes| component::load_bytes(&engine, bytes, &order, name)),
                    _ => component::load(&engine, &order, name),
                };
                if let Ok(Loaded::Component { digest, bytes, .. }) = &mut outcome {
                    let version = Version::new(digest, None);
                    let new = |state: &Arc<State>| !state.has(&key, &version, bytes);
                    if record.is_some() || !state.as_ref().is_some_and(new) {
                        *bytes = Vec::new();
                    }
                }
                Done { outcome, took: started.elapsed() }
            });
            self.begun.insert(task.id(), begun);
        }
    }

    pub(super) fn finish(
        &mut self,
        joined: Result<(tokio::task::Id, Done), tokio::task::JoinError>,
    ) {
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
        if let Some(restoring) = &job.restoring {
            return self.restored(job, restoring, Done { outcome, took });
        }
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
            Ok(Loaded::Component { prepared, digest, bytes }) => {
                let Wanted { settings, claim, .. } = job.wanted.clone();
                known.note_loaded(&digest, version, &settings);
                let drain_until = Instant::now() + self.config.timeouts.drain;
                known.handler.complaint.store(None);
                let renewed = known.serves(&digest, &settings);
                let renewed =
                    renewed.then(|| known.handler.renew(settings.clone(), drain_until)).flatten();
                // What was before that is before it still.
                let is_new = renewed.is_none();
                let number = renewed
                    .unwrap_or_else(|| known.handler.swap(prepared, digest, settings, drain_until));
                known.handler.is_of_its_file();
                let handler = known.handler.account.name.clone();
                let served = known.served.replace(claim.clone());
                let moves = served != known.served;
                if is_new {
                    known.served_before = served;
                }
                self.keep(&job.route, Some(bytes).filter(|bytes| !bytes.is_empty()));
                if moves {
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
            Ok(Loaded::Same) => {
                known.handler.complaint.store(None);
                if let Some(current) = known.handler.current() {
                    known.note_loaded(&current.digest, version, &job.wanted.settings);
                }
                if known.handler.is_of_its_file() {
                    self.keep(&job.route, None);
                }
            }
            Ok(Loaded::Held) => self.hold(&job.route),
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
        self.fall_back(&job.route);
        // A look meanwhile has found another file.
        let known = self.known.get(&job.route);
        if known.is_some_and(|known| known.is_due() && known.file.version() != version) {
            self.queue.look(&job.route);
        }
    }
}
