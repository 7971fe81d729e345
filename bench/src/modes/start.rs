//! From the start of socklet to the moment when all its handlers serve.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use tempfile::TempDir;

use super::{PATIENCE, left};
use crate::client::{Clients, Happening, Target};
use crate::component;
use crate::meter::{Meter, Reading, Usage};
use crate::table::{Peer, Places, Server, Start};

/// What is started.
#[derive(Args, Clone, Debug)]
pub(crate) struct Load {
    /// The component that all handlers are copies of, each a file of its own
    #[arg(long)]
    pub(crate) component: Option<PathBuf>,
    /// Handlers
    #[arg(long, default_value_t = 50)]
    pub(crate) handlers: u64,
}

/// The time from the start until the last handler answered a handshake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// With everything to be compiled.
    pub(crate) cold: Duration,
    /// With everything in the cache.
    pub(crate) warm: Duration,
    /// What the cold start used.
    pub(crate) usage: Usage,
}

/// Starts socklet twice, on one thread and on this core if one is given.
pub(crate) fn run(places: &Places, load: &Load, core: Option<usize>) -> Result<Outcome> {
    ensure!(load.handlers > 0, "there is nothing to serve");
    let echo = places.embedded("echo");
    let component = load.component.as_ref().unwrap_or(&echo);
    let component = fs::read(component).with_context(|| component.display().to_string())?;
    let (handlers, cache) = (TempDir::new()?, TempDir::new()?);
    for number in 0..load.handlers {
        let file = handlers.path().join(format!("handler{number:03}.wasm"));
        fs::write(file, component::distinct(&component, number))?;
    }
    let last = format!("/handler{:03}", load.handlers - 1);
    let time = || start(places, handlers.path(), cache.path(), &last, core);
    let ((cold, usage), (warm, _)) = (time()?, time()?);
    Ok(Outcome { cold, warm, usage })
}

fn start(
    places: &Places,
    handlers: &Path,
    cache: &Path,
    last: &str,
    core: Option<usize>,
) -> Result<(Duration, Usage)> {
    let reading = Reading::without_server();
    let begun = Instant::now();
    let (peer, handlers) = (Peer::Socklet, Some(handlers));
    let start = Start { peer, threads: 1, core, handlers, flags: &[], cache };
    let server = Server::start(start, places)?;
    let mut clients = Clients::new()?;
    clients.open(0, &Target::at(server.address, last), None)?;
    let mut open = false;
    while !open {
        ensure!(begun.elapsed() < PATIENCE, "{last} doesn't answer");
        clients.turn(left(begun + PATIENCE), |_, _, happening| match happening {
            Happening::Open => {
                open = true;
                Ok(())
            }
            Happening::Refused(refusal) => bail!("{last}: {refusal}"),
            _ => Ok(()),
        })?;
    }
    let elapsed = begun.elapsed();
    Ok((elapsed, reading.until(&Meter::new(Some(server.pid())).read())))
}
