//! Connections whose instances have nothing to do and are parked, and what waking them
//! costs.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::idle::{self, Load};
use super::{PATIENCE, left};
use crate::client::{Answers, Clients, Happening, TEXT, Target, frame};
use crate::latency::Latencies;
use crate::meter::{Meter, Usage};
use crate::process::Memory;

/// What came of it. Bytes are those of one connection.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) served: usize,
    pub(crate) resident: Option<f64>,
    /// Of an answer by an instance that is there.
    pub(crate) awake: Duration,
    /// Of an answer by one that is parked.
    pub(crate) parked: Duration,
    /// Until all have answered that were spoken to at once.
    pub(crate) all: Duration,
    pub(crate) usage: Usage,
}

/// All are parked by then that will be: they have had no event for a second.
const PARKING: Duration = Duration::from_secs(3);
/// Connections that are woken one by one.
const ONE_BY_ONE: usize = 500;
/// Connections that are spoken to at once.
const AT_ONCE: usize = 5000;

/// Opens connections to a handler that answers `VERSION:COUNT new TEXT`, where `COUNT` is
/// its state: how many texts it has had.
pub(crate) fn run(target: &Target, load: &Load, server: Option<u32>) -> Result<Outcome> {
    let before = server.map(Memory::of).transpose()?;
    let mut clients = Clients::new()?;
    let mut opened = idle::Outcome::default();
    idle::open(&mut clients, target, load.connections, &mut opened)?;
    ensure!(opened.refused == 0, "{} were refused: {:?}", opened.refused, opened.refusal);
    idle::rest(&mut clients, PARKING, &mut opened)?;
    let resident = match (server, before) {
        (Some(server), Some(before)) => {
            let after = Memory::of(server)?.resident as f64 - before.resident as f64;
            Some(after / opened.served as f64)
        }
        _ => None,
    };
    let meter = Meter::new(server);
    let start = meter.start();

    let (mut parked, mut awake) = (Latencies::new(), Latencies::new());
    for number in 0..ONE_BY_ONE.min(load.connections) {
        parked.record(ask(&mut clients, &[number], 1)?, 1);
        awake.record(ask(&mut clients, &[number], 2)?, 1);
    }
    let rest: Vec<_> = (0..load.connections).skip(ONE_BY_ONE).take(AT_ONCE).collect();
    let all = ask(&mut clients, &rest, 1)?;
    let usage = start.until(&meter.read());
    let (awake, parked) = (awake.median(), parked.median());
    Ok(Outcome { served: opened.served, resident, awake, parked, all, usage })
}

/// Speaks to these, and waits for what they answer with their `count`.
fn ask(clients: &mut Clients, whom: &[usize], count: usize) -> Result<Duration> {
    let (text, answer) = (frame(TEXT, b"hi"), format!("a:{count} new hi"));
    let start = Instant::now();
    let mut pending: Vec<Option<Answers>> = Vec::new();
    for number in whom {
        if pending.len() <= *number {
            pending.resize_with(number + 1, || None);
        }
        pending[*number] = Some(Answers::default());
        let Some(link) = clients.link(*number) else { bail!("connection {number} has ended") };
        link.send(&text)?;
    }
    let (mut answered, until) = (0, start + PATIENCE);
    while answered < whom.len() {
        ensure!(!left(until).is_zero(), "{answered} of {} have answered", whom.len());
        clients.turn(left(until), |number, _, happening| {
            match happening {
                Happening::Data { opcode, before, bytes, last } => {
                    let Some(Some(answers)) = pending.get_mut(number) else {
                        bail!("an answer to nothing");
                    };
                    if answers.take(answer.as_bytes(), (opcode, before, bytes, last))? {
                        pending[number] = None;
                        answered += 1;
                    }
                }
                Happening::Closing(code) => bail!("closed by the server with {code:?}"),
                Happening::Ended => bail!("ended by the server"),
                Happening::Open | Happening::Refused(_) | Happening::Read => {}
            }
            Ok(())
        })?;
    }
    Ok(start.elapsed())
}
