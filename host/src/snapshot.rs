//! The optional export `snapshot`: an instance's state on its way to another instance.

use wasmtime::component::{ComponentType, Lift, Lower};

use crate::failure::Failure;
use crate::host::Full;
use crate::instance::Instance;

/// `snapshot.saved`.
#[derive(Clone, ComponentType, Debug, Lift, Lower)]
#[component(record)]
pub(crate) struct Saved {
    pub(crate) schema: u32,
    pub(crate) state: Vec<u8>,
}

/// `snapshot.snapshot-error`, as the guest has it.
#[derive(ComponentType, Debug, Lift)]
#[component(variant)]
pub(crate) enum SnapshotError {
    #[component(name = "unknown-schema")]
    UnknownSchema,
    #[component(name = "failed")]
    Failed(String),
}

/// An instance that was asked for its state, and can go on.
pub(crate) struct Suspended {
    pub(crate) instance: Instance,
    pub(crate) saved: Result<Saved, Stays>,
}

/// Why an instance's connections stay with it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stays {
    #[error("suspend gave none: {0}")]
    NotSuspended(SnapshotError),
    #[error("suspend gave {0} bytes, and max-snapshot is {1}")]
    TooLarge(usize, usize),
    #[error("resume did not take it: {0}")]
    NotResumed(SnapshotError),
    #[error("resume failed: {0}")]
    ResumeFailed(Failure),
    #[error("no instance could be started to take it: {0}")]
    NotStarted(Failure),
    #[error("the generation's instances fail again and again")]
    Failing,
    #[error("it has set timers, and the next one exports no socklet:websocket/alarm@0.1.0")]
    Timers,
    #[error("there is no room for an instance to take it: {0}")]
    Full(Full),
    #[error("there is no room to keep it ({0})")]
    Memory(&'static str),
}

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownSchema => f.write_str("unknown-schema"),
            Self::Failed(why) => f.write_str(&crate::failure::one_line(why)),
        }
    }
}
