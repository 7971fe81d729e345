//! A server's log as it is written: JSON lines that a test can wait for.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rustix::fs::{OFlags, fcntl_setfl};
use serde_json::Value;
use tokio::process::ChildStderr;
use tokio::sync::watch;

use super::within;

/// One entry.
#[derive(Clone, Debug)]
pub(crate) struct LogLine(Value);

impl LogLine {
    pub(crate) fn message(&self) -> &str {
        self.field("message").and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.0.get("fields")?.get(name)
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.field(name)?.as_u64()
    }

    pub(crate) fn level(&self) -> &str {
        self.0.get("level").and_then(Value::as_str).unwrap_or_default()
    }

    /// By the server's clock.
    pub(crate) fn year(&self) -> u32 {
        let timestamp = self.0.get("timestamp").and_then(Value::as_str).unwrap();
        timestamp.split('-').next().unwrap().parse().unwrap()
    }

    /// Whether a guest said it.
    pub(crate) fn is_guests(&self) -> bool {
        self.0.get("target").and_then(Value::as_str) == Some("guest")
    }
}

/// Everything that a server has logged so far.
#[derive(Clone)]
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<LogLine>>>,
    grown: watch::Receiver<usize>,
}

impl Log {
    /// Follows a child's stderr, and copies it into `file` for other readers. It has a
    /// thread of its own, so that a server that says much holds up no client.
    pub(crate) fn follow(stderr: ChildStderr, file: PathBuf) -> Self {
        let lines = Arc::<Mutex<Vec<LogLine>>>::default();
        let (grow, grown) = watch::channel(0);
        let log = Self { lines: lines.clone(), grown };
        let stderr = stderr.into_owned_fd().unwrap();
        fcntl_setfl(&stderr, OFlags::empty()).unwrap();
        std::thread::spawn(move || {
            let mut copy = std::fs::File::create(file).unwrap();
            for line in BufReader::new(std::fs::File::from(stderr)).lines() {
                let Ok(line) = line else { return };
                writeln!(copy, "{line}").unwrap();
                let entry = serde_json::from_str(&line)
                    .unwrap_or_else(|_| serde_json::json!({"fields": {"message": line}}));
                let mut lines = lines.lock().unwrap();
                lines.push(LogLine(entry));
                grow.send_replace(lines.len());
            }
        });
        log
    }

    /// How many lines there are; where to wait from.
    pub(crate) fn len(&self) -> usize {
        self.lines.lock().unwrap().len()
    }

    pub(crate) fn lines(&self) -> Vec<LogLine> {
        self.lines.lock().unwrap().clone()
    }

    /// What a connection's guest has said, in order.
    pub(crate) fn said_by(&self, connection: u64) -> Vec<String> {
        self.lines()
            .iter()
            .filter(|line| line.is_guests() && line.number("connection") == Some(connection))
            .map(|line| line.message().to_owned())
            .collect()
    }

    /// Waits for a line from the start on.
    pub(crate) async fn wait(&self, what: &str, matches: impl Fn(&LogLine) -> bool) -> LogLine {
        self.wait_from(0, what, matches).await
    }

    /// Waits for a line among those from `start` on.
    pub(crate) async fn wait_from(
        &self,
        start: usize,
        what: &str,
        matches: impl Fn(&LogLine) -> bool,
    ) -> LogLine {
        let mut grown = self.grown.clone();
        let found = async {
            loop {
                grown.borrow_and_update();
                if let Some(line) = self.lines().iter().skip(start).find(|line| matches(line)) {
                    return line.clone();
                }
                if grown.changed().await.is_err() {
                    panic!("the server ended before it logged {what}:\n{}", self.text());
                }
            }
        };
        within(&format!("a log line: {what}"), found).await
    }

    /// Waits for a line whose message has this part.
    pub(crate) async fn message(&self, part: &str) -> LogLine {
        self.wait(part, |line| line.message().contains(part)).await
    }

    pub(crate) fn text(&self) -> String {
        self.lines().iter().map(|line| format!("{}\n", line.0)).collect()
    }
}
