//! Connections that are opened, hear `Hello!` and close, as fast as the server lets them.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Args;

use super::echo::Outcome;
use super::left;
use crate::client::{Answers, Clients, Happening, Target};
use crate::latency::Latencies;
use crate::meter::{Meter, Reading};

/// The storm.
#[derive(Args, Clone, Debug)]
pub(crate) struct Load {
    /// Connections at a time
    #[arg(long, default_value_t = 50)]
    pub(crate) at_once: usize,
    /// For how long is measured
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// For how long is not yet measured
    #[arg(long, default_value_t = 0.5)]
    pub(crate) warm_up: f64,
}

/// A closed socket holds its port for a minute, so one address isn't enough.
const SOURCES: u32 = 64;

/// Counts connections that were opened, heard the greeting and were closed in order. The
/// latency is the time from connect to greeting.
pub(crate) fn run(target: &Target, load: &Load, meter: Meter) -> Result<Outcome> {
    ensure!(load.at_once > 0, "there is nothing to open");
    let mut clients = Clients::new()?;
    let mut begun = vec![Instant::now(); load.at_once];
    let mut sources = (0..SOURCES).map(source).cycle();
    let mut idle: Vec<usize> = (0..load.at_once).collect();
    let (mut connections, mut latencies) = (0, Latencies::new());
    let mut until = Instant::now() + Duration::from_secs_f64(load.warm_up);
    let mut start: Option<Reading> = None;
    loop {
        for number in idle.drain(..) {
            begun[number] = Instant::now();
            let source = target.address.is_ipv4().then(|| sources.next()).flatten();
            clients.open(number, target, source)?;
        }
        clients.turn(left(until), |number, link, happening| {
            match happening {
                Happening::Open | Happening::Read => {}
                Happening::Data { opcode, before, bytes, last } => {
                    let part = (opcode, before, bytes, last);
                    if Answers::default().take(b"Hello!", part)? {
                        latencies.record(begun[number].elapsed(), 1);
                        link.close()?;
                    }
                }
                Happening::Refused(refusal) => bail!("{refusal}"),
                Happening::Closing(Some(1000 | 1005) | None) => connections += 1,
                Happening::Closing(code) => bail!("closed by the server with {code:?}"),
                Happening::Ended => idle.push(number),
            }
            Ok(())
        })?;
        if !left(until).is_zero() {
            continue;
        }
        if let Some(start) = start {
            let usage = start.until(&meter.read());
            ensure!(connections > 0, "no connection in {:?}", usage.elapsed);
            return Ok(Outcome { messages: connections, latency: latencies.percentiles(), usage });
        }
        start = Some(meter.start());
        latencies.clear();
        // What is under way doesn't pay for the look at the counters.
        let now = Instant::now();
        begun.fill(now);
        (connections, until) = (0, now + Duration::from_secs_f64(load.seconds));
    }
}

/// An address of this machine to connect from.
pub(crate) fn source(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::LOCALHOST) + 1 + number)
}
