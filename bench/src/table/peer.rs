//! The servers that are measured: how each is started, and which version it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::server::Start;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Socklet,
    Plain,
    Batched,
    Bun,
    Node,
    Deno,
    Websocketd,
    Python,
}

/// Where things are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The repository.
    pub(crate) root: PathBuf,
    pub(crate) socklet: PathBuf,
    /// This program, which is some of the peers.
    pub(crate) own: PathBuf,
}

impl Places {
    fn peers(&self) -> PathBuf {
        self.root.join("bench/peers")
    }

    /// An example that is inside socklet.
    pub(crate) fn embedded(&self, name: &str) -> PathBuf {
        self.root.join("host/embedded").join(name).with_extension("wasm")
    }

    /// A handler that is there to be measured.
    pub(crate) fn guest(&self, name: &str) -> PathBuf {
        self.root.join("target/guests/bench").join(name).with_extension("wasm")
    }

    fn npm(&self, name: &str) -> PathBuf {
        self.peers().join("node_modules").join(name)
    }
}

impl Peer {
    pub(crate) const ALL: [Self; 8] = [
        Self::Socklet,
        Self::Plain,
        Self::Batched,
        Self::Bun,
        Self::Node,
        Self::Deno,
        Self::Websocketd,
        Self::Python,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Socklet => "socklet",
            Self::Plain => "tokio-tungstenite, plain",
            Self::Batched => "tokio-tungstenite, batched",
            Self::Bun => "Bun",
            Self::Node => "Node, ws",
            Self::Deno => "Deno",
            Self::Websocketd => "websocketd, cat",
            Self::Python => "Python, websockets",
        }
    }

    /// Those without which there is nothing to compare; a failure of theirs is an error.
    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::Socklet | Self::Plain | Self::Batched)
    }

    /// The command that starts it; `port` is for those that can't choose one.
    pub(super) fn command(self, start: &Start<'_>, places: &Places, port: u16) -> Command {
        let threads = start.threads.to_string();
        let script = |name: &str| places.peers().join(name);
        let mut command;
        match self {
            Self::Socklet => {
                command = Command::new(&places.socklet);
                command.env("TOKIO_WORKER_THREADS", threads).arg("serve");
                command.args(start.handlers);
                command.args(["--listen", "127.0.0.1:0", "--log-format", "json"]);
                // The embedded hello logs the end of each connection, which no peer does.
                command.args(["--log", "info,guest=off"]);
                command.arg("--cache-dir").arg(start.cache).args(start.flags);
            }
            Self::Plain | Self::Batched => {
                command = Command::new(&places.own);
                let way = if self == Self::Plain { "plain" } else { "batched" };
                command.args(["serve", way, "--threads", &threads]);
            }
            Self::Bun => {
                command = Command::new(places.npm(".bin/bun"));
                command.arg(script("bun.js"));
            }
            Self::Node => {
                command = Command::new("node");
                command.arg(script("ws.js"));
            }
            Self::Deno => {
                command = Command::new(places.npm(".bin/deno"));
                command.args(["run", "--quiet", "--allow-net"]).arg(script("deno.js"));
            }
            Self::Websocketd => {
                command = Command::new("websocketd");
                command.args(["--loglevel=fatal", "--address=127.0.0.1"]);
                command.arg(format!("--port={port}"));
                command.arg(format!("--dir={}", script("websocketd").display()));
            }
            Self::Python => {
                command = Command::new("python3");
                command.arg(script("echo.py"));
            }
        }
        command
    }

    /// Which version it is; `None` if it isn't installed.
    pub(crate) fn version(self, places: &Places) -> Option<String> {
        match self {
            Self::Socklet => first_line(&places.socklet, &["--version"]),
            Self::Plain | Self::Batched => locked(&places.root, "tokio-tungstenite"),
            Self::Bun => first_line(&places.npm(".bin/bun"), &["--version"]),
            Self::Node => {
                let package = fs::read(places.npm("ws/package.json")).ok()?;
                let package: Value = serde_json::from_slice(&package).ok()?;
                let node = first_line(Path::new("node"), &["--version"])?;
                Some(format!(
                    "{}, ws {}",
                    node.trim_start_matches('v'),
                    package["version"].as_str()?
                ))
            }
            Self::Deno => {
                let version = first_line(&places.npm(".bin/deno"), &["--version"])?;
                Some(version.split_whitespace().nth(1)?.to_owned())
            }
            Self::Websocketd => {
                let shown = first_line(Path::new("websocketd"), &["--version"])?;
                // Debian's build doesn't know its own version.
                let package = ["--show", "--showformat=${Version}", "websocketd"];
                Some(first_line(Path::new("dpkg-query"), &package).unwrap_or(shown))
            }
            Self::Python => {
                let ask = "import platform, uvloop, websockets; \
                    print(f'{platform.python_version()}, websockets {websockets.__version__}, \
                    uvloop {uvloop.__version__}')";
                first_line(Path::new("python3"), &["-c", ask])
            }
        }
    }
}

/// The first line that a command prints, if it succeeds.
pub(super) fn first_line(program: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?.lines().next()?.trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}

/// The version of a crate that was built in.
fn locked(root: &Path, name: &str) -> Option<String> {
    let lock = fs::read_to_string(root.join("Cargo.lock")).ok()?;
    let (_, entry) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    Some(entry.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crates_version_is_the_one_that_is_locked() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let version = locked(&root, "tokio-tungstenite").unwrap();
        assert!(version.starts_with("0."), "{version}");
        assert_eq!(locked(&root, "no-such-crate"), None);
    }

    #[test]
    fn a_command_that_is_missing_or_fails_has_no_version() {
        assert_eq!(first_line(Path::new("no-such-command"), &[]), None);
        assert_eq!(first_line(Path::new("sh"), &["-c", "echo 1; exit 1"]), None);
        assert_eq!(
            first_line(Path::new("sh"), &["-c", "echo ' 1 '; echo 2"]).as_deref(),
            Some("1")
        );
    }
}
