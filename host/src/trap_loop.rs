//! A handler that fails again and again is left alone for a while, instead of
//! burning a core on instances that can't serve.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row that are taken for chance.
const TOLERATED: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a generation's instances have come to lately. An event after `on-ready`
/// that goes well, of any instance, proves the handler sound and forgets all.
#[derive(Debug, Default)]
pub(crate) struct TrapLoop {
    in_a_row: AtomicU32,
    pause: Mutex<Option<Pause>>,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    length: Duration,
    until: Instant,
}

impl TrapLoop {
    /// An instance has failed. Returns the pause that begins with it, if one does:
    /// each is twice as long as the last. Instances that fail during a pause were
    /// there before, and say nothing new.
    pub(crate) fn failed(&self, now: Instant) -> Option<Duration> {
        if self.in_a_row.fetch_add(1, Relaxed) + 1 < TOLERATED {
            return None;
        }
        let mut pause = self.pause();
        let length = match *pause {
            Some(Pause { until, .. }) if now < until => return None,
            Some(Pause { length, .. }) => (length * 2).min(LONGEST_PAUSE),
            None => FIRST_PAUSE,
        };
        *pause = Some(Pause { length, until: now + length });
        Some(length)
    }

    /// An event has gone well.
    pub(crate) fn succeeded(&self) {
        // Nearly always there is nothing to forget.
        if self.in_a_row.load(Relaxed) != 0 {
            let mut pause = self.pause();
            self.in_a_row.store(0, Relaxed);
            *pause = None;
        }
    }

    /// How long no instance is to be started yet.
    pub(crate) fn pause_left(&self, now: Instant) -> Option<Duration> {
        if self.in_a_row.load(Relaxed) < TOLERATED {
            return None;
        }
        let pause = *self.pause();
        let left = pause?.until.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    fn pause(&self) -> MutexGuard<'_, Option<Pause>> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_pause_begins_with_the_fifth_failure_in_a_row_and_doubles_up_to_thirty_seconds() {
        let (health, mut now) = (TrapLoop::default(), Instant::now());
        for _ in 0..4 {
            assert_eq!(health.failed(now), None);
        }
        assert_eq!(health.pause_left(now), None);
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            let pause = SECOND * seconds;
            assert_eq!(health.failed(now), Some(pause));
            assert_eq!(health.pause_left(now), Some(pause));
            assert_eq!(health.failed(now + pause / 2), None, "it had been there before");
            now += pause;
            assert_eq!(health.pause_left(now), None);
        }
    }

    #[test]
    fn one_event_that_goes_well_forgets_it_all() {
        let (health, now) = (TrapLoop::default(), Instant::now());
        for _ in 0..5 {
            health.failed(now);
        }
        assert!(health.pause_left(now).is_some());
        health.succeeded();
        assert_eq!(health.pause_left(now), None);
        for _ in 0..4 {
            assert_eq!(health.failed(now), None);
        }
        assert_eq!(health.failed(now), Some(FIRST_PAUSE));
    }
}
