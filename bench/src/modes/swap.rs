//! Clients under way while a handler's file is replaced.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use super::echo::text;
use super::{PATIENCE, left};
use crate::client::{Answers, Clients, Happening, TEXT, Target, frame};
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

/// A client that sends at its pace, if the last message was answered.
struct Client {
    answers: Answers,
    next: Instant,
    waits: bool,
    answered: Option<Instant>,
    gaps: Latencies,
}

/// Replaces the file every half second. Each copy is a component of its own, so that
/// nothing but the first comes compiled from the server's cache.
pub(crate) fn run(target: &Target, load: &Load, meter: Meter) -> Result<Outcome> {
    let read = |path: &PathBuf| fs::read(path).with_context(|| path.display().to_string());
    let components = load.components.iter().map(read).collect::<Result<Vec<_>>>()?;
    let payload = text(64);
    let message = frame(TEXT, &payload);
    let start = Instant::now();
    let mut clients = Clients::new()?;
    let mut states: Vec<Client> = Vec::new();
    for number in 0..load.connections {
        clients.open(number, target, None)?;
        // Spread over the pace, so that they don't all send at once.
        let next = start + PACE * u32::try_from(number)? / u32::try_from(load.connections)?;
        let (answers, gaps) = (Answers::default(), Latencies::new());
        states.push(Client { answers, next, waits: true, answered: None, gaps });
    }
    // Numbered behind the clients.
    let probe = load.connections;
    let mut probing = Probing { sees: None, changes: 0, busy: false, next: start };
    let mut outcome = Outcome::default();
    let (mut open, mut swapped) = (0, 0);
    let mut next_swap = start + BETWEEN_SWAPS;
    let reading = meter.read();
    let end = start + BETWEEN_SWAPS * (u32::try_from(load.swaps)? + 1) + Duration::from_secs(1);
    while !left(end).is_zero() {
        clients.turn(Duration::from_micros(500), |number, link, happening| {
            let Some(client) = states.get_mut(number) else {
                return probing.take(link, happening);
            };
            match happening {
                Happening::Open => (open, client.waits) = (open + 1, false),
                Happening::Data { opcode, before, bytes, last } => {
                    if client.answers.take(&payload, (opcode, before, bytes, last))? {
                        let now = Instant::now();
                        client.waits = false;
                        if let Some(answered) = client.answered.replace(now) {
                            client.gaps.record(now - answered, 1);
                        }
                    }
                }
                Happening::Refused(refusal) => bail!("{} {}", refusal.status, refusal.body),
                Happening::Ended => outcome.dropped += 1,
                Happening::Read | Happening::Closing(_) => {}
            }
            Ok(())
        })?;
        let now = Instant::now();
        ensure!(open == load.connections || now < start + PATIENCE, "{open} connections opened");
        for (number, client) in states.iter_mut().enumerate() {
            if client.next <= now
                && !client.waits
                && let Some(link) = clients.link(number)
            {
                link.send(&message)?;
                client.waits = true;
                client.next = now.max(client.next + PACE);
            }
        }
        if !probing.busy && probing.next <= now {
            clients.open(probe, target, None)?;
            (probing.busy, probing.next) = (true, now + BETWEEN_PROBES);
        }
        if next_swap <= now && swapped < load.swaps {
            swapped += 1;
            let copy = component::distinct(&components[swapped % 2], swapped as u64);
            replace(&load.file, &copy)?;
            next_swap += BETWEEN_SWAPS;
        }
    }
    outcome.usage = reading.until(&meter.read());
    outcome.took_effect = probing.changes;
    for client in &states {
        let median = client.gaps.median();
        // One that waits still has waited for as long as that.
        let waited =
            client.answered.filter(|_| client.waits).map_or(Duration::ZERO, |at| at.elapsed());
        let worst = client.gaps.largest().max(waited).saturating_sub(median);
        outcome.worst_gap = outcome.worst_gap.max(worst);
        outcome.median = outcome.median.max(median);
    }
    ensure!(!outcome.median.is_zero(), "no client saw two answers");
    Ok(outcome)
}

/// What new connections see: whether somebody greets.
struct Probing {
    sees: Option<Vec<u8>>,
    changes: usize,
    busy: bool,
    next: Instant,
}

impl Probing {
    fn take(&mut self, link: &mut crate::client::Link, happening: Happening<'_>) -> Result<()> {
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
            Happening::Refused(refusal) => bail!("{} {}", refusal.status, refusal.body),
            Happening::Ended => self.busy = false,
            _ => {}
        }
        Ok(())
    }
}

/// Puts a file in another's place, as deploys do.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> Result<()> {
    let draft = file.with_extension("draft");
    fs::write(&draft, bytes).with_context(|| draft.display().to_string())?;
    fs::rename(&draft, file).with_context(|| file.display().to_string())
}
