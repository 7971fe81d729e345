//! Logs, through tracing to stderr.

use anyhow::Context as _;
use std::io::IsTerminal as _;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::cli::LogFormat;

/// Lines that wait to be written; the longest has 8 KiB and a little more.
const BUFFERED_LINES: usize = 8 * 1024;

/// Starts logging. Lines are written by a thread of their own, through a bounded
/// buffer: a reader that stalls costs lines and not the server. The rest is
/// written when the guard is dropped.
pub(crate) fn start(filter: Option<&str>, format: LogFormat) -> anyhow::Result<WorkerGuard> {
    let filter = match filter {
        Some(filter) => EnvFilter::try_new(filter).with_context(|| {
            format!("--log {filter:?}: not a filter: give a level such as info or debug")
        })?,
        None => match std::env::var("RUST_LOG") {
            Ok(filter) if !filter.is_empty() => EnvFilter::try_new(&filter)
                .with_context(|| format!("RUST_LOG={filter:?}: not a filter"))?,
            _ => EnvFilter::new("info"),
        },
    };
    let (stderr, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(BUFFERED_LINES)
        .finish(std::io::stderr());
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    match format {
        LogFormat::Human => logs.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => logs.json().init(),
    }
    Ok(guard)
}
