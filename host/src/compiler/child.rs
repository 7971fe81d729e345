//! The child's part: takes its limits on, then compiles.

use std::io::{Read as _, Write as _};
use std::path::Path;

use rustix::process::{
    Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setpriority_process,
    setrlimit,
};

use super::CompileLimits;
use crate::engine;
use crate::failure::Reason;

/// Connections go first; but compiling gets a quarter of what one of their threads
/// gets, since a deploy must not wait for ever on a busy machine.
const NICE: i32 = 5;

/// Why [`compile_stdin`] has made no code.
#[derive(Debug, thiserror::Error)]
pub enum CompileStdinError {
    /// What is wrong with the component, in one line.
    #[error("{0}")]
    Invalid(String),
    /// The code can't be written.
    #[error("{0}")]
    Write(std::io::Error),
}

impl CompileStdinError {
    /// What [`CompileStdinError::Write`] exits with, of `sysexits.h`: EX_IOERR.
    pub(super) const WRITE: u8 = 74;

    /// The status to exit with, by which the host knows one from the other.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Invalid(_) => 1,
            Self::Write(_) => Self::WRITE,
        }
    }
}

/// Reads a component from stdin and writes its code to `output`.
/// It takes its limits on before it reads a byte.
///
/// # Errors
///
/// See [`CompileStdinError`].
pub fn compile_stdin(limits: CompileLimits, output: &Path) -> Result<(), CompileStdinError> {
    let code = compile(limits).map_err(CompileStdinError::Invalid)?;
    let written = std::fs::File::create(output).and_then(|mut file| file.write_all(&code));
    written.map_err(CompileStdinError::Write)
}

fn compile(limits: CompileLimits) -> Result<Vec<u8>, String> {
    // Nobody would read what it makes.
    let orphaned = set_parent_process_death_signal(Some(Signal::KILL));
    orphaned.map_err(|error| format!("can't be tied to its parent: {error}"))?;
    // What is there already stays if it is less. At the first of a pair a signal comes
    // that names the cause, at the second none.
    let limit = |old: Rlimit, value: u64| {
        let least = |old: Option<u64>, new: u64| Some(old.map_or(new, |old| old.min(new)));
        let current = least(old.current, value);
        Rlimit { current, maximum: least(old.maximum, value.saturating_add(1)) }
    };
    let memory = u64::try_from(limits.memory).unwrap_or(u64::MAX);
    for (resource, value) in [
        (Resource::Cpu, limits.cpu_time.as_secs().max(1)),
        (Resource::Data, memory),
        // Code is made in memory before it is written.
        (Resource::Fsize, memory),
        // A crash leaves nothing behind.
        (Resource::Core, 0),
    ] {
        let limit = limit(getrlimit(resource), value);
        setrlimit(resource, limit).map_err(|error| format!("can't be limited: {error}"))?;
    }
    // Without it, it only takes time from others.
    let _ = setpriority_process(None, NICE);
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let engine = engine::for_compiling().map_err(|error| Reason(error).chain())?;
    engine.precompile_component(&bytes).map_err(|error| Reason(error).chain())
}
