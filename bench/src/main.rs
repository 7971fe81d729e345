//! Measures WebSocket servers: socklet, and what people would pick instead.
//!
//! `client` is the load generator, `modes` what it can do to a server at a URL, `serve`
//! the peers in Rust. `table` starts every server, measures them side by side and writes
//! docs/performance.md. `meter` and `process` tell what a server costs.

mod cli;
mod client;
mod component;
mod latency;
mod meter;
mod modes;
mod process;
mod serve;
mod table;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
