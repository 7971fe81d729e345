//! The operator's policy: what manifests may ask for. It lies outside the handlers'
//! directory, in `socklet.toml`.
//!
//! Without grants a manifest is trusted, within the ceilings. With grants, or with
//! `--untrusted`, what the policy doesn't name is denied.

mod file;
mod grants;

use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::claim::Claim;
use crate::config::{Config, Limits};
use crate::manifest::asked::{Asked, Refusal, Wrong};
use crate::manifest::limits::LimitTable;
use crate::manifest::{Manifest, OverflowKey, ScopeKey, SwapKey, TopicPatterns};
use crate::registry::name_of;
use crate::settings::{Scope, Settings, SwapPolicy};
use crate::token::{SessionError, SessionRules, Sources};
use crate::topics::{self, Overflow, Rules};
#[cfg(any(test, fuzzing))]
pub(crate) use file::parse;
pub use file::{ConfigFile, Flag};
use grants::{Grant, Grants};

/// What the operator leaves to manifests.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Whoever can put files into the handlers' directory is not trusted.
    pub(crate) untrusted: bool,
    tables: Tables,
}

/// The tables of `socklet.toml` that are no flags.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
struct Tables {
    /// The most that a manifest may ask for. They bound the defaults as well.
    ceilings: LimitTable,
    /// Who may have what.
    grants: Option<Vec<Grant>>,
}

/// What a handler is to be, and where.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) settings: Settings,
    pub(crate) claim: Claim,
    /// Where the claim is written, `line 3 of chat.toml`; none where that is nowhere.
    pub(crate) written: Option<String>,
}

impl Policy {
    /// The same, where those who can put files into the handlers' directory are trusted
    /// or not.
    #[must_use]
    pub fn untrusted(self, untrusted: bool) -> Self {
        Self { untrusted, ..self }
    }

    /// One line for the start: who decides.
    #[must_use]
    pub fn summary(&self) -> String {
        match (&self.tables.grants, self.untrusted) {
            (None, true) => {
                "manifests are not trusted (--untrusted), and no grants are set: they get nothing"
                    .into()
            }
            (Some(grants), true) => format!(
                "manifests are not trusted (--untrusted): they get what {} grants name",
                grants.len()
            ),
            (Some(grants), false) => {
                format!("manifests get what the policy's {} grants name", grants.len())
            }
            (None, false) => "manifests are trusted: no grants are set (--config), and none is \
                              asked for (--untrusted)"
                .into(),
        }
    }

    /// Whether powers need a grant.
    fn denies(&self) -> bool {
        self.untrusted || self.tables.grants.is_some()
    }

    /// Whether files of keys have to lie in the manifest's folder.
    pub(crate) fn confines(&self) -> bool {
        self.denies()
    }

    /// Lowers what is over a ceiling.
    pub(crate) fn lower(&self, limits: &mut Limits) {
        self.tables.ceilings.lower(limits);
    }

    /// The most memory that an instance of any handler may have.
    pub(crate) fn largest_memory(&self, default: usize) -> usize {
        /// What 32-bit WebAssembly can address.
        const ADDRESSABLE: usize = 4 << 30;
        match self.tables.ceilings.max_memory {
            Some(ceiling) => ceiling.0.max(default),
            None if self.untrusted => default,
            None => ADDRESSABLE.max(default),
        }
        .min(ADDRESSABLE)
    }

    /// What becomes of what the files of the handler `key` ask for: what it is to be, or all
    /// that is wrong with them.
    pub(crate) fn wanted(
        &self,
        config: &Config,
        key: &str,
        asked: &Asked,
        folder: &Path,
    ) -> Result<Wanted, Wrong> {
        match self.settings(config, key, asked.manifest.as_ref(), folder) {
            Ok(wanted) => {
                let written = asked.claims_at();
                asked.wrong().map_or(Ok(Wanted { written, ..wanted }), Err)
            }
            Err(refusals) => Err(asked.refused(&refusals)),
        }
    }

    /// What becomes of a manifest in `folder`: the settings of the handler `key`, or each of
    /// its keys that can't be had.
    pub(crate) fn settings(
        &self,
        config: &Config,
        key: &str,
        manifest: Option<&Manifest>,
        folder: &Path,
    ) -> Result<Wanted, Vec<Refusal>> {
        let mut settings = Settings::new(config);
        settings.coarse_clocks = self.untrusted;
        let claim = Claim::of_path(key);
        let Some(manifest) = manifest else {
            return Ok(Wanted { settings, claim, written: None });
        };
        let mut refusals = self.check_limits(manifest, &settings);
        if self.denies() {
            refusals.extend(self.grants(key).refusals(manifest, key));
        }
        fill(&mut settings, manifest, &mut refusals);
        if let Some(session) = &manifest.session
            // What is not granted is not read.
            && !refusals.iter().any(|refusal| refusal.is_of(&["session"]))
        {
            let variable = |name: &str| std::env::var(name).ok();
            let sources = Sources { folder, confined: self.confines(), variable: &variable };
            match SessionRules::load(session, &sources, &settings.subprotocols) {
                Ok(rules) => settings.session = Some(Arc::new(rules)),
                Err(SessionError { key, problem }) => {
                    refusals.push(Refusal::new(&["session", key], problem));
                }
            }
        }
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let claim = Claim {
            host: manifest.host.as_ref().map(|host| host.0.clone()),
            route: manifest.route.clone().unwrap_or(claim.route),
        };
        Ok(Wanted { settings, claim, written: None })
    }

    fn grants(&self, key: &str) -> Grants<'_> {
        let all = self.tables.grants.as_deref().unwrap_or_default();
        Grants::of(all, &name_of(key))
    }

    /// What a manifest of the handler `key` asks for and no grant gives it, whether or
    /// not it takes one.
    pub(crate) fn missing(&self, manifest: &Manifest, key: &str) -> Vec<String> {
        self.grants(key).missing(manifest, key).iter().map(ToString::to_string).collect()
    }

    fn check_limits(&self, manifest: &Manifest, without: &Settings) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let mut refuse = |key: &[&str], what: &str| refusals.push(Refusal::new(key, what));
        let bounds = self.untrusted.then_some(&without.limits);
        for key in manifest.limits.over(&self.tables.ceilings, bounds) {
            refuse(
                &["limits", key],
                "is more than the policy allows: lower it, or raise it in [ceilings] of \
                 socklet.toml",
            );
        }
        if manifest.limits.max_memory.is_some_and(|memory| memory.0 > 4 << 30) {
            refuse(&["limits", "max-memory"], "must be at most 4GiB");
        }
        if self.untrusted {
            let often = manifest.keepalive.ping_interval.map(|interval| interval.0);
            if often.is_some_and(|often| often < without.timeouts.ping_interval) {
                refuse(
                    &["keepalive", "ping-interval"],
                    "is shorter than the operator's, which --untrusted forbids",
                );
            }
            if manifest.linger.is_some_and(|linger| linger.0 > without.linger) {
                refuse(&["linger"], "is longer than 30s, which --untrusted forbids");
            }
        }
        refusals
    }
}

/// What a manifest says of everything that has no bound.
fn fill(settings: &mut Settings, manifest: &Manifest, refusals: &mut Vec<Refusal>) {
    manifest.limits.apply(&mut settings.limits);
    let keepalive = &manifest.keepalive;
    let timeouts = &mut settings.timeouts;
    if let Some(interval) = keepalive.ping_interval {
        timeouts.ping_interval = interval.0;
    }
    if let Some(pong) = keepalive.pong_timeout {
        timeouts.pong = pong.0;
    }
    if let Some(idle) = keepalive.idle_timeout {
        timeouts.idle = Some(idle.0);
    }
    if timeouts.ping_interval >= timeouts.pong {
        let what = format!(
            "must be shorter than pong-timeout ({:?} and {:?}, as they are here or with the \
             operator): set both",
            timeouts.ping_interval, timeouts.pong
        );
        refusals.push(Refusal::new(&["keepalive", "ping-interval"], what));
    }
    settings.scope = match manifest.scope {
        ScopeKey::Connection => Scope::Connection,
        ScopeKey::Path => Scope::Path,
        ScopeKey::Handler => Scope::Handler,
    };
    if let Some(linger) = manifest.linger {
        settings.linger = linger.0;
    }
    settings.park_after = manifest.park_after.map(|after| after.0);
    settings.swap = manifest.swap.map(|swap| match swap {
        SwapKey::Migrate => SwapPolicy::Migrate,
        SwapKey::Drain => SwapPolicy::Drain,
        SwapKey::Restart => SwapPolicy::Restart,
    });
    settings.subprotocols = manifest.spoken();
    settings.allow_origins = manifest.allow_origins.iter().map(|one| one.0.clone()).collect();
    let given = manifest.env.iter().map(|(name, value)| (name.clone(), value.0.clone()));
    settings.environment = given.collect();
    for (name, variable) in &manifest.secrets {
        // Nor does anybody learn whether one is there that is not granted.
        if refusals.iter().any(|refusal| refusal.is_of(&["secrets", name])) {
            continue;
        }
        match std::env::var(&variable.0) {
            Ok(value) => settings.environment.push((name.clone(), value)),
            // What is written there may be the secret itself.
            Err(_) => refusals.push(Refusal::new(
                &["secrets", name],
                "names a variable that is not in the host's environment, or not UTF-8: set it \
                 for the host",
            )),
        }
    }
    settings.topics = Arc::new(topics(manifest, &settings.limits, refusals));
    settings.allowed_hosts = manifest.capabilities.allowed_hosts.clone().into();
    settings.manifest = Some(manifest.clone().into());
}

/// What a handler may do with topics.
fn topics(manifest: &Manifest, limits: &Limits, refusals: &mut Vec<Refusal>) -> Rules {
    let TopicPatterns { publish, subscribe } = &manifest.capabilities.topics;
    for (key, patterns) in [("publish", publish), ("subscribe", subscribe)] {
        if patterns.iter().any(|pattern| pattern.as_str().starts_with(topics::SHARED)) {
            let what = format!(
                "has a pattern with `{}` before it: they are all of shared topics, so leave it out",
                topics::SHARED
            );
            refusals.push(Refusal::new(&["capabilities", "topics", key], what));
        }
    }
    let overflow = match manifest.topics.overflow {
        OverflowKey::Close => Overflow::Close,
        OverflowKey::Drop => Overflow::Drop,
    };
    let (publish, subscribe) = (publish.clone(), subscribe.clone());
    Rules { overflow, publish, subscribe, ..Rules::new(limits) }
}

#[cfg(test)]
mod tests;
