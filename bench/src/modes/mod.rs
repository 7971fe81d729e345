//! What can be measured, of any server.

pub(crate) mod broadcast;
pub(crate) mod echo;
pub(crate) mod idle;
pub(crate) mod parked;
pub(crate) mod start;
pub(crate) mod storm;
pub(crate) mod swap;

use std::time::{Duration, Instant};

/// How long anything may take to come about.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What is left until then; nothing if it is over.
fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}
