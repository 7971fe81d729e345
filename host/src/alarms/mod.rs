//! The timers that an instance has set. They belong to where its events come from, a
//! connection or a room, and so outlive the instance where another one takes over from it
//! or is to come back.
//!
//! There is no task for them: a session has the next one among its own deadlines, and a
//! room's task waits for it.

mod imports;

use std::time::Duration;

use tokio::time::Instant;
use wasmtime::component::{ComponentType, Lower};

pub(crate) use imports::link;

/// Names a timer; never given twice by one connection or room.
pub(crate) type TimerId = u64;

/// A timer that goes off sooner or more often than this is refused.
pub(crate) const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[derive(Debug, Default)]
pub(crate) struct Alarms {
    /// Few of them, so that finding a place costs less than what an ordered map takes.
    /// The next one is the last.
    timers: Vec<Timer>,
    last: TimerId,
    /// The event before was one of them.
    pub(crate) rang: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Timer {
    at: Instant,
    id: TimerId,
    /// None where it goes off once.
    every: Option<Duration>,
}

/// See the WIT, `set-outcome`.
#[derive(Clone, Copy, ComponentType, Debug, Lower, PartialEq, Eq)]
#[component(variant)]
pub(crate) enum SetOutcome {
    #[component(name = "set")]
    Set(TimerId),
    #[component(name = "full")]
    Full,
    #[component(name = "out-of-range")]
    OutOfRange,
    #[component(name = "unavailable")]
    Unavailable,
}

/// See the WIT, `cancel-outcome`.
#[derive(Clone, Copy, ComponentType, Debug, Lower, PartialEq, Eq)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum CancelOutcome {
    #[component(name = "cancelled")]
    Cancelled,
    #[component(name = "not-set")]
    NotSet,
}

/// When a timer is to go off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    after: Duration,
    every: Option<Duration>,
}

impl Wanted {
    /// None where it is out of range.
    fn of(after: u64, every: Option<u64>) -> Option<Self> {
        let range = SHORTEST..=LONGEST;
        let in_range = |milliseconds| {
            Some(Duration::from_millis(milliseconds)).filter(|time| range.contains(time))
        };
        let every = match every {
            Some(every) => Some(in_range(every)?),
            None => None,
        };
        Some(Self { after: in_range(after)?, every })
    }
}

impl Alarms {
    /// Sets a timer, unless there are `max` already.
    pub(crate) fn set(&mut self, Wanted { after, every }: Wanted, max: usize) -> SetOutcome {
        if self.timers.len() >= max {
            return SetOutcome::Full;
        }
        self.last += 1;
        self.insert(Timer { at: Instant::now() + after, id: self.last, every });
        SetOutcome::Set(self.last)
    }

    pub(crate) fn cancel(&mut self, id: TimerId) -> CancelOutcome {
        match self.timers.iter().position(|timer| timer.id == id) {
            Some(place) => {
                self.timers.remove(place);
                CancelOutcome::Cancelled
            }
            None => CancelOutcome::NotSet,
        }
    }

    /// When the next one goes off.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.timers.last().map(|timer| timer.at)
    }

    /// Whether one has gone off, and has not been taken.
    pub(crate) fn are_due(&self) -> bool {
        self.next_at().is_some_and(|at| at <= Instant::now())
    }

    /// The one that has gone off first. A repeating one that is late by more than its
    /// period does not make up for that.
    pub(crate) fn take_due(&mut self) -> Option<TimerId> {
        let now = Instant::now();
        let timer = self.timers.pop_if(|timer| timer.at <= now)?;
        let id = timer.id;
        if let Some(every) = timer.every {
            let late = (now - timer.at).as_nanos() % every.as_nanos();
            // Less than a year.
            let late = Duration::from_nanos(late as u64);
            self.insert(Timer { at: now + (every - late), ..timer });
        }
        Some(id)
    }

    fn insert(&mut self, timer: Timer) {
        let later = |other: &Timer| (other.at, other.id) > (timer.at, timer.id);
        let place = self.timers.partition_point(later);
        self.timers.insert(place, timer);
    }

    pub(crate) fn are_set(&self) -> bool {
        !self.timers.is_empty()
    }

    /// Those that are set, for [`Self::restore`].
    pub(crate) fn timers(&self) -> Vec<Timer> {
        self.timers.clone()
    }

    /// What has been set and cancelled since is undone. No id is given again.
    pub(crate) fn restore(&mut self, timers: Vec<Timer>) {
        self.timers = timers;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn milliseconds(after: u64, every: Option<u64>) -> Wanted {
        Wanted::of(after, every).unwrap()
    }

    fn due(alarms: &mut Alarms) -> Vec<TimerId> {
        std::iter::from_fn(|| alarms.take_due()).collect()
    }

    async fn pass(milliseconds: u64) {
        advance(Duration::from_millis(milliseconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn they_go_off_in_the_order_of_their_times_and_then_of_their_setting() {
        let mut alarms = Alarms::default();
        for after in [30, 10, 20, 10] {
            alarms.set(milliseconds(after, None), 9);
        }
        assert_eq!(due(&mut alarms), [0; 0]);
        pass(10).await;
        assert!(alarms.are_due());
        assert_eq!(due(&mut alarms), [2, 4]);
        assert!(!alarms.are_due());
        pass(25).await;
        assert_eq!(due(&mut alarms), [3, 1]);
        assert!(!alarms.are_set());
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeating_one_keeps_its_beat_and_is_taken_once_however_late() {
        let mut alarms = Alarms::default();
        alarms.set(milliseconds(15, Some(10)), 9);
        let began = Instant::now();
        let next = |alarms: &Alarms| (alarms.next_at().unwrap() - began).as_millis();
        pass(16).await;
        assert_eq!(due(&mut alarms), [1]);
        assert_eq!(next(&alarms), 25);
        pass(100).await;
        assert_eq!(due(&mut alarms), [1]);
        assert_eq!(next(&alarms), 125);
        pass(9).await;
        assert_eq!(due(&mut alarms), [1]);
        assert_eq!(next(&alarms), 135);
        assert_eq!(alarms.cancel(1), CancelOutcome::Cancelled);
        assert_eq!(alarms.cancel(1), CancelOutcome::NotSet);
        assert_eq!(alarms.next_at(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_so_many_at_once() {
        let mut alarms = Alarms::default();
        let wanted = milliseconds(10, None);
        assert_eq!(alarms.set(wanted, 2), SetOutcome::Set(1));
        assert_eq!(alarms.set(wanted, 2), SetOutcome::Set(2));
        assert_eq!(alarms.set(wanted, 2), SetOutcome::Full);
        alarms.cancel(1);
        assert_eq!(alarms.set(wanted, 2), SetOutcome::Set(3));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_undone_gives_no_id_again() {
        let mut alarms = Alarms::default();
        let wanted = milliseconds(10, None);
        alarms.set(wanted, 9);
        let before = alarms.timers();
        alarms.set(wanted, 9);
        alarms.cancel(1);
        alarms.restore(before);
        assert_eq!(alarms.set(wanted, 9), SetOutcome::Set(3));
        pass(10).await;
        assert_eq!(due(&mut alarms), [1, 3]);
    }

    #[test]
    fn times_are_between_ten_milliseconds_and_a_year() {
        let year = 365 * 24 * 60 * 60 * 1000;
        for (after, every) in [(10, None), (year, Some(10)), (10, Some(year))] {
            assert!(Wanted::of(after, every).is_some(), "{after} {every:?}");
        }
        for (after, every) in
            [(0, None), (9, None), (year + 1, None), (10, Some(9)), (10, Some(u64::MAX))]
        {
            assert!(Wanted::of(after, every).is_none(), "{after} {every:?}");
        }
    }
}
