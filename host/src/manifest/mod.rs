//! Manifests: what a handler says about itself, `chat.toml` beside `chat.wasm`.
//!
//! A manifest only asks. What comes of it, within what the operator's policy leaves,
//! are the `settings` of a generation.

pub(crate) mod asked;
pub(crate) mod document;
pub(crate) mod flaws;
pub(crate) mod limits;
pub(crate) mod section;
pub(crate) mod values;

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::claim::Route;
use crate::pattern::Pattern;
use crate::token::{SessionError, SessionTable};
use crate::upstream::AllowedHost;
use document::Document;
use flaws::Flaws;
use limits::LimitTable;
pub use section::{EmbedError, SectionError, embed, embedded};
use values::{HostName, Origin, Subprotocol, Text, Time, TimeOrNone, Variable};

/// A larger file is no manifest.
pub(crate) const MAX_SIZE: usize = 64 * 1024;

/// A handler's manifest: chat.toml beside chat.wasm.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "socklet manifest")]
pub(crate) struct Manifest {
    /// The path at which the handler is served; {room} captures a segment, {*path} all
    /// that is left. By default the file's path below the handlers' directory.
    pub(crate) route: Option<Route>,
    /// The host that the route is for. By default any.
    pub(crate) host: Option<HostName>,
    /// Which connections share an instance. By default none.
    pub(crate) scope: ScopeKey,
    /// How long a shared instance outlives its last connection. 30s by default.
    pub(crate) linger: Option<TimeOrNone>,
    /// How long an instance has no event before it is parked, if it exports snapshot: its
    /// state is kept, and the connections stay. By default that is done only where
    /// instances run short.
    pub(crate) park_after: Option<Time>,
    /// Subprotocols that the handler speaks, the preferred one first.
    pub(crate) subprotocols: Vec<Subprotocol>,
    /// Origins that may connect beside those that the operator allows.
    pub(crate) allow_origins: Vec<Origin>,
    /// What a swap does with live connections. By default "migrate" where both
    /// generations export snapshot and have the same scope, and else "drain" with the
    /// scope "connection" and "restart" with the others.
    pub(crate) swap: Option<SwapKey>,
    /// Whether a generation that fails for more peers than the one before it, within 30 s of
    /// its swap, is rolled back by itself. By default as the operator has it.
    pub(crate) auto_rollback: Option<bool>,
    /// Limits, by the names of socklet's flags.
    pub(crate) limits: LimitTable,
    /// When peers are asked whether they are there, and given up.
    pub(crate) keepalive: Keepalive,
    /// Variables of the handler's environment.
    pub(crate) env: BTreeMap<String, Text>,
    /// Variables of the handler's environment that are taken from the host's: the
    /// handler's name for it = the host's.
    pub(crate) secrets: BTreeMap<String, Variable>,
    /// Whose connections the handler serves. By default anybody's.
    pub(crate) session: Option<SessionTable>,
    /// Powers that the handler asks for.
    pub(crate) capabilities: Capabilities,
    /// How the handler's topics deliver.
    pub(crate) topics: TopicTable,
}

/// Which connections share an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum ScopeKey {
    /// None: each has its own.
    #[default]
    Connection,
    /// Those of one path.
    Path,
    /// All of the handler.
    Handler,
}

/// What a swap does with live connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum SwapKey {
    /// They move over with the state of their instances, where both generations export
    /// snapshot and have the same scope; otherwise they do what is done by default.
    Migrate,
    /// They stay with the generation that they began with.
    Drain,
    /// They are closed with 1012, and come back to the new one.
    Restart,
}

/// The table `[keepalive]`. What is left out is as the operator has it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Keepalive {
    /// Silence of the peer before a ping.
    pub(crate) ping_interval: Option<Time>,
    /// Silence of the peer before it is given up.
    pub(crate) pong_timeout: Option<Time>,
    /// Without a message either way before the connection is closed with 1001.
    pub(crate) idle_timeout: Option<Time>,
}

/// The table `[capabilities]`: powers that the handler asks for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Capabilities {
    /// Topics that are shared with other handlers, by patterns of their names.
    pub(crate) topics: TopicPatterns,
    /// Hosts that the handler may send HTTP requests to: patterns of names, addresses and
    /// networks, each maybe with a port.
    pub(crate) allowed_hosts: Vec<AllowedHost>,
}

/// Patterns of topics, in which * stands for any run of characters.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TopicPatterns {
    /// Shared topics that the handler may publish to.
    pub(crate) publish: Vec<Pattern>,
    /// Shared topics that the handler may subscribe connections to.
    pub(crate) subscribe: Vec<Pattern>,
}

/// The table `[topics]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TopicTable {
    /// What becomes of a subscriber that takes its messages too slowly. By default
    /// "close".
    pub(crate) overflow: OverflowKey,
}

/// What becomes of a subscriber that takes its messages too slowly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum OverflowKey {
    /// The message is not delivered to it, and counted.
    Drop,
    /// It is closed with 1013: nothing is lost in silence.
    #[default]
    Close,
}

impl Manifest {
    /// Reads a manifest. The flaws quote nothing of it but keys.
    pub(crate) fn parse(text: &str) -> Result<Self, Flaws> {
        let (manifest, flaws) = Self::read(text);
        flaws.into_result().map(|()| manifest)
    }

    /// What can be understood of a manifest, and what is wrong with it. What is not
    /// understood is left out, and so is what would look wrong without it.
    pub(crate) fn read(text: &str) -> (Self, Flaws) {
        let document = match Document::new(text) {
            Ok(document) => document,
            Err(flaw) => return (Self::default(), flaw.into()),
        };
        let (mut manifest, mut flaws) = document.read::<Self>(false);
        if flaws.are_in("session") || flaws.are_in("subprotocols") {
            manifest.session = None;
        }
        if flaws.are_in("keepalive") {
            manifest.keepalive = Keepalive::default();
        }
        manifest.check(&document, &mut flaws);
        (manifest, flaws)
    }

    /// What no single value shows.
    fn check(&self, document: &Document<'_>, flaws: &mut Flaws) {
        let twice = |(at, one)| self.subprotocols[..at].contains(one);
        if self.subprotocols.iter().enumerate().any(twice) {
            flaws.add(document.flaw(&["subprotocols"], "must name each one once"));
        }
        let no_variable = |name: &String| name.is_empty() || name.contains(['=', '\0']);
        for (table, wrong) in [
            ("env", self.env.keys().any(no_variable)),
            ("secrets", self.secrets.keys().any(no_variable)),
        ] {
            if wrong {
                let what = "must have names of variables as its keys: not empty, without = and NUL";
                flaws.add(document.flaw(&[table], what));
            }
        }
        for both in self.secrets.keys().filter(|name| self.env.contains_key(*name)) {
            let what = "is in [env] as well: remove one of the two";
            flaws.add(document.flaw(&["secrets", both], what));
        }
        for SessionError { key, problem } in
            self.session.iter().flat_map(|session| session.check(&self.spoken()))
        {
            flaws.add(document.flaw(&["session", key], problem));
        }
    }

    /// The file that its keys are in, as it is written; none where they are elsewhere.
    pub(crate) fn key_file(&self) -> Option<&Path> {
        self.session.as_ref()?.key_path()
    }

    /// The subprotocols that the handler speaks.
    pub(crate) fn spoken(&self) -> Vec<String> {
        self.subprotocols.iter().map(|one| one.0.clone()).collect()
    }
}

/// The JSON Schema of manifests, for editors.
#[must_use]
pub fn schema() -> String {
    let schema = schemars::schema_for!(Manifest).to_value();
    format!("{schema:#}\n")
}

#[cfg(test)]
mod tests;
