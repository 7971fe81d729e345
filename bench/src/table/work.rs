//! What one sample does, and the figures it brings.

use std::time::Duration;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use super::Bench;
use super::contender::Contender;
use super::rounds::Sample;
use super::server::{Server, Start};
use crate::client::Target;
use crate::meter::Meter;
use crate::modes::{broadcast, echo, idle, parked, start, storm, swap};

/// The work of a row.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    Echo(echo::Load),
    Storm(storm::Load),
    Broadcast(broadcast::Load),
    Idle(idle::Load),
    Parked(idle::Load),
    Full(idle::Load),
    Swap { swaps: usize },
    Start(start::Load),
}

impl Work {
    /// One sample: the contender is started, measured and ended.
    pub(crate) fn sample(&self, contender: &Contender, bench: &Bench) -> Result<Sample> {
        let core = bench.pins.as_ref().filter(|_| contender.pinned).map(|pins| pins.server);
        if let Self::Start(load) = self {
            let outcome = start::run(&bench.places, load, core)?;
            let figures = vec![milliseconds(outcome.cold), milliseconds(outcome.warm)];
            return Ok(Sample { figures, usage: outcome.usage, remark: None });
        }
        let folder = TempDir::new()?;
        let from_file = matches!(self, Self::Swap { .. }) || contender.manifest.is_some();
        let guest = contender.guest.or(from_file.then_some("echo"));
        if let Some(guest) = guest {
            let file = match contender.guest {
                Some(guest) => bench.places.guest(guest),
                None => bench.places.embedded(guest),
            };
            let served = folder.path().join(guest);
            std::fs::copy(file, served.with_extension("wasm"))?;
            if let Some(manifest) = contender.manifest {
                std::fs::write(served.with_extension("toml"), manifest)?;
            }
        }
        let server = Server::start(
            Start {
                peer: contender.peer,
                threads: contender.threads,
                core,
                handlers: guest.map(|_| folder.path()),
                flags: contender.flags,
                cache: &bench.cache,
            },
            &bench.places,
        )?;
        let (pid, meter) = (Some(server.pid()), Meter::new(Some(server.pid())));
        let route = |path: &str| Target::at(server.address, path);
        let echo_route = route(&format!("/{}", guest.unwrap_or("echo")));
        match self {
            Self::Echo(load) => Ok(rates(&echo::run(&echo_route, load, meter)?)),
            Self::Storm(load) => Ok(rates(&storm::run(&route("/hello"), load, meter)?)),
            Self::Broadcast(load) => {
                let mut sample = rates(&broadcast::run(&route("/broadcast"), load, meter)?);
                // There are too few publishes for one in a thousand.
                sample.figures.remove(3);
                Ok(sample)
            }
            Self::Idle(load) => {
                let outcome = idle::run(&echo_route, load, pid)?;
                let figures = vec![
                    outcome.served as f64,
                    kib(outcome.resident),
                    kib(outcome.anonymous),
                    kib(outcome.proportional),
                    outcome.at_rest().map_or(f64::NAN, |share| share * 100.0),
                ];
                Ok(Sample { figures, usage: outcome.usage, remark: refusal(&outcome) })
            }
            Self::Parked(load) => {
                let outcome = parked::run(&echo_route, load, pid)?;
                let waking = outcome.parked.saturating_sub(outcome.awake);
                let figures = vec![
                    outcome.served as f64,
                    kib(outcome.resident),
                    milliseconds(waking) * 1e3,
                    milliseconds(outcome.awake) * 1e3,
                    milliseconds(outcome.all),
                ];
                Ok(Sample { figures, usage: outcome.usage, remark: None })
            }
            Self::Full(load) => {
                let outcome = idle::run(&echo_route, load, pid)?;
                let names = |body: &str| body.contains("max-") || body.contains("max_map_count");
                let told = match &outcome.refusal {
                    Some(first) if first.status == 503 && names(&first.body) => outcome.refused,
                    _ => 0,
                };
                let neither = load.connections - outcome.served - told;
                ensure!(neither == 0, "{neither} were neither served nor told why");
                let figures =
                    vec![outcome.served as f64, told as f64, neither as f64, kib(outcome.resident)];
                Ok(Sample { figures, usage: outcome.usage, remark: refusal(&outcome) })
            }
            Self::Swap { swaps } => {
                let components =
                    vec![bench.places.embedded("echo"), bench.places.embedded("hello")];
                let file = folder.path().join("echo.wasm");
                let load = swap::Load { file, components, connections: 50, swaps: *swaps };
                let outcome = swap::run(&echo_route, &load, meter)?;
                let (dropped, took) = (outcome.dropped, outcome.took_effect);
                ensure!(dropped == 0, "{dropped} connections were dropped");
                ensure!(took == *swaps, "{took} of {swaps} swaps took effect");
                let figures = vec![
                    milliseconds(outcome.worst_gap),
                    milliseconds(outcome.median),
                    outcome.took_effect as f64,
                    outcome.dropped as f64,
                ];
                Ok(Sample { figures, usage: outcome.usage, remark: None })
            }
            Self::Start(_) => unreachable!("done above: it starts its own servers"),
        }
    }
}

fn rates(outcome: &echo::Outcome) -> Sample {
    let latency = outcome.latency;
    let cpu = outcome.cpu().unwrap_or(f64::NAN);
    let figures = vec![outcome.rate(), latency.p50, latency.p99, latency.p999, cpu];
    Sample { figures, usage: outcome.usage, remark: None }
}

fn refusal(outcome: &idle::Outcome) -> Option<String> {
    outcome.refusal.as_ref().map(ToString::to_string)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn kib(bytes: Option<f64>) -> f64 {
    bytes.map_or(f64::NAN, |bytes| bytes / 1024.0)
}
