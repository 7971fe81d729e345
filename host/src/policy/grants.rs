//! What the policy grants to whom.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::claim::Route;
use crate::manifest::asked::Refusal;
use crate::manifest::{Manifest, TopicPatterns};
use crate::pattern::Pattern;
use crate::upstream::AllowedHost;

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
    /// Hosts that requests may be sent to.
    #[serde(default)]
    allowed_hosts: Vec<AllowedHost>,
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

/// What a manifest asks for and doesn't get.
pub(super) struct Missing {
    /// The key in the manifest.
    key: Vec<String>,
    /// The key in a grant.
    how: &'static str,
    /// What of it, where a grant may name a part.
    patterns: Vec<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key: Vec<_> = self.key.iter().map(|name| name.escape_debug().to_string()).collect();
        f.write_str(&key.join("."))?;
        match &self.patterns[..] {
            [] => Ok(()),
            patterns => write!(f, " ({})", patterns.join(", ")),
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

    /// What is said of each key by which a manifest asks for what is not granted.
    pub(super) fn refusals(&self, manifest: &Manifest, key: &str) -> Vec<Refusal> {
        let refuse = |Missing { key, how, .. }| {
            let what = format!(
                "is not granted: leave it out, or have the operator grant it ({how} in [[grants]])"
            );
            Refusal { key, what }
        };
        self.missing(manifest, key).into_iter().map(refuse).collect()
    }

    /// All that a manifest asks for and doesn't get.
    pub(super) fn missing(&self, manifest: &Manifest, key: &str) -> Vec<Missing> {
        let mut missing = Vec::new();
        let mut miss = |key: &[&str], how| {
            let key = key.iter().map(|&name| name.to_owned()).collect();
            missing.push(Missing { key, how, patterns: Vec::new() });
        };
        if let Some(route) = &manifest.route
            && !route.is_own(key)
            && !self.any(|grant| grant.routes.iter().any(|prefix| route.is_below(prefix.as_str())))
        {
            miss(&["route"], "routes");
        }
        if let Some(host) = &manifest.host
            && !self.any(|grant| grant.hosts.iter().any(|name| name.matches(&host.0)))
        {
            miss(&["host"], "hosts");
        }
        for (name, variable) in &manifest.secrets {
            if !self.any(|grant| grant.secrets.iter().any(|secret| secret.matches(&variable.0))) {
                miss(&["secrets", name], "secrets");
            }
        }
        let of_session = manifest.session.as_ref().and_then(|session| session.key_env.as_ref());
        if let Some(variable) = of_session
            && !self.any(|grant| grant.secrets.iter().any(|secret| secret.matches(variable)))
        {
            miss(&["session", "key-env"], "secrets");
        }
        let asked = &manifest.capabilities.topics;
        let publish = self.uncovered(&asked.publish, |grant| &grant.topics.publish);
        let subscribe = self.uncovered(&asked.subscribe, |grant| &grant.topics.subscribe);
        for (key, patterns) in [("publish", publish), ("subscribe", subscribe)] {
            if !patterns.is_empty() {
                let key = ["capabilities", "topics", key].map(str::to_owned).to_vec();
                missing.push(Missing { key, how: "topics", patterns });
            }
        }
        let covered = |asked: &AllowedHost| {
            self.any(|grant| grant.allowed_hosts.iter().any(|host| host.covers(asked)))
        };
        let asked = manifest.capabilities.allowed_hosts.iter();
        let uncovered = asked.filter(|asked| !covered(asked));
        let patterns: Vec<_> = uncovered.map(|asked| asked.as_str().to_owned()).collect();
        if !patterns.is_empty() {
            let key = ["capabilities", "allowed-hosts"].map(str::to_owned).to_vec();
            missing.push(Missing { key, how: "allowed-hosts", patterns });
        }
        missing
    }

    fn any(&self, has: impl Fn(&Grant) -> bool) -> bool {
        self.0.iter().any(|grant| has(grant))
    }

    /// Those of the patterns that no granted one covers.
    fn uncovered(&self, asked: &[Pattern], granted: impl Fn(&Grant) -> &[Pattern]) -> Vec<String> {
        let covered = |asked: &Pattern| {
            self.any(|grant| granted(grant).iter().any(|pattern| pattern.covers(asked)))
        };
        let uncovered = asked.iter().filter(|asked| !covered(asked));
        uncovered.map(|asked| asked.as_str().to_owned()).collect()
    }
}
