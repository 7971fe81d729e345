//! What guests say: the import `log`, and their stdout and stderr line by line,
//! into the host's log with handler, generation and connection.
//!
//! A guest's text never reaches a terminal as it is: control characters are
//! escaped, and a line is cut at [`MAX_LINE`].

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus::IntCounter;
use tracing::Level;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::account::Account;
use crate::connection::ConnectionId;

/// The longest line, in bytes.
pub(crate) const MAX_LINE: usize = 8 * 1024;

/// What a line counts for beside its text, so that empty ones are not free.
const LINE_OVERHEAD: usize = 64;

/// Lines that may be logged, by the second. Those beyond are dropped and counted.
#[derive(Debug)]
pub(crate) struct LogBudget {
    /// Bytes in a second.
    rate: AtomicUsize,
    /// Which lines, for the log.
    lines: &'static str,
    second: Mutex<Second>,
    dropped: Option<IntCounter>,
}

#[derive(Debug)]
struct Second {
    began: Instant,
    left: usize,
    /// Lines that were refused since the last one that was not.
    dropped: u64,
}

impl LogBudget {
    /// For what a handler's guests say.
    pub(crate) fn of_guests(rate: usize, dropped: IntCounter) -> Self {
        Self::new(rate, "lines of its guests (max-log-rate)", Some(dropped))
    }

    /// For what is to be said about a handler.
    pub(crate) fn of_notices(rate: usize) -> Self {
        Self::new(rate, "lines about it", None)
    }

    fn new(rate: usize, lines: &'static str, dropped: Option<IntCounter>) -> Self {
        let second = Second { began: Instant::now(), left: rate, dropped: 0 };
        Self { rate: AtomicUsize::new(rate), lines, second: Mutex::new(second), dropped }
    }

    /// Has another rate from the next second on.
    pub(crate) fn set_rate(&self, rate: usize) {
        self.rate.store(rate, Relaxed);
    }

    /// Whether a line may be logged. Says when lines begin to be dropped, and how
    /// many have been.
    pub(crate) fn admit(&self, handler: &str, bytes: usize) -> bool {
        let taken = self.take(bytes);
        let (rate, lines) = (self.rate.load(Relaxed), self.lines);
        match taken {
            Ok(0) | Err(2..) => {}
            Ok(dropped) => tracing::warn!(handler, dropped, "{lines} were dropped"),
            Err(_) => {
                tracing::warn!(handler, "more than {rate} bytes a second: {lines} are dropped");
            }
        }
        taken.is_ok()
    }

    /// Takes a line's bytes. The result is how many lines were dropped before it,
    /// or, for one that is to be dropped, how many with it.
    fn take(&self, bytes: usize) -> Result<u64, u64> {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if second.began.elapsed() >= Duration::from_secs(1) {
            (second.began, second.left) = (Instant::now(), self.rate.load(Relaxed));
        }
        match second.left.checked_sub(bytes + LINE_OVERHEAD) {
            Some(left) => {
                second.left = left;
                Ok(std::mem::take(&mut second.dropped))
            }
            None => {
                // One long line must not let shorter ones pass it.
                second.left = 0;
                second.dropped += 1;
                self.dropped.iter().for_each(IntCounter::inc);
                Err(second.dropped)
            }
        }
    }
}

/// Who is speaking.
pub(crate) struct Speaker {
    account: Arc<Account>,
    generation: u64,
    /// The connection whose event is running; 0 before the first.
    connection: AtomicU64,
}

impl Speaker {
    pub(crate) fn new(account: Arc<Account>, generation: u64) -> Self {
        Self { account, generation, connection: AtomicU64::new(0) }
    }

    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    pub(crate) fn set_connection(&self, connection: ConnectionId) {
        self.connection.store(connection, Relaxed);
    }

    /// One entry of the host's log, unless the handler logs too fast.
    pub(crate) fn say(&self, level: Level, text: &str) {
        let text = &text[..text.floor_char_boundary(MAX_LINE)];
        // tracing's macros want the level as a constant.
        macro_rules! emit {
            ($macro:ident, $level:ident) => {
                if tracing::enabled!(target: "guest", Level::$level)
                    && self.account.log.admit(&self.account.name, text.len())
                {
                    tracing::$macro!(
                        target: "guest",
                        handler = &*self.account.name,
                        generation = self.generation,
                        connection = self.connection.load(Relaxed),
                        "{}", Printable(text)
                    );
                }
            };
        }
        match level {
            Level::TRACE => emit!(trace, TRACE),
            Level::DEBUG => emit!(debug, DEBUG),
            Level::INFO => emit!(info, INFO),
            Level::WARN => emit!(warn, WARN),
            Level::ERROR => emit!(error, ERROR),
        }
    }
}

impl Speaker {
    /// What the host says of the event that is running, as far as the log has room.
    pub(crate) fn warn_of_event(&self, what: std::fmt::Arguments<'_>) {
        if self.account.may_notice() {
            tracing::warn!(
                handler = &*self.account.name,
                generation = self.generation,
                connection = self.connection.load(Relaxed),
                "{what}"
            );
        }
    }
}

/// Text with its control characters escaped, so that whoever wrote it, a guest or who
/// named a file, can neither forge a line nor steer a terminal.
pub struct Printable<'a>(pub &'a str);

impl std::fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in self.0.split_inclusive(is_obeyed) {
            match part.chars().next_back().filter(|last| is_obeyed(*last)) {
                None | Some('\t') => f.write_str(part)?,
                Some(control) => {
                    f.write_str(&part[..part.len() - control.len_utf8()])?;
                    write!(f, "{}", control.escape_default())?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a terminal would do something else than to show it: a control character, or one
/// that has what follows run the other way.
fn is_obeyed(character: char) -> bool {
    let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || character.is_control()
}

/// A guest's stdout or stderr. All streams that it opens share one line.
#[derive(Clone)]
pub(crate) struct Lines {
    speaker: Arc<Speaker>,
    level: Level,
    line: Arc<Mutex<Vec<u8>>>,
}

impl Lines {
    pub(crate) fn new(speaker: Arc<Speaker>, level: Level) -> Self {
        Self { speaker, level, line: Arc::default() }
    }

    fn append(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, ended) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            // What is over the longest line is dropped until the line ends.
            let room = MAX_LINE.saturating_sub(line.len());
            line.extend_from_slice(&text[..text.len().min(room)]);
            if ended {
                self.say(&mut line);
            }
        }
    }

    fn say(&self, line: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(line);
        self.speaker.say(self.level, text.strip_suffix('\r').unwrap_or(&text));
        line.clear();
    }

    /// Says what has no newline yet; for the end of an instance.
    pub(crate) fn finish(&self) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if !line.is_empty() {
            self.say(&mut line);
        }
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this, which the linker does not offer.
        Box::new(tokio::io::sink())
    }
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(4 * 1024)
    }
}

#[async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(
            Printable("a\tb\u{1b}[31m\nc\u{85}é\u{7f}").to_string(),
            "a\tb\\u{1b}[31m\\nc\\u{85}é\\u{7f}"
        );
    }

    #[test]
    fn what_is_over_the_budget_is_dropped_and_counted() {
        let budget = LogBudget::of_notices(200);
        assert_eq!(budget.take(36), Ok(0));
        assert_eq!(budget.take(37), Err(1));
        assert_eq!(budget.take(0), Err(2));
        budget.second.lock().unwrap().began -= Duration::from_secs(1);
        assert_eq!(budget.take(0), Ok(2));
        assert_eq!(budget.take(0), Ok(0));
    }
}
