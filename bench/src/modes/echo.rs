//! Connections that send messages and count the answers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Args;

use super::{PATIENCE, left};
use crate::client::{Answers, Clients, Happening, TEXT, Target, frame};
use crate::latency::{Latencies, Percentiles};
use crate::meter::{Meter, Usage};

/// The load.
#[derive(Args, Clone, Debug)]
pub(crate) struct Load {
    /// Connections
    #[arg(long, default_value_t = 50)]
    pub(crate) connections: usize,
    /// Bytes of a message
    #[arg(long, default_value_t = 64)]
    pub(crate) payload: usize,
    /// Messages that each connection keeps in flight
    #[arg(long, default_value_t = 1)]
    pub(crate) depth: usize,
    /// For how long is measured
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// For how long is not yet measured
    #[arg(long, default_value_t = 0.5)]
    pub(crate) warm_up: f64,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) messages: u64,
    pub(crate) latency: Percentiles,
    pub(crate) usage: Usage,
}

impl Outcome {
    pub(crate) fn rate(&self) -> f64 {
        self.messages as f64 / self.usage.elapsed.as_secs_f64()
    }

    /// Microseconds of the server's CPU time for each message.
    pub(crate) fn cpu(&self) -> Option<f64> {
        Some(self.usage.server?.as_secs_f64() * 1e6 / self.messages as f64)
    }
}

/// What a connection waits for.
#[derive(Default)]
struct Flight {
    answers: Answers,
    /// Messages that were sent together and aren't all answered: when, and how many.
    batches: VecDeque<(Instant, usize)>,
    /// Answers that the current read brought.
    arrived: usize,
}

/// Sends anew as many messages as a read brought answers, in one write, so that the
/// server sees batches as from a client that pipelines.
pub(crate) fn run(target: &Target, load: &Load, meter: Meter) -> Result<Outcome> {
    ensure!(load.connections > 0 && load.depth > 0, "there is nothing to send");
    let payload = text(load.payload);
    let one = frame(TEXT, &payload);
    let batch = one.repeat(load.depth);
    let mut clients = Clients::new()?;
    let mut flights: Vec<Flight> = Vec::new();
    flights.resize_with(load.connections, Flight::default);
    for number in 0..load.connections {
        clients.open(number, target, None)?;
    }

    let (mut open, mut latencies) = (0, Latencies::new());
    let mut until = Instant::now() + PATIENCE;
    let mut phase = Phase::Opening;
    loop {
        clients.turn(left(until), |number, link, happening| {
            let flight = &mut flights[number];
            match happening {
                Happening::Open => {
                    open += 1;
                    flight.batches.push_back((Instant::now(), load.depth));
                    link.send(&batch)?;
                }
                Happening::Data { opcode, before, bytes, last } => {
                    if flight.answers.take(&payload, (opcode, before, bytes, last))? {
                        flight.arrived += 1;
                    }
                }
                Happening::Read if flight.arrived > 0 => {
                    let now = Instant::now();
                    let arrived = std::mem::take(&mut flight.arrived);
                    flight.settle(arrived, now, &mut latencies)?;
                    flight.batches.push_back((now, arrived));
                    link.send(&batch[..arrived * one.len()])?;
                }
                Happening::Read => {}
                Happening::Refused(refusal) => bail!("{refusal}"),
                Happening::Closing(code) => bail!("closed by the server with {code:?}"),
                Happening::Ended => bail!("ended by the server"),
            }
            Ok(())
        })?;
        let over = left(until).is_zero();
        phase = match phase {
            Phase::Opening if open == load.connections => {
                until = Instant::now() + Duration::from_secs_f64(load.warm_up);
                Phase::Warming
            }
            Phase::Opening if over => bail!("{open} of {} connections opened", load.connections),
            Phase::Warming if over => {
                let start = meter.start();
                latencies.clear();
                // What is in flight doesn't pay for the look at the counters.
                let now = Instant::now();
                flights
                    .iter_mut()
                    .flat_map(|flight| &mut flight.batches)
                    .for_each(|batch| batch.0 = now);
                until = now + Duration::from_secs_f64(load.seconds);
                Phase::Measuring(start)
            }
            Phase::Measuring(start) if over => {
                let usage = start.until(&meter.read());
                let messages = latencies.count();
                ensure!(messages > 0, "no answer in {:?}", usage.elapsed);
                return Ok(Outcome { messages, latency: latencies.percentiles(), usage });
            }
            same => same,
        };
    }
}

enum Phase {
    Opening,
    Warming,
    Measuring(crate::meter::Reading),
}

impl Flight {
    /// Takes so many answers off the batches in flight, the oldest first.
    fn settle(
        &mut self,
        mut arrived: usize,
        now: Instant,
        latencies: &mut Latencies,
    ) -> Result<()> {
        while arrived > 0 {
            let Some((sent, count)) = self.batches.front_mut() else {
                bail!("more answers than messages");
            };
            let settled = arrived.min(*count);
            latencies.record(now - *sent, settled as u64);
            arrived -= settled;
            *count -= settled;
            if *count == 0 {
                self.batches.pop_front();
            }
        }
        Ok(())
    }
}

/// Text of this length, no two neighbours alike.
pub(crate) fn text(length: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_settle_the_oldest_batches_first() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut flight = Flight::default();
        flight.batches.extend([(at(0), 3), (at(10), 2)]);
        let mut latencies = Latencies::new();
        flight.settle(4, at(20), &mut latencies).unwrap();
        assert_eq!(flight.batches, [(at(10), 1)]);
        assert_eq!(latencies.count(), 4);
        assert_eq!(latencies.largest().as_millis(), 20);
        assert!(flight.settle(2, at(30), &mut latencies).is_err(), "an answer to nothing");
    }
}
