//! Why an instance is no more. One type for what a guest did; what a guest is
//! told is in the WIT, and the two never mix.

use std::fmt;
use std::time::Duration;

use wasmtime::Trap;
use wasmtime_wasi::I32Exit;

use crate::snapshot::Stays;

/// The limit of one instance's memory.
pub(crate) const MAX_MEMORY: &str = "max-memory";

/// An instance trapped or came to a limit. It is never entered again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("trapped: {0}")]
    Trap(Reason),
    #[error("used more than {0:?} of CPU time in one event (event-cpu-time)")]
    CpuTime(Duration),
    #[error("an event took longer than {0:?} (event-wall-time)")]
    WallTime(Duration),
    #[error(
        "what was left to do when its connection had ended took longer than {0:?} (event-wall-time)"
    )]
    Lingers(Duration),
    #[error("took longer than {0:?} to start (handshake-timeout)")]
    Start(Duration),
    #[error("asked for more memory than it may have and then gave up: {reason} ({limit})")]
    Memory { limit: &'static str, reason: Reason },
    #[error("the call stack is exhausted: recursion without end?")]
    Stack,
    #[error("the pool of instances is exhausted: {0}")]
    Pool(wasmtime::PoolConcurrencyLimitError),
    #[error("was parked, and its state is lost: {0}")]
    Lost(Box<Stays>),
}

impl Failure {
    /// Sorts what wasmtime reports.
    pub(crate) fn of(error: wasmtime::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(failure) => return failure,
            Err(error) => error,
        };
        let error = match error.downcast::<wasmtime::PoolConcurrencyLimitError>() {
            Ok(exhausted) => return Self::Pool(exhausted),
            Err(error) => error,
        };
        match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => Self::Stack,
            _ => Self::Trap(Reason(error)),
        }
    }

    /// Whether it says more about how much the host has left than about the guest.
    pub(crate) fn is_of_the_host(&self) -> bool {
        match self {
            Self::Pool(_) => true,
            Self::Memory { limit, .. } => *limit != MAX_MEMORY,
            _ => false,
        }
    }

    /// Whether it says that the handler is not sound. That events were too many in all
    /// which were fine one by one, when their peer left, does not; and what has lost a
    /// parked state has been counted itself.
    pub(crate) fn is_of_the_handler(&self) -> bool {
        !self.is_of_the_host() && !matches!(self, Self::Lingers(_) | Self::Lost(_))
    }

    /// The limit's name, or `trap`.
    pub(crate) fn cause(&self) -> &'static str {
        match self {
            Self::Trap(_) => "trap",
            Self::CpuTime(_) => "event-cpu-time",
            Self::WallTime(_) | Self::Lingers(_) => "event-wall-time",
            Self::Start(_) => "handshake-timeout",
            Self::Memory { limit, .. } => limit,
            Self::Stack => "stack",
            Self::Pool(_) => "max-instances",
            Self::Lost(_) => "parked",
        }
    }

    /// What the peer is told: it learns no more than the limit's name.
    pub(crate) fn close_frame(&self) -> (u16, String) {
        let reason = match self {
            // No fault of the handler's, and later there may be room.
            Self::Lost(why) if matches!(**why, Stays::Full(_)) => {
                return (1013, "no instance was free in time".to_owned());
            }
            Self::Trap(_) => "the handler failed".to_owned(),
            limit => format!("the handler failed: {}", limit.cause()),
        };
        (1011, reason)
    }
}

/// wasmtime's error, shown as its root cause; the backtrace is for debugging.
#[derive(Debug)]
pub(crate) struct Reason(pub(crate) wasmtime::Error);

impl Reason {
    /// Whether the guest's code did it, by a trap or by its exit. What else can go
    /// wrong while instantiating, resources and limits apart, is an export of
    /// another type.
    pub(crate) fn is_trap(&self) -> bool {
        self.0.is::<Trap>() || self.0.is::<I32Exit>()
    }

    /// The whole chain of causes, in one line.
    pub(crate) fn chain(&self) -> String {
        one_line(&format!("{:#}", self.0))
    }
}

/// Text that names of a stranger's component may be in, as a line of the log: no
/// more of it than people read, and nothing in it that a terminal would obey.
pub(crate) fn one_line(text: &str) -> String {
    const LONGEST: usize = 2000;
    let joined = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let mut line = String::new();
    for character in joined.chars() {
        if line.len() >= LONGEST {
            line.push('…');
            break;
        }
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = self.0.root_cause().to_string();
        f.write_str(&one_line(cause.strip_prefix("wasm trap: ").unwrap_or(&cause)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_that_exits_has_done_so_itself() {
        assert!(Reason(I32Exit(1).into()).is_trap());
        assert!(!Reason(wasmtime::Error::msg("an export of another type")).is_trap());
    }

    #[test]
    fn a_name_of_a_component_can_neither_break_a_line_nor_fill_the_log() {
        assert_eq!(one_line("no such name:\n  a\rb\u{1b}[2J"), "no such name: a\\rb\\u{1b}[2J");
        assert!(one_line(&"é".repeat(1 << 20)).len() < 2010);
    }
}
