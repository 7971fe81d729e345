//! What the policy grants to whom.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::claim::Route;
use crate::manifest::{Manifest, TopicPatterns};
use crate::pattern::Pattern;

/// One of `[[grants]]`: what manifests of these handlers may have, beside what other
/// grants give them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Grant {
    /// Patterns of handlers' names: the path of the file below the handlers' directory
    /// without .wasm.
    handlers: Vec<Pattern>,
    /// Patterns of the names that secrets have in the host's environment.
    #[serde(default)]
    secrets: Vec<Pattern>,
    /// Patterns of shared topics.
    #[serde(default)]
    topics: TopicPatterns,
    /// Paths at and below which a route may lie, beside the file's own path.
    #[serde(default)]
    routes: Vec<Route>,
    /// Patterns of names that a route may be for.
    #[serde(default)]
    hosts: Vec<Pattern>,
}

impl Grant {
    /// What no type shows.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self.routes.iter().any(|route| route.captures().next().is_some()) {
            true => Err("must have paths without captures as its routes: all below them is meant"),
            false => Ok(()),
        }
    }
}

/// Those of one handler.
pub(super) struct Grants<'a>(Vec<&'a Grant>);

impl<'a> Grants<'a> {
    /// Those that name a handler.
    pub(super) fn of(all: &'a [Grant], handler: &str) -> Self {
        let named = |grant: &&Grant| grant.handlers.iter().any(|name| name.matches(handler));
        Self(all.iter().filter(named).collect())
    }

    /// Whether all is granted that a manifest asks for. The error names the key.
    pub(super) fn check(&self, manifest: &Manifest, key: &str) -> Result<(), String> {
        let denied = |what: &str, how: &str| {
            Err(format!(
                "{what} is not granted: leave it out, or have the operator grant it ({how} in [[grants]])"
            ))
        };
        if let Some(route) = &manifest.route
            && !route.is_own(key)
            && !self.any(|grant| grant.routes.iter().any(|prefix| route.is_below(prefix.as_str())))
        {
            return denied("route", "routes");
        }
        if let Some(host) = &manifest.host
            && !self.any(|grant| grant.hosts.iter().any(|name| name.matches(&host.0)))
        {
            return denied("host", "hosts");
        }
        for (name, variable) in &manifest.secrets {
            if !self.any(|grant| grant.secrets.iter().any(|secret| secret.matches(&variable.0))) {
                return denied(&format!("secrets.{}", name.escape_debug()), "secrets");
            }
        }
        let of_session = manifest.session.as_ref().and_then(|session| session.key_env.as_ref());
        if let Some(variable) = of_session
            && !self.any(|grant| grant.secrets.iter().any(|secret| secret.matches(variable)))
        {
            return denied("session.key-env", "secrets");
        }
        let asked = &manifest.capabilities.topics;
        if !self.cover(&asked.publish, |grant| &grant.topics.publish) {
            return denied("capabilities.topics.publish", "topics");
        }
        if !self.cover(&asked.subscribe, |grant| &grant.topics.subscribe) {
            return denied("capabilities.topics.subscribe", "topics");
        }
        Ok(())
    }

    fn any(&self, has: impl Fn(&Grant) -> bool) -> bool {
        self.0.iter().any(|grant| has(grant))
    }

    fn cover(&self, asked: &[Pattern], granted: impl Fn(&Grant) -> &[Pattern]) -> bool {
        asked.iter().all(|asked| {
            self.any(|grant| granted(grant).iter().any(|pattern| pattern.covers(asked)))
        })
    }
}
