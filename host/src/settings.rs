//! What holds for one generation of a handler: what its manifest asks for, within what
//! the operator allows. Without a manifest, what the command line says.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, Limits, Timeouts};
use crate::manifest::Manifest;
use crate::token::SessionRules;
use crate::topics::Rules;
use crate::upstream::AllowedHost;

/// Everything about a handler that is not its code. A swap replaces it with the code.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    pub(crate) scope: Scope,
    /// How long a shared instance outlives its last connection.
    pub(crate) linger: Duration,
    /// How long an instance may have nothing to do before it is parked; none where it is
    /// not for that.
    pub(crate) park_after: Option<Duration>,
    /// What becomes of live connections; none where the scope says.
    pub(crate) swap: Option<SwapPolicy>,
    /// Connections that can't move are closed, whatever the scope, where the manifest says
    /// nothing else.
    pub(crate) restarts: bool,
    /// Whether a generation that fails more than the one before it is rolled back by itself.
    pub(crate) auto_rollback: bool,
    /// Those that the handler speaks, the preferred one first.
    pub(crate) subprotocols: Vec<String>,
    /// Origins that may connect beside those that may connect to every handler.
    pub(crate) allow_origins: Vec<String>,
    /// Whose connections it serves; none where that is not asked.
    pub(crate) session: Option<Arc<SessionRules>>,
    /// The environment that the guest sees, secrets among it.
    pub(crate) environment: Vec<(String, String)>,
    /// The guest's clocks tell no more than milliseconds.
    pub(crate) coarse_clocks: bool,
    /// What all this was asked by; none where there was no manifest.
    pub(crate) manifest: Option<Arc<Manifest>>,
    /// The text of that, for the host's next start.
    pub(crate) manifest_text: Option<Arc<str>>,
    /// What it may do with topics.
    pub(crate) topics: Arc<Rules>,
    /// Hosts that it may send requests to.
    pub(crate) allowed_hosts: Arc<[AllowedHost]>,
}

/// Which connections share an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scope {
    /// None: each has its own.
    #[default]
    Connection,
    /// Those of one path.
    Path,
    /// All of the handler.
    Handler,
}

/// What a swap does with live connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SwapPolicy {
    /// They move over to the new one, with the state of their instances.
    Migrate,
    /// They stay with the generation that they began with.
    Drain,
    /// They are closed with 1012, and come back to the new one.
    Restart,
}

impl Settings {
    /// Of a handler that says nothing about itself.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            limits: config.limits.clone(),
            timeouts: config.timeouts.clone(),
            scope: Scope::default(),
            linger: Duration::from_secs(30),
            park_after: None,
            swap: None,
            restarts: config.development,
            auto_rollback: config.auto_rollback,
            subprotocols: Vec::new(),
            allow_origins: Vec::new(),
            session: None,
            environment: Vec::new(),
            coarse_clocks: false,
            manifest: None,
            manifest_text: None,
            topics: Arc::new(Rules::new(&config.limits)),
            allowed_hosts: Arc::default(),
        }
    }
}

impl Settings {
    /// Whether they come to the same as others of the same host: made of the same
    /// manifest, with the same keys in the files that it names.
    pub(crate) fn are(&self, others: &Self) -> bool {
        self.manifest == others.manifest && self.session == others.session
    }
}

impl Scope {
    /// What becomes of live connections where another generation takes over and says
    /// nothing about it. Those of a shared instance come back to one new instance, rather
    /// than to a room that is split in two.
    pub(crate) fn swap_policy(self) -> SwapPolicy {
        match self {
            Self::Connection => SwapPolicy::Drain,
            Self::Path | Self::Handler => SwapPolicy::Restart,
        }
    }
}
