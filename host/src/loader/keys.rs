//! Files of keys, which manifests name: where one changes, so do the sessions of whom it
//! is for, as if the manifest had changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tokio::time::Instant;

use super::Loader;
use crate::beneath::{self, Reach};
use crate::directory::Fingerprint;
use crate::guest_log::Printable;
use crate::manifest::Manifest;
use crate::settings::Settings;

/// Files of keys as a manifest writes their paths, and the state that each was in before
/// it was read; none where it couldn't be looked at.
pub(crate) type KeyFiles = BTreeMap<PathBuf, Option<Fingerprint>>;

/// Where a handler's files of keys are.
pub(super) struct Place<'a> {
    folder: &'a Path,
    reach: Reach,
}

impl<'a> Place<'a> {
    /// Beside a handler's `file`, and nowhere else where that `confines` them.
    pub(super) fn new(file: &'a Path, confines: bool) -> Self {
        let reach = if confines { Reach::Beneath } else { Reach::Anywhere };
        Self { folder: file.parent().unwrap_or(Path::new(".")), reach }
    }

    /// The file of keys that a manifest names, in the state that it is in.
    pub(super) fn look(&self, manifest: Option<&Manifest>) -> KeyFiles {
        let named = manifest.and_then(Manifest::key_file);
        named.map(|path| (path.to_owned(), self.state(path))).into_iter().collect()
    }

    /// Those that are not in the state that they were in.
    pub(super) fn changed(&self, known: &KeyFiles) -> KeyFiles {
        let now = known.keys().map(|path| (path.clone(), self.state(path)));
        now.filter(|(path, state)| known.get(path) != Some(state)).collect()
    }

    fn state(&self, path: &Path) -> Option<Fingerprint> {
        let metadata = beneath::look(self.folder, path, self.reach).ok()?;
        metadata.is_file().then(|| Fingerprint::of(&metadata))
    }
}

/// Whether one of them may be the half of what it is going to be.
pub(super) fn are_being_written(files: &KeyFiles) -> bool {
    files.values().flatten().any(Fingerprint::is_being_written)
}

impl Loader {
    /// Files of keys of a handler have changed. What its own files ask for is settled anew
    /// by the caller; where something else serves, that gets its keys here.
    pub(super) fn turn_keys(&mut self, key: &str, changed: KeyFiles) {
        let Some(known) = self.known.get_mut(key) else { return };
        known.keys.extend(changed);
        if known.handler.rolled_back_to().is_none() {
            known.tried = None;
            if known.wanted.is_some() {
                return;
            }
        }
        let Some(current) = known.handler.current() else { return };
        let folder = known.file.path.parent().unwrap_or(Path::new("."));
        let manifest = current.settings.manifest.as_deref();
        // Where they can't be read, that is said of what the files ask for, or it has been.
        let wanted = self.config.policy.settings(&self.config, key, manifest, folder);
        let Ok(settings) = wanted.map(|wanted| wanted.settings) else { return };
        if !settings.are(&current.settings) {
            self.renew(key, settings);
        }
    }

    /// What serves goes on as another generation with other settings of the same manifest.
    pub(super) fn renew(&self, key: &str, settings: Settings) {
        let Some(known) = self.known.get(key) else { return };
        let drain_until = Instant::now() + self.config.timeouts.drain;
        let Some(number) = known.handler.renew(settings, drain_until) else { return };
        tracing::info!(
            handler = &*known.handler.account.name,
            generation = number,
            "{}: serves with other keys",
            Printable(&known.file.path.display().to_string())
        );
    }
}
