//! Programs of others, and what to do where they are missing.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// How a tool is installed: Debian's packages, and a command or a place for everybody else.
pub(super) struct Install {
    pub(super) apt: &'static str,
    pub(super) else_by: &'static str,
}

impl Install {
    pub(super) fn command(&self) -> String {
        if self.apt.is_empty() || !exists("apt-get") {
            return format!("    {}", self.else_by);
        }
        let sudo = if rustix::process::geteuid().is_root() { "" } else { "sudo " };
        format!("    {sudo}apt-get install --no-install-recommends {}", self.apt)
    }
}

/// Whether a program of this name is on the PATH.
pub(super) fn exists(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| is_program(&folder.join(program)))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).is_ok_and(|of| of.is_file() && of.permissions().mode() & 0o111 != 0)
}

/// Fails with the command that installs the program, where that is missing.
pub(super) fn need(program: &str, purpose: &str, install: &Install) -> Result<()> {
    if exists(program) {
        return Ok(());
    }
    bail!("{program} is missing, which {purpose}: install it with\n\n{}\n", install.command())
}

/// A tool, in the project's folder. It reads nothing, and what it says is shown.
pub(super) fn command(program: impl AsRef<std::ffi::OsStr>, project: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(project).stdin(Stdio::null());
    command
}

/// Whether tools can be stopped.
enum Running {
    /// They are of this process's group, with which a terminal's Ctrl-C ends them.
    Together,
    /// Each has a group of its own, that of the one which runs.
    Apart(Option<Pid>),
}

static RUNNING: Mutex<Running> = Mutex::new(Running::Together);

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on the tool that runs can be stopped.
pub(crate) fn run_apart() {
    *running() = Running::Apart(None);
}

/// Whether it can.
pub(crate) fn runs_apart() -> bool {
    matches!(*running(), Running::Apart(_))
}

/// Stops the tool that runs, if any does, with all that it has begun.
pub(crate) fn stop(signal: Signal) {
    if let Running::Apart(Some(group)) = *running() {
        // It may have ended.
        let _ = kill_process_group(group, signal);
    }
}

/// Runs it, with its output on stderr: stdout is for what this program has to say.
pub(super) fn run(mut command: Command) -> Result<()> {
    command.stdout(std::io::stderr());
    run_for_output(command).map(drop)
}

/// Runs it for what it writes to its stdout, where that is a pipe.
pub(super) fn run_for_output(mut command: Command) -> Result<Vec<u8>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = finish(&mut command).with_context(|| format!("{name}: can't be run"))?;
    if !output.status.success() {
        bail!("{name} failed ({}): what is wrong is said above", output.status);
    }
    Ok(output.stdout)
}

fn finish(command: &mut Command) -> std::io::Result<Output> {
    let is_apart = runs_apart();
    if is_apart {
        command.process_group(0);
    }
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    if is_apart {
        *running() = Running::Apart(Some(pid));
    }
    let mut stdout = Vec::new();
    let read = child.stdout.take().map(|mut pipe| pipe.read_to_end(&mut stdout));
    if is_apart {
        // Until it is waited for, its number is nobody else's.
        let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        *running() = Running::Apart(None);
    }
    let status = child.wait()?;
    read.transpose()?;
    Ok(Output { status, stdout, stderr: Vec::new() })
}

/// What it prints, if it succeeds.
pub(super) fn output(mut command: Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

pub(super) fn announce(what: &str, by: &str) {
    eprintln!("socklet: building {what} with {by}");
}
