//! Servers, clients and guests for the tests.

mod client;
pub(crate) mod guests;
mod http;
mod log;
pub(crate) mod made;
mod operator;
mod server;
mod upstream;

pub(crate) use client::Client;
pub(crate) use guests::{example, example_manifest};
pub(crate) use http::{Response, frame, http, http_bytes, upgraded};
pub(crate) use log::{Log, LogLine};
pub(crate) use operator::{Operator, get, metrics, token_file};
pub(crate) use server::{Server, Start, binary, run};
pub(crate) use upstream::{Call, Upstream};

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

/// How long anything may take that a test waits for. Not a measure of speed: only
/// a bound for what never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for what must come, and says what it was if it does not.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} in vain for {what}"),
    }
}

/// The folder in which `scripts/setup` keeps its tools.
pub(crate) fn tools() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/socklet/tools");
    std::env::var_os("SOCKLET_TOOLS").map_or_else(home, PathBuf::from)
}
