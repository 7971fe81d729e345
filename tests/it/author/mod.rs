//! What those use who write handlers: `new`, `build`, `dev`, `inspect`, `connect`.

mod build;
mod commands;
mod dev;
mod machine;
mod projects;
mod readme;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::harness::{binary, tools};

/// A build may take this long, where a standard library is built as well.
const PATIENCE: Duration = Duration::from_secs(280);

/// What a command came to.
struct Done {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Done {
    /// What it says, where it has succeeded.
    #[track_caller]
    fn succeeded(self) -> String {
        assert!(self.status.success(), "{}\n{}\n{}", self.status, self.stdout, self.stderr);
        self.stdout
    }

    /// What it complains of, where it has failed as it should.
    #[track_caller]
    fn failed(self, code: i32) -> String {
        assert_eq!(self.status.code(), Some(code), "{}\n{}", self.stdout, self.stderr);
        self.stderr
    }
}

/// The command in this folder, with the tools that `scripts/setup` keeps, and with
/// compiled code where the servers of the tests look for it.
fn command(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let tools = tools();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let ours = [tools.join("bin"), tools.join("venv/bin")].into_iter();
    let path = std::env::join_paths(ours.chain(std::env::split_paths(&path))).unwrap();
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env("PATH", path)
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects"))
        // Those are of the workspace's own build, and would be inherited.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn finish(command: Command) -> Done {
    finish_with(command, "").await
}

/// The same, with something on its stdin.
async fn finish_with(mut command: Command, input: &str) -> Done {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One that reads nothing may have ended.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    let output = output.expect("the command takes too long").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Done { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

async fn socklet(folder: &Path, args: &[&str]) -> Done {
    socklet_with(folder, args, "").await
}

async fn socklet_with(folder: &Path, args: &[&str], input: &str) -> Done {
    let mut command = command(binary(), folder);
    command.args(args);
    finish_with(command, input).await
}

/// A project `trial` of a template, in a folder of its own.
async fn project(lang: &str, template: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let args = ["new", "trial", "--lang", lang, "--template", template];
    let said = socklet(folder.path(), &args).await.succeeded();
    assert!(said.contains("socklet dev"), "{said}");
    let project = folder.path().join("trial");
    (folder, project)
}

/// Replaces some text in the one source of a project's that has it.
fn edit(project: &Path, old: &str, new: &str) {
    let mut edited = 0;
    let mut folders = vec![project.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_test = name.contains("test") || name == "README.md";
            if path.is_dir() {
                let foreign = ["vendor", "socklet-guest", "node_modules", "build", "handlers"];
                let foreign = foreign.contains(&name) || name.starts_with('.');
                folders.extend((!foreign).then_some(path));
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            if !is_test && text.contains(old) {
                edited += 1;
                std::fs::write(&path, text.replace(old, new)).unwrap();
            }
        }
    }
    assert_eq!(edited, 1, "files with {old:?}");
}
