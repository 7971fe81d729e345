//! Whether a new generation fails for more peers than the one that it has replaced.
//!
//! Counted are peers and not failures: a single one that knows how to crash a handler
//! must not be able to have a good version taken back, however often it comes. Of a
//! remote address (of IPv6 its /48, since one subscriber may have as much) all connections
//! are one peer; behind an address of this machine anybody may be, so there each
//! connection is one.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::addresses;
use crate::connection::{Connection, ConnectionId};

/// For so long after its swap a generation is on trial, and as long before it the one
/// before is looked at.
const TRIAL: Duration = Duration::from_secs(30);
/// So many more than twice as many as before are no chance.
const MARGIN: usize = 3;
/// Peers that are remembered. Whoever fails for half as many is not bettered any more.
const MAX_REMEMBERED: usize = 256;

/// The peer on whose behalf an instance was at work when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Culprit {
    /// A remote address.
    Address(IpAddr),
    /// Of a peer on this machine.
    Connection(ConnectionId),
    /// Nobody knows.
    Unknown,
}

impl Culprit {
    pub(crate) fn of(connection: &Connection) -> Self {
        match addresses::counted(connection.peer()) {
            Some(IpAddr::V6(address)) => {
                const SITE: u128 = u128::MAX << 80;
                Self::Address(Ipv6Addr::from_bits(address.to_bits() & SITE).into())
            }
            Some(address) => Self::Address(address),
            None => Self::Connection(connection.id()),
        }
    }
}

/// For whom a generation's instances have failed, and when they last did.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<HashMap<Culprit, Instant>>);

impl Failures {
    pub(crate) fn add(&self, culprit: Culprit, now: Instant) {
        let mut last = self.last();
        if last.len() >= MAX_REMEMBERED && !last.contains_key(&culprit) {
            let oldest = last.iter().min_by_key(|(_, at)| **at).map(|(culprit, _)| *culprit);
            oldest.map(|culprit| last.remove(&culprit));
        }
        last.insert(culprit, now);
    }

    /// For how many peers, in the time of a trial.
    fn lately(&self, now: Instant) -> usize {
        let last = self.last();
        last.values().filter(|at| now.saturating_duration_since(**at) <= TRIAL).count()
    }

    fn last(&self) -> MutexGuard<'_, HashMap<Culprit, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A new generation's trial.
#[derive(Debug)]
pub(crate) struct Trial {
    began: Instant,
    /// For how many peers the one before failed in as long a time.
    before: usize,
    /// It is over: the generation has failed for too many.
    failed: AtomicBool,
    /// Nothing more comes of it.
    closed: AtomicBool,
    /// Has the loader look.
    alarm: Arc<Notify>,
}

/// Why a generation is to be rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    peers: usize,
    before: usize,
}

impl Trial {
    /// Of a generation that takes over now. `failures` and `trial` are those of the one
    /// that it replaces: one that was itself new is measured by the one before it, too.
    pub(crate) fn new(
        failures: &Failures,
        trial: Option<&Self>,
        alarm: Arc<Notify>,
        now: Instant,
    ) -> Self {
        let earlier = trial.filter(|trial| trial.is_on(now)).map_or(0, |trial| trial.before);
        Self {
            began: now,
            before: failures.lately(now).max(earlier),
            failed: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            alarm,
        }
    }

    /// The same for a generation of the same component, while that is on trial.
    pub(crate) fn begun_again(&self, alarm: Arc<Notify>, now: Instant) -> Option<Self> {
        let (failed, closed) = (AtomicBool::new(false), AtomicBool::new(false));
        self.is_on(now).then_some(Self { began: now, before: self.before, failed, closed, alarm })
    }

    fn is_on(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) <= TRIAL
    }

    /// An instance of the generation has failed.
    pub(crate) fn judge(&self, failures: &Failures, now: Instant) {
        if !self.is_on(now) || failures.lately(now) < MARGIN + 2 * self.before {
            return;
        }
        self.failed.store(true, Relaxed);
        if !self.closed.load(Relaxed) {
            self.alarm.notify_one();
        }
    }

    /// There is one where the generation has failed for too many, until the trial is closed.
    pub(crate) fn verdict(&self, failures: &Failures) -> Option<Verdict> {
        let due = self.failed.load(Relaxed) && !self.closed.load(Relaxed);
        due.then(|| Verdict { peers: failures.last().len(), before: self.before })
    }

    /// The verdict has been obeyed, or can't be.
    pub(crate) fn close(&self) {
        self.closed.store(true, Relaxed);
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peers, before } = self;
        write!(
            f,
            "its instances failed for {peers} peers within {TRIAL:?} of its swap, those of the \
             generation before for {before} in as long a time"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// What comes of a generation that fails for these, after one that failed for those.
    fn verdict(
        now: Instant,
        before: &[(Culprit, u64)],
        after: &[(Culprit, u64)],
    ) -> Option<Verdict> {
        let (old, new) = (Failures::default(), Failures::default());
        for (culprit, ago) in before {
            old.add(*culprit, now - SECOND * u32::try_from(*ago).unwrap());
        }
        let trial = Trial::new(&old, None, Arc::default(), now);
        for (culprit, later) in after {
            let then = now + SECOND * u32::try_from(*later).unwrap();
            new.add(*culprit, then);
            trial.judge(&new, then);
        }
        let verdict = trial.verdict(&new);
        trial.close();
        assert_eq!(trial.verdict(&new), None);
        verdict
    }

    fn peer(number: u64) -> Culprit {
        Culprit::Connection(number)
    }

    fn later() -> Instant {
        Instant::now() + SECOND * 3600
    }

    #[test]
    fn three_peers_are_enough_where_there_were_none_before() {
        let now = later();
        let three = [(peer(1), 0), (peer(2), 10), (peer(3), 30)];
        assert_eq!(verdict(now, &[], &three), Some(Verdict { peers: 3, before: 0 }));
        assert_eq!(verdict(now, &[], &three[..2]), None);
        // Not the same ones again, and not later.
        assert_eq!(verdict(now, &[], &[(peer(1), 0), (peer(2), 1), (peer(1), 2)]), None);
        assert_eq!(verdict(now, &[], &[(peer(1), 0), (peer(2), 1), (peer(3), 31)]), None);
        // What was long before the swap is forgotten.
        assert!(verdict(now, &[(peer(7), 31)], &three).is_some());
        assert_eq!(verdict(now, &[(peer(7), 30)], &three), None);
    }

    #[test]
    fn one_that_fails_as_the_one_before_did_stays() {
        let now = later();
        let before: Vec<_> = (1..=4).map(|number| (peer(number), number)).collect();
        let after: Vec<_> = (1..=11).map(|number| (peer(10 + number), number)).collect();
        assert_eq!(verdict(now, &before, &after[..10]), None);
        assert_eq!(verdict(now, &before, &after), Some(Verdict { peers: 11, before: 4 }));
    }

    #[test]
    fn two_swaps_in_a_row_are_measured_by_what_was_before_the_first() {
        let now = later();
        let (first, second, third) =
            (Failures::default(), Failures::default(), Failures::default());
        first.add(peer(1), now);
        let trial = Trial::new(&first, None, Arc::default(), now);
        let soon = Trial::new(&second, Some(&trial), Arc::default(), now + SECOND);
        let late = Trial::new(&second, Some(&trial), Arc::default(), now + SECOND * 31);
        for number in 0..3 {
            third.add(peer(number), now + SECOND * 31);
        }
        soon.judge(&third, now + SECOND * 31);
        late.judge(&third, now + SECOND * 31);
        assert_eq!(soon.verdict(&third), None);
        assert!(late.verdict(&third).is_some());
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_oldest_goes() {
        let (failures, now) = (Failures::default(), later());
        failures.add(peer(0), now - SECOND);
        for number in 1..1000 {
            failures.add(peer(number), now);
        }
        assert_eq!(failures.last().len(), MAX_REMEMBERED);
        assert!(!failures.last().contains_key(&peer(0)));
    }
}
