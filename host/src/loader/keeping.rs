//! What is kept for the host's next start, and what is brought back at this one.
//!
//! A file that can't be loaded, or that was rolled back, is stood in for by what served
//! before the host ended. It is loaded as files are, one at a time, and under the policy
//! of today; what can't be had any more is told, and nothing serves then, or the file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::jobs::{Begun, Done};
use super::keys::Place;
use super::{GRACE, Loader};
use crate::component::{LoadError, Loaded};
use crate::directory::Scan;
use crate::generation::Generation;
use crate::guest_log::Printable;
use crate::manifest::Manifest;
use crate::policy::Wanted;
use crate::registry::{Absence, Rollback};
use crate::state::{Record, RolledBack, State, Version};

/// What is being brought back.
#[derive(Clone, Debug)]
pub(crate) struct Restoring {
    pub(crate) record: Record,
    pub(crate) wanted: Wanted,
    /// The file could be loaded, and was rolled back.
    held: bool,
}

impl Loader {
    /// Keeps what serves in `state`, which has these `records` of earlier hosts.
    pub(crate) fn remember(&mut self, state: Arc<State>, records: BTreeMap<String, Record>) {
        self.state = Some(state);
        self.recalled = records;
    }

    /// Keeps what serves a handler now; with its component's bytes, unless these are kept
    /// already.
    pub(super) fn keep(&self, key: &str, component: Option<Vec<u8>>) {
        let (Some(state), Some(known)) = (&self.state, self.known.get(key)) else { return };
        let Some(current) = known.handler.current() else { return };
        let version = |generation: &Generation| {
            Version::new(&generation.digest, generation.settings.manifest_text.as_deref())
        };
        let good = version(&current);
        let rolled_back = known.handler.rolled_back().and_then(|rollback| {
            // A second rollback brings back what the file holds.
            let file = known.loaded().filter(|file| **file != good)?.clone();
            Some(RolledBack { file, why: rollback.by.why().map(str::to_owned) })
        });
        let component = component.map(|bytes| (good.component.clone(), bytes));
        let before = known.handler.previous().as_deref().map(version);
        state.keep(Record { key: key.to_owned(), good, before, rolled_back }, component);
    }

    /// When to look again for files of which only something kept is left.
    pub(super) fn forget_at(&self) -> Option<Instant> {
        self.forget_at.filter(|_| !self.recalled.is_empty())
    }

    /// What was kept of files that are gone is of no use to anybody: whoever has removed
    /// one while no host was there does not want it back.
    pub(super) fn forget_gone(&mut self, scan: &Scan) {
        let Some(state) = self.state.clone() else { return };
        let now = Instant::now();
        if *self.forget_at.get_or_insert(now + GRACE) > now || self.recalled.is_empty() {
            return;
        }
        if !scan.unreadable.is_empty() {
            // It may lie where nobody can look.
            self.forget_at = Some(now + Duration::from_secs(60));
            return;
        }
        self.recalled.retain(|key, _| {
            let there = scan.contested.contains_key(key);
            if !there {
                state.forget(key);
            }
            there
        });
        self.forget_at = Some(now + Duration::from_secs(3600));
    }

    /// Has a handler whose file can't be loaded served by what was kept of it, where
    /// nothing else serves it.
    pub(super) fn fall_back(&mut self, key: &str) {
        let Some(known) = self.known.get_mut(key) else { return };
        let failed = **known.handler.absence.load() == Absence::Failed;
        if failed
            && !known.loading
            && known.handler.current().is_none()
            && let Some(record) = known.kept.take()
        {
            self.bring_in(key, record, false);
        }
    }

    /// Has a handler whose file was rolled back served by what it was rolled back to.
    pub(super) fn hold(&mut self, key: &str) {
        let Some(known) = self.known.get_mut(key) else { return };
        if let Some(record) = known.kept.take() {
            self.bring_in(key, record, true);
        }
    }

    fn bring_in(&mut self, key: &str, record: Record, held: bool) {
        let wanted = self.wanted_by(key, record.good.manifest.as_deref());
        match wanted {
            Ok(wanted) => {
                if let Some(known) = self.known.get_mut(key) {
                    known.restoring = Some(Restoring { record, wanted, held });
                    self.queue.look(key);
                }
            }
            Err(why) => self.give_up(key, held, &format!("its manifest: {why}")),
        }
    }

    /// What comes of a kept manifest today.
    fn wanted_by(&mut self, key: &str, text: Option<&str>) -> Result<Wanted, String> {
        let manifest = text.map(Manifest::parse).transpose();
        let manifest = manifest.map_err(|flaws| told(flaws.iter()))?;
        let policy = &self.config.policy;
        let Some(known) = self.known.get_mut(key) else { return Err("it is gone".into()) };
        let keys = Place::new(&known.file.path, policy.confines()).look(manifest.as_ref());
        known.keys.extend(keys);
        let folder = known.file.path.parent().unwrap_or(Path::new("."));
        let wanted = policy.settings(&self.config, key, manifest.as_ref(), folder);
        let mut wanted = wanted.map_err(|refusals| told(refusals.iter()))?;
        wanted.settings.manifest_text = text.map(Arc::from);
        Ok(wanted)
    }

    /// What was to be brought back has been loaded, or not.
    pub(super) fn restored(&mut self, job: &Begun, restoring: &Restoring, done: Done) {
        let (key, Restoring { record, wanted, held }) = (&*job.route, restoring);
        let free = self.is_free(key, &wanted.claim);
        let Some(known) = self.known.get_mut(key) else { return };
        match done.outcome {
            Ok(Loaded::Uncompiled) => return self.queue.compile(key, false),
            Ok(Loaded::Component { prepared, digest, .. }) if free => {
                let Wanted { settings, claim, .. } = wanted.clone();
                let drain_until = Instant::now() + self.config.timeouts.drain;
                let generation = known.handler.swap(prepared, digest, settings, drain_until);
                known.handler.set_restored();
                known.restoring = None;
                let (handler, file) = (&*known.handler.account.name, known.file.path.display());
                let rolled_back = record.rolled_back.as_ref().filter(|_| *held);
                if let Some(rolled_back) = rolled_back {
                    known.handler.set_rolled_back(Rollback { to: None, by: rolled_back.by() });
                    let whose =
                        if rolled_back.why.is_some() { "by itself" } else { "by an operator" };
                    tracing::info!(
                        handler,
                        generation,
                        "{file}: was rolled back ({whose}) before the host started: what served \
                         before it serves {claim} again, until the file changes"
                    );
                } else {
                    tracing::warn!(
                        handler,
                        generation,
                        "{file}: can't be loaded, as is said above: what was last served of it \
                         serves {claim} again, until the file can be: mend it"
                    );
                }
                known.served = Some(claim);
            }
            Ok(Loaded::Component { .. }) => {
                let why = format!("another handler claims {} by now", wanted.claim);
                self.give_up(key, *held, &why);
            }
            Err(why) if why.is_passing() => {
                known.restoring = None;
                known.kept = Some(record.clone());
                known.handler.absence.store(Arc::new(Absence::Failed));
                known.try_again();
                let (handler, file) = (&*known.handler.account.name, known.file.path.display());
                tracing::warn!(
                    handler,
                    "{file}: what was last served of it {}",
                    Printable(&why.to_string())
                );
            }
            Err(why) => self.give_up(key, *held, &format!("it {why}")),
            Ok(Loaded::Same | Loaded::Held | Loaded::Changing) => {
                self.give_up(key, *held, "it was replaced meanwhile");
            }
        }
        // The file may have changed meanwhile; nothing else of it waits.
        self.queue.remove(key);
        self.settle();
    }

    /// What was kept can't serve. A file that was rolled back is better than nothing.
    fn give_up(&mut self, key: &str, held: bool, why: &str) {
        let Some(known) = self.known.get_mut(key) else { return };
        known.restoring = None;
        known.handler.absence.store(Arc::new(Absence::Failed));
        let then = match held {
            true => "the file is loaded, though it was rolled back",
            false => "nothing serves its route yet",
        };
        tracing::warn!(
            handler = &*known.handler.account.name,
            "{}: what was last served of it can't be brought back: {} ({then})",
            known.file.path.display(),
            Printable(why)
        );
        if held {
            known.tried = None;
            self.queue.look(key);
        }
    }
}

/// All that is wrong, in one line.
fn told(what: impl Iterator<Item = impl ToString>) -> String {
    what.map(|one| one.to_string()).collect::<Vec<_>>().join("; ")
}

/// Loads what was kept of a handler's component.
pub(super) fn read(state: &State, record: &Record) -> Result<Vec<u8>, LoadError> {
    let kept = state.component(&record.key, &record.good.component)?;
    kept.ok_or_else(|| LoadError::NotKept(state.path().to_owned()))
}
