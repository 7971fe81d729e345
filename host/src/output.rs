//! What commands say, to stdout and to stderr.

use std::io::{ErrorKind, Write};

use anyhow::Context as _;
use socklet::Printable;

/// What a command is there for, to stdout.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    print_to(std::io::stdout(), text)
}

pub(crate) fn print_to(mut out: impl Write, text: &str) -> anyhow::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever closed it does not want to read it.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("stdout can't be written to"),
    }
}

/// What is said beside serving, to stdout, whoever reads it.
pub(crate) fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Says what went wrong, and has nothing of it reach a terminal that this would obey.
pub(crate) fn complain(error: &anyhow::Error) {
    let mut text = "socklet: ".to_owned();
    for line in format!("{error:#}").lines() {
        text += &format!("{}\n", Printable(line));
    }
    // There is nowhere else to say it.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
