//! Going back: what served before serves again. A wish of the operator's, or the end of a
//! generation's trial; both come to the loader because nobody else changes generations.

use std::path::Path;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::Loader;
use super::keys::Place;
use crate::guards::{Guards, Lost};
use crate::registry::By;

/// What an operator wishes of the loader: a handler's rollback.
#[derive(Debug)]
pub(crate) struct Wish {
    /// Its name.
    pub(crate) handler: String,
    pub(crate) answer: oneshot::Sender<Result<RolledBack, NoRollback>>,
}

/// The new generation, and the one that it is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RolledBack {
    pub(crate) generation: u64,
    pub(crate) to: u64,
}

/// Why nothing changes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoRollback {
    #[error("there is no such handler")]
    Unknown,
    #[error("there was no generation before this one since the host started")]
    NoPrevious,
    #[error("the generation before would have {0}")]
    Lost(Lost),
    #[error("what the manifest of the generation before asks for can't be had any more: {0}")]
    Settings(String),
    #[error("another handler claims {0} by now, where the generation before was served")]
    Claimed(String),
}

/// How wishes reach the loader. A few wait, and then whoever has another one.
pub(crate) fn wishes() -> (mpsc::Sender<Wish>, mpsc::Receiver<Wish>) {
    const WAITING: usize = 16;
    mpsc::channel(WAITING)
}

impl Loader {
    /// Has a handler served by what served it before, where that was served, until its
    /// file changes. Like any swap it loses no guard. Keys and secrets are those of now.
    pub(super) fn roll_back(&mut self, name: &str) -> Result<RolledBack, NoRollback> {
        let mut all = self.known.iter();
        let found = all.find(|(_, known)| *known.handler.account.name == *name);
        let key = found.ok_or(NoRollback::Unknown)?.0.clone();
        let done = self.bring_back(&key, By::Operator)?;
        if let Some(known) = self.known.get(&key) {
            tracing::info!(
                handler = name,
                generation = done.generation,
                "generation {} serves again, until {} changes",
                done.to,
                known.file.path.display()
            );
        }
        Ok(done)
    }

    /// Takes back the generations that have failed for too many.
    pub(super) fn obey_verdicts(&mut self) {
        let condemned = self.known.iter().filter_map(|(key, known)| {
            let current = known.handler.current()?;
            let verdict = current.verdict()?;
            Some((key.clone(), current, verdict.to_string()))
        });
        for (key, current, why) in condemned.collect::<Vec<_>>() {
            let generation = current.number;
            let done = self.bring_back(&key, By::Itself(why.clone()));
            let Some(known) = self.known.get(&key) else { continue };
            let (handler, file) = (&*known.handler.account.name, known.file.path.display());
            match done {
                Ok(RolledBack { generation: next, to }) => tracing::error!(
                    handler,
                    generation = next,
                    "generation {generation} is rolled back by itself: {why}: generation {to} \
                     serves again, until {file} changes: mend what its failures above say (or \
                     roll it back once more, or see --auto-rollback)"
                ),
                Err(no) => {
                    // What is in the way of these may pass: the next failure asks again.
                    if !matches!(no, NoRollback::Settings(_) | NoRollback::Claimed(_)) {
                        current.close_trial();
                    }
                    if known.handler.account.may_notice() {
                        tracing::error!(
                            handler,
                            generation,
                            "fails more than the generation before, and can't be rolled back, so \
                             it serves on: {why}; {no}: mend {file}"
                        );
                    }
                }
            }
        }
    }

    fn bring_back(&mut self, key: &str, by: By) -> Result<RolledBack, NoRollback> {
        let known = self.known.get(key).ok_or(NoRollback::Unknown)?;
        let handler = known.handler.clone();
        let previous = handler.previous().ok_or(NoRollback::NoPrevious)?;
        let folder = known.file.path.parent().unwrap_or(Path::new("."));
        let manifest = previous.settings.manifest.as_deref();
        let place = Place::new(&known.file.path, self.config.policy.confines());
        let keys = place.look(manifest);
        // Keys may have been replaced since then: what is read anew is what is there now.
        let wanted = self.config.policy.settings(&self.config, key, manifest, folder);
        let settings = wanted.map_err(|refusals| {
            let refusals: Vec<_> = refusals.iter().map(ToString::to_string).collect();
            NoRollback::Settings(refusals.join("; "))
        });
        let mut settings = settings?.settings;
        settings.manifest_text.clone_from(&previous.settings.manifest_text);
        if let Some(current) = handler.current()
            && let Some(lost) =
                Guards::of(&current).lost_by(Guards::new(&settings, &previous.prepared))
        {
            return Err(NoRollback::Lost(lost));
        }
        let claim = known.served_before.clone();
        if let Some(claim) = claim.as_ref().filter(|claim| known.served.as_ref() != Some(claim))
            && !self.is_free(key, claim)
        {
            return Err(NoRollback::Claimed(claim.to_string()));
        }
        let drain_until = Instant::now() + self.config.timeouts.drain;
        let (generation, to) =
            handler.roll_back(settings, by, drain_until).ok_or(NoRollback::NoPrevious)?;
        if let Some(known) = self.known.get_mut(key) {
            known.keys.extend(keys);
            known.let_be();
            if let Some(claim) = claim {
                known.served_before = known.served.replace(claim);
            }
        }
        self.keep(key, None);
        self.settle();
        Ok(RolledBack { generation, to })
    }
}
