//! Clients under way while a handler's file is replaced.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use clap::Args;

use super::echo::text;
use super::{PATIENCE, left};
use crate::client::{Answers, Clients, Happening, Link, TEXT, Target, frame};
use crate::component;
use crate::latency::Latencies;
use crate::meter::{Meter, Usage};

/// The load, and what is swapped.
#[derive(Args, Clone, Debug)]
pub(crate) struct Load {
    /// The handler's file, which is replaced
    pub(crate) file: PathBuf,
    /// What it is replaced with: an echo, as is served now, and one that greets, such as
    /// the hello. Connections stay with the echo, so its greeting tells new from old
    #[arg(num_args = 2, required = true)]
    pub(crate) components: Vec<PathBuf>,
    /// Connections
    #[arg(long, default_value_t = 50)]
    pub(crate) connections: usize,
    /// Swaps
    #[arg(long, default_value_t = 20)]
    pub(crate) swaps: usize,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Swaps that new connections were served by.
    pub(crate) took_effect: usize,
    pub(crate) dropped: usize,
    /// The median time between two answers.
    pub(crate) median: Duration,
    /// The longest time that a client waited for an answer, beyond its own median.
    pub(crate) worst_gap: Duration,
    pub(crate) usage: Usage,
}

const BETWEEN_SWAPS: Duration = Duration::from_millis(500);
const BETWEEN_PROBES: Duration = Duration::from_millis(25);
/// Between two messages of a client.
const PACE: Duration = Duration::from_millis(5);

/// Replaces the file every half second. Each copy is a component of its own, so that
/// nothing but the first comes compiled from the server's cache.
pub(crate) fn run(target: &Target, load: &Load, meter: Meter) -> Result<Outcome> {
    let read = |path: &PathBuf| fs::read(path).with_context(|| path.display().to_string());
    let components = load.components.iter().map(read).collect::<Result<Vec<_>>>()?;
    let payload = text(64);
    let message = frame(TEXT, &payload);
    let start = Instant::now();
    let mut crowd = Clients::new()?;
    let mut clients = Vec::new();
    for number in 0..load.connections {
        crowd.open(number, target, None)?;
        // Spread over the pace, so that they don't all send at once.
        let first = PACE * u32::try_from(number)? / u32::try_from(load.connections)?;
        clients.push(Client::new(start + first));
    }
    // Numbered behind the clients.
    let probe = load.connections;
    let mut probing = Probing { sees: None, changes: 0, busy: false, next: start };
    let (mut open, mut dropped) = (0, 0);
    let reading = meter.start();
    let (swapper, end) = swap_from(start, load, components)?;
    while !left(end).is_zero() {
        crowd.turn(Duration::from_micros(500), |number, link, happening| {
            let Some(client) = clients.get_mut(number) else {
                return probing.take(link, happening);
            };
            match happening {
                Happening::Open => (open, client.waits) = (open + 1, false),
                Happening::Data { opcode, before, bytes, last } => {
                    if client.answers.take(&payload, (opcode, before, bytes, last))? {
                        client.is_answered(Instant::now());
                    }
                }
                Happening::Refused(refusal) => bail!("{refusal}"),
                Happening::Ended => dropped += 1,
                Happening::Read | Happening::Closing(_) => {}
            }
            Ok(())
        })?;
        let now = Instant::now();
        ensure!(open == load.connections || now < start + PATIENCE, "{open} connections opened");
        for (number, client) in clients.iter_mut().enumerate() {
            if client.is_due(now)
                && let Some(link) = crowd.link(number)
            {
                link.send(&message)?;
                client.has_sent(now);
            }
        }
        if !probing.busy && probing.next <= now {
            crowd.open(probe, target, None)?;
            (probing.busy, probing.next) = (true, now + BETWEEN_PROBES);
        }
    }
    let usage = reading.until(&meter.read());
    swapper.join().map_err(|_| anyhow!("the swapping thread panicked"))??;
    let now = Instant::now();
    let median = clients.iter().map(|client| client.gaps.median()).max().unwrap_or_default();
    let worst_gap = clients.iter().map(|client| client.worst_gap(now)).max().unwrap_or_default();
    ensure!(!median.is_zero(), "no client saw two answers");
    Ok(Outcome { took_effect: probing.changes, dropped, median, worst_gap, usage })
}

/// Swaps on a thread of its own, since a disk may take its time; and when all is over.
fn swap_from(
    start: Instant,
    load: &Load,
    components: Vec<Vec<u8>>,
) -> Result<(JoinHandle<Result<()>>, Instant)> {
    let (file, swaps) = (load.file.clone(), u32::try_from(load.swaps)?);
    let end = start + BETWEEN_SWAPS * (swaps + 1) + Duration::from_secs(1);
    let swapper = thread::spawn(move || {
        for (number, component) in (1..=swaps).zip(components.iter().cycle().skip(1)) {
            thread::sleep(left(start + BETWEEN_SWAPS * number));
            replace(&file, &component::distinct(component, u64::from(number)))?;
        }
        Ok(())
    });
    Ok((swapper, end))
}

/// A client that sends at its pace, if the last message was answered.
struct Client {
    answers: Answers,
    next: Instant,
    waits: bool,
    answered: Option<Instant>,
    gaps: Latencies,
}

impl Client {
    /// One that waits to be connected, and sends from then on.
    fn new(next: Instant) -> Self {
        let (answers, gaps) = (Answers::default(), Latencies::new());
        Self { answers, next, waits: true, answered: None, gaps }
    }

    fn is_due(&self, now: Instant) -> bool {
        !self.waits && self.next <= now
    }

    fn has_sent(&mut self, now: Instant) {
        self.waits = true;
        self.next = now.max(self.next + PACE);
    }

    fn is_answered(&mut self, now: Instant) {
        self.waits = false;
        if let Some(last) = self.answered.replace(now) {
            self.gaps.record(now - last, 1);
        }
    }

    /// The longest time between two answers beyond the median. One that waits still has
    /// waited for as long as that.
    fn worst_gap(&self, now: Instant) -> Duration {
        let waits = self.answered.filter(|_| self.waits).map_or(Duration::ZERO, |last| now - last);
        self.gaps.largest().max(waits).saturating_sub(self.gaps.median())
    }
}

/// What new connections see: whether somebody greets.
struct Probing {
    sees: Option<Vec<u8>>,
    changes: usize,
    busy: bool,
    next: Instant,
}

impl Probing {
    fn take(&mut self, link: &mut Link, happening: Happening<'_>) -> Result<()> {
        match happening {
            // An echo answers this; the other has greeted before.
            Happening::Open => link.send(&frame(TEXT, b"?"))?,
            Happening::Data { before: 0, bytes, .. } => {
                if self.sees.as_deref() != Some(bytes) {
                    self.changes += usize::from(self.sees.is_some());
                    self.sees = Some(bytes.to_vec());
                }
                link.close()?;
            }
            Happening::Refused(refusal) => bail!("{refusal}"),
            Happening::Ended => self.busy = false,
            _ => {}
        }
        Ok(())
    }
}

/// Puts a file in another's place, as deploys do.
fn replace(file: &Path, bytes: &[u8]) -> Result<()> {
    let draft = file.with_extension("draft");
    fs::write(&draft, bytes).with_context(|| draft.display().to_string())?;
    fs::rename(&draft, file).with_context(|| file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_gap_is_beyond_the_median_and_may_not_be_over() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut client = Client::new(start);
        for answered in [0, 5, 10, 15, 45, 50] {
            client.is_answered(at(answered));
        }
        let near = |gap: Duration, milliseconds: u64| {
            gap.abs_diff(Duration::from_millis(milliseconds)) < Duration::from_micros(100)
        };
        assert!(near(client.worst_gap(at(51)), 25), "{:?}", client.worst_gap(at(51)));
        client.has_sent(at(55));
        assert!(near(client.worst_gap(at(155)), 100), "{:?}", client.worst_gap(at(155)));
    }

    #[test]
    fn a_client_sends_at_its_pace_and_not_before_its_answer() {
        let start = Instant::now();
        let mut client = Client::new(start);
        assert!(!client.is_due(start), "it isn't connected");
        client.waits = false;
        assert!(client.is_due(start));
        client.has_sent(start);
        assert!(!client.is_due(start + PACE * 2), "it waits");
        client.is_answered(start + PACE / 2);
        assert!(!client.is_due(start + PACE / 2), "its pace");
        assert!(client.is_due(start + PACE));
    }
}
