//! Connections that are opened and held.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Args;

use super::storm::source;
use super::{PATIENCE, left};
use crate::client::{Clients, Happening, Refusal, Target};
use crate::meter::{Meter, Usage};
use crate::process::Memory;

/// The load.
#[derive(Args, Clone, Debug)]
pub(crate) struct Load {
    /// Connections
    #[arg(long, default_value_t = 10_000)]
    pub(crate) connections: usize,
    /// For how long the server's CPU time is looked at
    #[arg(long, default_value_t = 10.0)]
    pub(crate) seconds: f64,
}

/// What came of it. Bytes are those of one connection.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) served: usize,
    pub(crate) refused: usize,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) resident: Option<f64>,
    pub(crate) anonymous: Option<f64>,
    pub(crate) proportional: Option<f64>,
    pub(crate) usage: Usage,
}

impl Outcome {
    /// The share of one core that the server used at rest.
    pub(crate) fn at_rest(&self) -> Option<f64> {
        Some(self.usage.server?.as_secs_f64() / self.usage.elapsed.as_secs_f64())
    }
}

/// One address for so many connections: it has 28,000 ports.
const EACH: usize = 4000;
/// Handshakes at a time, so that the server's queue of them doesn't overflow.
const AT_ONCE: usize = 256;
/// What opening has left to do is done before memory and CPU time are looked at.
const SETTLING: Duration = Duration::from_secs(1);

/// Opens connections, and looks at the server's memory and CPU time while they are held.
pub(crate) fn run(target: &Target, load: &Load, server: Option<u32>) -> Result<Outcome> {
    ensure!(load.connections > 0, "there is nothing to open");
    let mut outcome = Outcome::default();
    let before = server.map(Memory::of).transpose()?;
    let mut clients = Clients::new()?;
    open(&mut clients, target, load.connections, &mut outcome)?;
    rest(&mut clients, SETTLING, &mut outcome)?;
    if let (Some(server), Some(before)) = (server, before) {
        let after = Memory::of(server)?;
        let each = |after: u64, before: u64| {
            Some((after as f64 - before as f64) / outcome.served.max(1) as f64)
        };
        outcome.resident = each(after.resident, before.resident);
        outcome.anonymous = each(after.anonymous, before.anonymous);
        outcome.proportional = each(after.proportional, before.proportional);
    }
    let meter = Meter::new(server);
    let start = meter.start();
    rest(&mut clients, Duration::from_secs_f64(load.seconds), &mut outcome)?;
    outcome.usage = start.until(&meter.read());
    ensure!(clients.count() == outcome.served, "{} are open", clients.count());
    Ok(outcome)
}

/// Opens so many, or has them refused.
pub(super) fn open(
    clients: &mut Clients,
    target: &Target,
    connections: usize,
    outcome: &mut Outcome,
) -> Result<()> {
    let (mut begun, mut until) = (0, Instant::now() + PATIENCE);
    while outcome.served + outcome.refused < connections {
        let settled = outcome.served + outcome.refused;
        while begun < connections && begun - settled < AT_ONCE {
            let from = u32::try_from(begun / EACH)?;
            clients.open(begun, target, target.address.is_ipv4().then(|| source(from)))?;
            begun += 1;
        }
        clients.turn(left(until), |_, _, happening| hold(outcome, happening))?;
        if outcome.served + outcome.refused > settled {
            until = Instant::now() + PATIENCE;
        }
        let progress = !left(until).is_zero();
        ensure!(progress, "no handshake was answered in {PATIENCE:?}, after {settled}");
    }
    Ok(())
}

/// Answers pings for this long.
pub(super) fn rest(clients: &mut Clients, time: Duration, outcome: &mut Outcome) -> Result<()> {
    let until = Instant::now() + time;
    while !left(until).is_zero() {
        clients.turn(left(until), |_, _, happening| hold(outcome, happening))?;
    }
    Ok(())
}

fn hold(outcome: &mut Outcome, happening: Happening<'_>) -> Result<()> {
    match happening {
        Happening::Open => outcome.served += 1,
        Happening::Refused(refusal) => {
            outcome.refused += 1;
            outcome.refusal.get_or_insert(refusal);
        }
        Happening::Closing(code) => bail!("closed by the server with {code:?}"),
        Happening::Data { .. } | Happening::Read | Happening::Ended => {}
    }
    Ok(())
}
