//! One publishes, many receive.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use super::echo::{Outcome, text};
use super::{PATIENCE, left};
use crate::client::{Answers, Clients, Happening, TEXT, Target, frame};
use crate::latency::Latencies;
use crate::meter::Meter;

/// The load.
#[derive(Args, Clone, Debug)]
pub(crate) struct Load {
    /// Connections that receive
    #[arg(long, default_value_t = 1000)]
    pub(crate) subscribers: usize,
    /// Bytes of a message
    #[arg(long, default_value_t = 64)]
    pub(crate) payload: usize,
    /// For how long is measured
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// For how long is not yet measured
    #[arg(long, default_value_t = 0.5)]
    pub(crate) warm_up: f64,
}

/// Handshakes at a time, so that the server's queue of them doesn't overflow.
const AT_ONCE: usize = 256;
/// The 101 may be there before the server's own list has the subscriber.
const SETTLING: Duration = Duration::from_millis(200);

/// Publishes anew when the last subscriber has received. Counts deliveries; the latency
/// is that of the last one of each publish.
pub(crate) fn run(target: &Target, load: &Load, meter: Meter) -> Result<Outcome> {
    ensure!(load.subscribers > 0, "there is nobody to receive");
    let mut audience = Audience::new(load)?;
    let (mut begun, mut until) = (0, Instant::now() + PATIENCE);
    while audience.open <= load.subscribers {
        let open = audience.open;
        while begun <= load.subscribers && begun - open < AT_ONCE {
            audience.clients.open(begun, target, None)?;
            begun += 1;
        }
        audience.turn(left(until))?;
        if audience.open > open {
            until = Instant::now() + PATIENCE;
        }
        ensure!(!left(until).is_zero(), "{open} connections of {} opened", load.subscribers + 1);
    }
    let settled = Instant::now() + SETTLING;
    while !left(settled).is_zero() {
        audience.turn(left(settled))?;
    }

    let publish = frame(TEXT, &audience.payload);
    let mut latencies = Latencies::new();
    let mut publish_for = |seconds| -> Result<u64> {
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        latencies.clear();
        while !left(until).is_zero() {
            let published = Instant::now();
            audience.pending = load.subscribers;
            let publisher = audience.clients.link(load.subscribers);
            publisher.context("the publisher's connection has ended")?.send(&publish)?;
            while audience.pending > 0 {
                audience.turn(left(published + PATIENCE))?;
                let pending = audience.pending;
                ensure!(published.elapsed() < PATIENCE, "{pending} deliveries never arrived");
            }
            latencies.record(published.elapsed(), 1);
        }
        Ok(latencies.count() * load.subscribers as u64)
    };
    publish_for(load.warm_up)?;
    let start = meter.start();
    let messages = publish_for(load.seconds)?;
    let usage = start.until(&meter.read());
    Ok(Outcome { messages, latency: latencies.percentiles(), usage })
}

/// The subscribers, and behind them the publisher.
struct Audience {
    clients: Clients,
    payload: Vec<u8>,
    answers: Vec<Answers>,
    open: usize,
    /// Deliveries that are still to come.
    pending: usize,
}

impl Audience {
    fn new(load: &Load) -> Result<Self> {
        let clients = Clients::new()?;
        let mut answers = Vec::new();
        answers.resize_with(load.subscribers, Answers::default);
        Ok(Self { clients, payload: text(load.payload), answers, open: 0, pending: 0 })
    }

    fn turn(&mut self, timeout: Duration) -> Result<()> {
        let Self { clients, payload, answers, open, pending } = self;
        clients.turn(timeout, |number, _, happening| {
            match happening {
                Happening::Open => *open += 1,
                Happening::Data { opcode, before, bytes, last } => {
                    let answers = answers.get_mut(number);
                    let answers = answers.context("the publisher received its own message")?;
                    if answers.take(payload, (opcode, before, bytes, last))? {
                        ensure!(*pending > 0, "a delivery of what wasn't published");
                        *pending -= 1;
                    }
                }
                Happening::Read => {}
                Happening::Refused(refusal) => bail!("{refusal}"),
                Happening::Closing(code) => bail!("closed by the server with {code:?}"),
                Happening::Ended => bail!("ended by the server"),
            }
            Ok(())
        })
    }
}
