//! Programs of others, and what to do where they are missing.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

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

/// Runs it, with its output on stderr: stdout is for what this program has to say.
pub(super) fn run(mut command: Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdout(std::io::stderr());
    let status = command.status().with_context(|| format!("{name}: can't be run"))?;
    if !status.success() {
        bail!("{name} failed ({status}): what is wrong is said above");
    }
    Ok(())
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
