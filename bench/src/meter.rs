//! What a server costs while it is measured, and what else the machine did meanwhile.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::process;

/// Above this share of all cores, other processes' load spoils a sample.
const DISTURBED: f64 = 0.05;

/// How long a look at the machine takes: some of the kernel's ticks.
const LOOK: Duration = Duration::from_millis(200);

/// Looks at a server's process, where there is one that can be seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    server: Option<u32>,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    at: Instant,
    server: Option<Duration>,
    own: Duration,
    /// `None` where the system doesn't show it.
    busy: Option<Duration>,
}

/// What was used between two readings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) elapsed: Duration,
    /// The server's CPU time.
    pub(crate) server: Option<Duration>,
    /// The share of all cores that others used: 1 is all of them.
    pub(crate) foreign: Option<f64>,
}

impl Meter {
    pub(crate) fn new(server: Option<u32>) -> Self {
        Self { server }
    }

    /// The counters, as a measurement begins: looking takes milliseconds, which are not
    /// a part of it.
    pub(crate) fn start(&self) -> Reading {
        let counters = self.read();
        Reading { at: Instant::now(), ..counters }
    }

    /// The counters, as it ends.
    pub(crate) fn read(&self) -> Reading {
        Reading {
            at: Instant::now(),
            server: self.server.map(process::cpu),
            own: own_cpu(),
            busy: fs::read_to_string("/proc/stat").ok().as_deref().and_then(busy),
        }
    }
}

impl Reading {
    /// While no server runs.
    pub(crate) fn without_server() -> Self {
        Self { server: Some(Duration::ZERO), ..Meter::new(None).read() }
    }

    pub(crate) fn until(&self, end: &Self) -> Usage {
        let elapsed = end.at - self.at;
        let server = end.server.zip(self.server).map(|(end, start)| end.saturating_sub(start));
        let own = end.own.saturating_sub(self.own);
        let busy = end.busy.zip(self.busy).map(|(end, start)| end.saturating_sub(start));
        let foreign =
            busy.zip(server).map(|(busy, server)| foreign(elapsed, cores(), busy, server + own));
        Usage { elapsed, server, foreign }
    }
}

impl Usage {
    pub(crate) fn is_disturbed(&self) -> bool {
        self.foreign.is_some_and(|share| share > DISTURBED)
    }
}

/// Waits until others leave the machine alone, but not longer than this.
pub(crate) fn wait_for_calm(longest: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < longest {
        let start = Reading::without_server();
        thread::sleep(LOOK);
        if !start.until(&Reading::without_server()).is_disturbed() {
            return;
        }
    }
}

/// The share of all cores that was busy for others.
fn foreign(elapsed: Duration, cores: usize, busy: Duration, ours: Duration) -> f64 {
    busy.saturating_sub(ours).as_secs_f64() / (elapsed.as_secs_f64() * cores as f64)
}

/// How many cores the machine has, this process's own bounds left aside.
pub(crate) fn cores() -> usize {
    fs::read_to_string("/proc/stat").map_or(1, |stat| {
        stat.lines().filter(|line| line.starts_with("cpu")).count().saturating_sub(1).max(1)
    })
}

/// CPU time of this process alone: a server that it started has its own count.
fn own_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// The time that all cores spent for processes, or that the hypervisor took. Interrupts
/// are left aside: they are no process's, and here mostly the loopback's own.
fn busy(stat: &str) -> Option<Duration> {
    let counters = stat.lines().next()?.strip_prefix("cpu ")?;
    let counters: Vec<u64> =
        counters.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let [user, nice, system, _idle, _wait, _irq, _softirq, steal, ..] = counters[..] else {
        return None;
    };
    Some(process::in_ticks(user + nice + system + steal))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_machines_busy_time_leaves_idle_and_interrupts_aside() {
        let stat = "cpu  100 200 300 4000 500 60 70 400 9 9\ncpu0 1 1 1 1\n";
        assert_eq!(busy(stat), Some(process::in_ticks(1000)));
        assert_eq!(busy("intr 1 2 3"), None);
    }

    #[test]
    fn what_neither_server_nor_client_used_is_foreign() {
        assert_eq!(foreign(SECOND * 2, 2, SECOND * 3, SECOND), 0.5);
        assert_eq!(foreign(SECOND, 2, SECOND, SECOND * 2), 0.0);
    }

    #[test]
    fn a_sample_is_disturbed_from_a_twentieth_on() {
        let usage = |foreign| Usage { elapsed: SECOND, server: None, foreign };
        assert!(usage(Some(0.06)).is_disturbed());
        assert!(!usage(Some(0.04)).is_disturbed());
        assert!(!usage(None).is_disturbed(), "what can't be seen is told, not guessed");
    }

    #[test]
    fn a_usage_is_the_difference_of_two_readings() {
        let at = Instant::now();
        let start = Reading { at, server: Some(SECOND), own: SECOND, busy: Some(SECOND * 10) };
        let cores = u32::try_from(cores()).unwrap();
        let end = Reading {
            at: at + SECOND * 4,
            server: Some(SECOND * 3),
            own: SECOND * 2,
            busy: Some(SECOND * (13 + cores)),
        };
        let usage = start.until(&end);
        assert_eq!((usage.elapsed, usage.server), (SECOND * 4, Some(SECOND * 2)));
        assert_eq!(usage.foreign, Some(0.25));
    }
}
