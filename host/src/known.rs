//! What the loader knows of one handler: its files, and what has become of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::claim::Claim;
use crate::component::LoadError;
use crate::directory::{Found, Version};
use crate::guards::Guards;
use crate::guest_log::Printable;
use crate::instance::Prepared;
use crate::loader::KeyFiles;
use crate::policy::Wanted;
use crate::registry::{Absence, Handler};
use crate::settings::Settings;

/// What the loader knows of one handler.
pub(crate) struct Known {
    pub(crate) handler: Arc<Handler>,
    pub(crate) file: Found,
    /// The state of the files whose manifest was read last.
    pub(crate) asked: Option<Version>,
    /// The files of keys that it names, and that what serves does.
    pub(crate) keys: KeyFiles,
    /// What that came to; none where it can't be had.
    pub(crate) wanted: Option<Wanted>,
    /// What the current generation claims.
    pub(crate) served: Option<Claim>,
    /// What the one before it claimed.
    pub(crate) served_before: Option<Claim>,
    /// Another handler claims the same, so it is not loaded.
    pub(crate) contested: bool,
    /// The state of the files that was last tried; none where the next look is to
    /// try them again.
    pub(crate) tried: Option<Version>,
    /// What was last said about which state of the files.
    complaint: Option<(Version, Vec<String>)>,
    pub(crate) loading: bool,
    /// The state of the files whose compiling has come to a limit.
    pub(crate) costly: Option<Version>,
    /// Since when it has no manifest although what is running has.
    lost_since: Option<Instant>,
    pub(crate) missing_since: Option<Instant>,
    /// When the file is tried again although it may not have changed by then.
    retry_at: Option<Instant>,
    /// How long it was put off the last time.
    pause: Duration,
}

/// What may pass is tried again after this, then after twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Known {
    pub(crate) fn new(handler: Arc<Handler>, file: Found) -> Self {
        Self {
            handler,
            file,
            asked: None,
            keys: KeyFiles::new(),
            wanted: None,
            served: None,
            served_before: None,
            contested: false,
            tried: None,
            complaint: None,
            loading: false,
            costly: None,
            lost_since: None,
            missing_since: None,
            retry_at: None,
            pause: Duration::ZERO,
        }
    }

    /// Has the file tried again after this time.
    pub(crate) fn try_again_in(&mut self, time: Duration) {
        self.retry_at = Some(Instant::now() + time);
    }

    /// Has the file tried again before long, but ever later.
    pub(crate) fn try_again(&mut self) {
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.try_again_in(self.pause);
    }

    /// Has the file tried again when it changes, and not before.
    pub(crate) fn let_be(&mut self) {
        self.retry_at = None;
    }

    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Has the next look try a file whose time has come.
    pub(crate) fn take_up(&mut self, now: Instant) {
        if self.retry_at.take_if(|at| *at <= now).is_some() {
            (self.tried, self.asked) = (None, None);
        }
    }

    /// Whether another generation would lose a guard of the current one.
    pub(crate) fn would_lose_guard(&self, settings: &Settings, prepared: &Prepared) -> bool {
        let next = Guards::new(settings, prepared);
        self.handler.current().is_some_and(|current| Guards::of(&current).lost_by(next).is_some())
    }

    /// Takes note of files of keys, and forgets those that nothing names any more.
    pub(crate) fn has_keys_in(&mut self, files: KeyFiles) {
        let current = self.handler.current();
        let served = current.as_ref().and_then(|current| current.settings.manifest.as_ref());
        let served = served.and_then(|manifest| manifest.key_file());
        self.keys.retain(|path, _| served == Some(path));
        self.keys.extend(files);
    }

    /// Whether this is what serves, but for the keys.
    pub(crate) fn serves(&self, digest: &[u8; 32], settings: &Settings) -> bool {
        self.handler.current().is_some_and(|current| {
            current.digest == *digest && current.settings.manifest == settings.manifest
        })
    }

    /// Whether its files were to be tried and have not been yet.
    pub(crate) fn is_due(&self) -> bool {
        self.wanted.is_some() && !self.contested && self.tried != Some(self.file.version())
    }

    /// Whether its manifest has been gone for less than this, so that it may have been
    /// replaced and not removed.
    pub(crate) fn lost_just_now(&mut self, grace: Duration) -> bool {
        let now = Instant::now();
        *self.lost_since.get_or_insert(now) + grace > now
    }

    pub(crate) fn has_found_its_manifest(&mut self) {
        self.lost_since = None;
    }

    /// The file is being tried, in this state.
    pub(crate) fn begin(&mut self) {
        self.loading = true;
        self.retry_at = None;
        self.tried = Some(self.file.version());
        if self.complaint.as_ref().is_none_or(|(state, _)| *state != self.file.version()) {
            // Nothing is known against this state of it.
            self.pause = Duration::ZERO;
        }
        self.handler.absence.store(Arc::new(Absence::Compiling));
    }

    /// A line for each thing that is wrong: which file, what is wrong, what to do, and what
    /// happens now.
    pub(crate) fn refuse(&mut self, file: &Found, why: &LoadError) {
        self.handler.absence.store(Arc::new(Absence::Failed));
        if self.complaint.as_ref().is_none_or(|(state, _)| *state != file.version()) {
            self.handler.account.metrics.refused();
        }
        let meanwhile = match self.handler.current() {
            Some(current) => format!("generation {} serves on", current.number),
            None => "nothing serves its route yet".to_owned(),
        };
        let path = why.file().unwrap_or(&file.path).display();
        self.handler.complaint.store(Some(Arc::new(format!("{path}: {why}"))));
        let complaints: Vec<_> =
            why.each().iter().map(|what| format!("{path}: {what} ({meanwhile})")).collect();
        let complaint = Some((file.version(), complaints));
        if self.complaint != complaint {
            self.complaint = complaint;
            for complaint in self.complaint.iter().flat_map(|(_, complaints)| complaints) {
                let handler = &*self.handler.account.name;
                tracing::error!(handler, "{}", Printable(complaint));
            }
        }
    }
}
