//! What the loader knows of one route: its file, and what has become of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::component::LoadError;
use crate::directory::{Fingerprint, Found};
use crate::guest_log::Printable;
use crate::registry::{Absence, Handler};

/// What the loader knows of one route.
pub(crate) struct Known {
    pub(crate) handler: Arc<Handler>,
    pub(crate) file: Found,
    /// The state of the file that was last tried; none where the next look is to
    /// try it again.
    pub(crate) tried: Option<Fingerprint>,
    /// What was last said about which state of the file.
    complaint: Option<(Fingerprint, String)>,
    pub(crate) loading: bool,
    /// The state of the file whose compiling has come to a limit.
    pub(crate) costly: Option<Fingerprint>,
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
            tried: None,
            complaint: None,
            loading: false,
            costly: None,
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

    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Has the next look try a file whose time has come.
    pub(crate) fn take_up(&mut self, now: Instant) {
        if self.retry_at.take_if(|at| *at <= now).is_some() {
            self.tried = None;
        }
    }

    /// The file is being tried, in this state.
    pub(crate) fn begin(&mut self) {
        self.loading = true;
        self.retry_at = None;
        self.tried = Some(self.file.fingerprint);
        if self.complaint.as_ref().is_none_or(|(state, _)| *state != self.file.fingerprint) {
            // Nothing is known against this state of it.
            self.pause = Duration::ZERO;
        }
        self.handler.absence.store(Arc::new(Absence::Compiling));
    }

    /// One line: which file, what is wrong, what to do, and what happens now.
    pub(crate) fn refuse(&mut self, file: &Found, why: &LoadError) {
        self.handler.absence.store(Arc::new(Absence::Failed));
        if self.complaint.as_ref().is_none_or(|(state, _)| *state != file.fingerprint) {
            self.handler.account.metrics.refused();
        }
        let meanwhile = match self.handler.current() {
            Some(current) => format!("generation {} serves on", current.number),
            None => "nothing serves its route yet".to_owned(),
        };
        let complaint = format!("{}: {why} ({meanwhile})", file.path.display());
        let complaint = Some((file.fingerprint, complaint));
        if self.complaint != complaint {
            self.complaint = complaint;
            if let Some((_, complaint)) = &self.complaint {
                let handler = &*self.handler.account.name;
                tracing::error!(handler, "{}", Printable(complaint));
            }
        }
    }
}
