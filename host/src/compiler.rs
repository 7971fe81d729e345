//! From a component's bytes to native code, away from this process: whoever can
//! drop a file must not be able to take the host's time and memory with it.
//!
//! The code is made by a child with limits of its own, one at a time, into a
//! folder that only this user may write to; what is there already is not made
//! again. A child that fails costs the file a line in the log.

mod child;
mod folder;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, SystemTime};

use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::sync::Mutex;
use wasmtime::component::Component;

use crate::failure::Reason;
pub use child::{CompileStdinError, compile_stdin};
pub use folder::own_folder;
use folder::{CODE, DRAFT, Folder, forget_beyond, forget_old_code};

/// What a child may say about what is wrong.
const MAX_COMPLAINT: u64 = 4096;

pub(crate) struct Compiler {
    wasm: wasmtime::Engine,
    /// Called with `compile`, limits, and where to put the code. None compiles here.
    program: Option<PathBuf>,
    limits: CompileLimits,
    /// Bytes of code that are kept.
    max_kept: u64,
    folder: Folder,
    /// Other settings, or another version, make other code.
    settings: u64,
    one_at_a_time: Mutex<()>,
}

/// What compiling one component may cost.
#[derive(Clone, Copy, Debug)]
pub struct CompileLimits {
    /// CPU time, of all threads; twice as long may pass on the wall.
    pub cpu_time: Duration,
    /// Bytes of memory.
    pub memory: usize,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { cpu_time: Duration::from_secs(120), memory: 2 << 30 }
    }
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompileError {
    #[error("{0}")]
    Invalid(String),
    /// It has been compiled, and has no room in an instance.
    #[error("{0}")]
    Unfit(String),
    #[error("took more than {0:?} to compile (compile-cpu-time)")]
    Time(Duration),
    #[error(
        "took more than {0} bytes of memory to compile, or crashed the compiler (compile-memory)"
    )]
    Memory(usize),
    #[error("the compiler can't be run: {0}")]
    Run(std::io::Error),
    #[error("the compiler was killed, most likely for want of memory")]
    Killed,
    #[error("had not come to its end after {0:?}: the machine is busy")]
    Slow(Duration),
    #[error(
        "{}: compiled code can't be written to it: {why}: make room, or see --cache-dir",
        folder.display()
    )]
    Write { folder: PathBuf, why: String },
}

impl CompileError {
    /// Whether it may go well another time, with the same component.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Run(_) | Self::Killed | Self::Slow(_) | Self::Write { .. })
    }
}

impl Compiler {
    pub(crate) fn new(
        wasm: &wasmtime::Engine,
        program: Option<&Path>,
        limits: CompileLimits,
        kept: Option<&Path>,
        max_kept: u64,
    ) -> std::io::Result<Self> {
        let folder = match kept {
            Some(folder) => Folder::Kept(folder.to_owned()),
            None => Folder::Passing(tempfile::TempDir::with_prefix("socklet-")?),
        };
        forget_old_code(folder.path());
        let mut settings = DefaultHasher::new();
        wasm.precompile_compatibility_hash().hash(&mut settings);
        Ok(Self {
            wasm: wasm.clone(),
            program: program.map(Path::to_owned),
            limits,
            max_kept,
            folder,
            settings: settings.finish(),
            one_at_a_time: Mutex::default(),
        })
    }

    /// The component of `bytes`, which `digest` identifies.
    pub(crate) async fn component(
        &self,
        bytes: &[u8],
        digest: &[u8; 32],
    ) -> Result<Component, CompileError> {
        let code = self.code(digest);
        if let Some(component) = self.load(&code) {
            return Ok(component);
        }
        let _turn = self.one_at_a_time.lock().await;
        // In the same folder, so that it can be renamed; made with mode 0600.
        self.folder.check().map_err(|error| self.unwritten(&error))?;
        let draft = tempfile::NamedTempFile::with_prefix_in(DRAFT, self.folder.path())
            // Without the draft's name, which is another each time.
            .map_err(|error| self.unwritten(&error.kind()))?;
        match &self.program {
            Some(program) => self.run(program, bytes, draft.path()).await?,
            None => {
                let made = crate::engine::for_compiling()
                    .and_then(|engine| engine.precompile_component(bytes))
                    .map_err(|error| CompileError::Invalid(Reason(error).chain()))?;
                std::fs::write(draft.path(), made).map_err(|error| self.unwritten(&error))?;
            }
        }
        draft.persist(&code).map_err(|error| self.unwritten(&error.error))?;
        forget_beyond(self.folder.path(), self.max_kept);
        // SAFETY: as in `load`.
        let loaded = unsafe { Component::deserialize_file(&self.wasm, &code) };
        loaded.map_err(|error| CompileError::Unfit(Reason(error).chain()))
    }

    /// Whether a component was compiled before.
    pub(crate) fn has(&self, digest: &[u8; 32]) -> bool {
        self.code(digest).exists()
    }

    fn code(&self, digest: &[u8; 32]) -> PathBuf {
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.path().join(format!("{name}-{:016x}{CODE}", self.settings))
    }

    /// Code that was made before. What can't be used is made anew.
    fn load(&self, code: &Path) -> Option<Component> {
        self.folder.check().ok()?;
        let file = std::fs::File::open(code).ok()?;
        // SAFETY: only this user may write to the folder, as was just checked, and only
        // whole files get this name, by rename. So it is code that this program made,
        // and it is not changed any more.
        let component = unsafe { Component::deserialize_file(&self.wasm, code) };
        let component = component
            .inspect_err(|error| tracing::debug!(code = %code.display(), "made anew: {error:#}"))
            .ok()?;
        // Says that it is still used; where that fails it is made again some day.
        let _ = file.set_modified(SystemTime::now());
        Some(component)
    }

    async fn run(&self, program: &Path, bytes: &[u8], draft: &Path) -> Result<(), CompileError> {
        let CompileLimits { cpu_time, memory } = self.limits;
        let mut child = Command::new(program)
            .args(["compile", "--cpu-seconds"])
            .arg(cpu_time.as_secs().max(1).to_string())
            .arg("--memory")
            .arg(memory.to_string())
            .arg("--output")
            .arg(draft)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(CompileError::Run)?;
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A child that has ended says why in another way.
                let _ = stdin.write_all(bytes).await;
            }
        };
        let listen = async {
            let mut complaint = Vec::new();
            if let Some(mut stderr) = stderr {
                let _ = (&mut stderr).take(MAX_COMPLAINT).read_to_end(&mut complaint).await;
                // The rest is read as well, so that it does not wait for a reader.
                let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
            }
            complaint
        };
        let all = async { tokio::join!(feed, listen, child.wait()) };
        // A child that does not use its time, but waits, is waited for no longer.
        let Ok(((), complaint, status)) = tokio::time::timeout(cpu_time * 2, all).await else {
            return Err(CompileError::Slow(cpu_time * 2));
        };
        self.judge(status.map_err(CompileError::Run)?, &String::from_utf8_lossy(&complaint))
    }

    fn unwritten(&self, why: &impl ToString) -> CompileError {
        CompileError::Write { folder: self.folder.path().to_owned(), why: why.to_string() }
    }

    fn judge(&self, status: ExitStatus, complaint: &str) -> Result<(), CompileError> {
        use std::os::unix::process::ExitStatusExt as _;
        match status.signal().and_then(Signal::from_named_raw) {
            None if status.success() => Ok(()),
            None if status.code() == Some(CompileStdinError::WRITE.into()) => {
                Err(self.unwritten(&complaint.trim()))
            }
            None => Err(CompileError::Invalid(complaint.trim().to_owned())),
            Some(Signal::XCPU) => Err(CompileError::Time(self.limits.cpu_time)),
            // It has limits of its own, so that is not how it comes to one of them.
            Some(Signal::KILL) => Err(CompileError::Killed),
            Some(_) => Err(CompileError::Memory(self.limits.memory)),
        }
    }
}
