//! What the loader knows of one route: its file, and what has become of it.

use std::sync::Arc;

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
    /// Compiling it has come to a limit.
    pub(crate) costly: bool,
    pub(crate) missing_since: Option<Instant>,
    /// When a file that was being written to is looked at again.
    pub(crate) retry_at: Option<Instant>,
}

impl Known {
    pub(crate) fn new(handler: Arc<Handler>, file: Found) -> Self {
        Self {
            handler,
            file,
            tried: None,
            complaint: None,
            loading: false,
            costly: false,
            missing_since: None,
            retry_at: None,
        }
    }

    /// Has the file tried again although it may not have changed by then.
    pub(crate) fn try_again(&mut self, at: Instant) {
        self.tried = None;
        self.retry_at = Some(at);
    }

    /// One line: which file, what is wrong, what to do, and what happens now.
    pub(crate) fn refuse(&mut self, file: &Found, why: &LoadError) {
        self.handler.absence.store(Arc::new(Absence::Failed));
        self.handler.account.metrics.refused();
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
