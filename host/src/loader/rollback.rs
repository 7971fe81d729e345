//! Going back: what served before serves again. A wish of the operator's, which comes to
//! the loader because nobody else changes generations.

use std::path::Path;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::Loader;
use super::keys::Place;
use crate::guards::{Guards, Lost};

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
        let (key, known) = found.ok_or(NoRollback::Unknown)?;
        let (key, handler) = (key.clone(), known.handler.clone());
        let previous = handler.previous().ok_or(NoRollback::NoPrevious)?;
        let folder = known.file.path.parent().unwrap_or(Path::new("."));
        let manifest = previous.settings.manifest.as_deref();
        let place = Place::new(&known.file.path, self.config.policy.confines());
        let keys = place.look(manifest);
        // Keys may have been replaced since then: what is read anew is what is there now.
        let wanted = self.config.policy.settings(&self.config, &key, manifest, folder);
        let settings = wanted.map_err(|refusals| {
            let refusals: Vec<_> = refusals.iter().map(ToString::to_string).collect();
            NoRollback::Settings(refusals.join("; "))
        });
        let settings = settings?.settings;
        if let Some(current) = handler.current()
            && let Some(lost) =
                Guards::of(&current).lost_by(Guards::new(&settings, &previous.prepared))
        {
            return Err(NoRollback::Lost(lost));
        }
        let claim = known.served_before.clone();
        if let Some(claim) = claim.as_ref().filter(|claim| known.served.as_ref() != Some(claim))
            && !self.is_free(&key, claim)
        {
            return Err(NoRollback::Claimed(claim.to_string()));
        }
        let drain_until = Instant::now() + self.config.timeouts.drain;
        let (generation, to) =
            handler.roll_back(settings, drain_until).ok_or(NoRollback::NoPrevious)?;
        if let Some(known) = self.known.get_mut(&key) {
            tracing::info!(
                handler = name,
                generation,
                "generation {to} serves again, until {} changes",
                known.file.path.display()
            );
            known.keys.extend(keys);
            known.let_be();
            if let Some(claim) = claim {
                known.served_before = known.served.replace(claim);
            }
        }
        self.settle();
        Ok(RolledBack { generation, to })
    }
}
