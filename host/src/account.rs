//! What the instances and connections of one handler use together, over all its
//! generations, and how much of each they may: so that one handler, however many
//! connections it has, leaves the others their share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::{Notify, Semaphore};

use crate::config::{Config, Limits};
use crate::guest_log::LogBudget;
use crate::instances::MAX_MOVES;
use crate::metrics::HandlerMetrics;
use crate::topics::{HandlerTopics, Topics};
use crate::upstream::{HandlerUpstreams, Upstreams};

/// What the log may say about one handler in a second, in bytes. Failures and
/// slow events are told one by one, and a hostile client can bring them about.
const NOTICE_RATE: usize = 8 * 1024;

pub(crate) struct Account {
    /// The handler's name.
    pub(crate) name: Arc<str>,
    pub(crate) metrics: HandlerMetrics,
    /// Linear memory.
    pub(crate) memory: Budget,
    /// Messages that wait to be sent, to be handled, or for their rest.
    pub(crate) queued: Budget,
    pub(crate) instances: Arc<Seats>,
    /// Events that have used up a tick go on one at a time for each core, so that
    /// a handler with many of them gets no larger share of the CPU than one with few.
    pub(crate) turns: Arc<Semaphore>,
    /// Instances whose connections move to another one at a time: a handler whose moves
    /// take long leaves the others theirs.
    pub(crate) moves: Arc<Semaphore>,
    pub(crate) topics: HandlerTopics,
    pub(crate) upstreams: HandlerUpstreams,
    pub(crate) log: LogBudget,
    pub(crate) notices: LogBudget,
}

/// What all handlers may use together.
pub(crate) struct Totals {
    memory: Arc<Budget>,
    pub(crate) queued: Arc<Budget>,
    /// Told when queues have come to a bound, of a handler or of all.
    pub(crate) pressure: Arc<Notify>,
    topics: Arc<Topics>,
    upstreams: Arc<Upstreams>,
    turns: usize,
}

/// A number of bytes, of which parts are taken and given back.
pub(crate) struct Budget {
    name: &'static str,
    used: AtomicUsize,
    max: AtomicUsize,
    beyond: Beyond,
    /// What is taken here is taken there as well.
    of: Option<Arc<Budget>>,
}

/// How many there may be of something.
pub(crate) struct Seats {
    taken: AtomicUsize,
    max: AtomicUsize,
}

/// One of them, given up when dropped.
pub(crate) struct Seat(Arc<Seats>);

/// What happens at the bound.
enum Beyond {
    /// More is refused. The last eighth is for handlers that have no more than that.
    Refused,
    /// Somebody is told, who sees to it that there is less; and a quarter more is
    /// refused.
    Told(Arc<Notify>),
}

/// What one connection has taken of its handler's queues, given back when dropped.
pub(crate) struct Charge {
    account: Arc<Account>,
    taken: usize,
}

/// So much of a queue is free: the short queues of many sound connections are never
/// in the way of anything.
const FREE: usize = 16 * 1024;

impl Totals {
    pub(crate) fn new(config: &Config) -> Self {
        let total = |name, max: usize, beyond| {
            Arc::new(Budget { name, used: AtomicUsize::new(0), max: max.into(), beyond, of: None })
        };
        let pressure = Arc::<Notify>::default();
        let told = Beyond::Told(pressure.clone());
        Self {
            memory: total("max-total-memory", config.max_total_memory, Beyond::Refused),
            queued: total("max-total-queue", config.max_total_queue, told),
            pressure,
            topics: Topics::new(),
            upstreams: Upstreams::new(),
            turns: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

impl Account {
    pub(crate) fn new(name: Arc<str>, limits: &Limits, totals: &Totals) -> Self {
        let metrics = HandlerMetrics::new(&name);
        let part = |name, max, beyond, of: &Arc<Budget>| Budget {
            name,
            used: AtomicUsize::new(0),
            max: AtomicUsize::new(max),
            beyond,
            of: Some(of.clone()),
        };
        let told = Beyond::Told(totals.pressure.clone());
        let (memory, queue) = (limits.max_handler_memory, limits.max_handler_queue);
        Self {
            memory: part("max-handler-memory", memory, Beyond::Refused, &totals.memory),
            queued: part("max-handler-queue", queue, told, &totals.queued),
            instances: Arc::new(Seats::new(limits.max_handler_instances)),
            turns: Arc::new(Semaphore::new(totals.turns)),
            moves: Arc::new(Semaphore::new(MAX_MOVES / 4)),
            topics: totals.topics.of(name.clone()),
            upstreams: totals.upstreams.of(limits.max_handler_http_requests),
            log: LogBudget::of_guests(limits.max_log_rate, metrics.log_lines_dropped.clone()),
            notices: LogBudget::of_notices(NOTICE_RATE),
            name,
            metrics,
        }
    }

    /// Takes up the limits of another generation. What is in use beyond them stays.
    pub(crate) fn adopt(&self, limits: &Limits) {
        self.memory.max.store(limits.max_handler_memory, Relaxed);
        self.queued.max.store(limits.max_handler_queue, Relaxed);
        self.instances.set_max(limits.max_handler_instances);
        self.upstreams.requests.set_max(limits.max_handler_http_requests);
        self.log.set_rate(limits.max_log_rate);
    }

    /// Whether the log may have one more line about this handler.
    pub(crate) fn may_notice(&self) -> bool {
        self.notices.admit(&self.name, 0)
    }
}

impl Seats {
    pub(crate) fn new(max: usize) -> Self {
        Self { taken: AtomicUsize::new(0), max: AtomicUsize::new(max) }
    }

    fn set_max(&self, max: usize) {
        self.max.store(max, Relaxed);
    }

    /// Whether there are as many as there may be.
    pub(crate) fn are_taken(&self) -> bool {
        self.taken.load(Relaxed) >= self.max.load(Relaxed)
    }

    /// One more, unless there are as many as there may be.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Seat> {
        let max = self.max.load(Relaxed);
        let free = |taken| (taken < max).then_some(taken + 1);
        self.taken.fetch_update(Relaxed, Relaxed, free).ok()?;
        Some(Seat(self.clone()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Relaxed);
    }
}

impl Budget {
    fn max(&self) -> usize {
        self.max.load(Relaxed)
    }

    /// Takes all of `bytes` or nothing. The error is the name of the limit.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), &'static str> {
        let own = self.take_here(bytes, self.bound())?;
        match &self.of {
            Some(of) => of
                .take_here(bytes, of.bound_for(own))
                .map(drop)
                .inspect_err(|_| self.give_back_here(bytes)),
            None => Ok(()),
        }
    }

    /// Takes what has been used already, whatever the bound.
    pub(crate) fn take_anyway(&self, bytes: usize) {
        // Nothing comes near to a machine's address space.
        let _ = self.take_here(bytes, usize::MAX);
        if let Some(of) = &self.of {
            of.take_anyway(bytes);
        }
    }

    /// What is in use now.
    fn take_here(&self, bytes: usize, bound: usize) -> Result<usize, &'static str> {
        let before = self.used.fetch_update(Relaxed, Relaxed, |used| {
            used.checked_add(bytes).filter(|used| *used <= bound)
        });
        let used = before.map_err(|_| self.name)? + bytes;
        if let Beyond::Told(pressure) = &self.beyond
            && used > self.max()
        {
            pressure.notify_one();
        }
        Ok(used)
    }

    fn bound(&self) -> usize {
        match self.beyond {
            Beyond::Refused => self.max(),
            Beyond::Told(_) => self.max().saturating_add(self.max() / 4),
        }
    }

    /// The bound for a part that uses so much.
    fn bound_for(&self, part: usize) -> usize {
        match self.beyond {
            Beyond::Refused if part > self.max() / 8 => self.max() - self.max() / 8,
            _ => self.bound(),
        }
    }

    /// The name of the bound that is reached, here or further up.
    pub(crate) fn full(&self) -> Option<&'static str> {
        let full = self.used.load(Relaxed) >= self.bound();
        full.then_some(self.name).or_else(|| self.of.as_ref()?.full())
    }

    /// How much is in use beyond three quarters of the bound, once that is reached.
    pub(crate) fn surplus(&self) -> Option<usize> {
        let used = self.used.load(Relaxed);
        (used > self.max()).then(|| used - self.max() / 4 * 3)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.give_back_here(bytes);
        if let Some(of) = &self.of {
            of.give_back(bytes);
        }
    }

    fn give_back_here(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Relaxed);
    }
}

impl Charge {
    pub(crate) fn new(account: Arc<Account>) -> Self {
        Self { account, taken: 0 }
    }

    /// What is not free of what was last set.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    /// Takes what a queue of so many bytes comes to, if it may be as long.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), &'static str> {
        let due = bytes.saturating_sub(FREE);
        if due > self.taken {
            self.account.queued.take(due - self.taken)?;
            self.taken = due;
        }
        Ok(())
    }

    /// Takes or gives back until it is what a queue of so many bytes comes to.
    pub(crate) fn set(&mut self, bytes: usize) {
        let due = bytes.saturating_sub(FREE);
        if due > self.taken {
            self.account.queued.take_anyway(due - self.taken);
        } else if due < self.taken {
            self.account.queued.give_back(self.taken - due);
        }
        self.taken = due;
    }

    /// The name of the bound, where a queue that is not short has to wait because
    /// all of them are too long.
    pub(crate) fn held_up(&self) -> Option<&'static str> {
        if self.taken == 0 { None } else { self.account.queued.full() }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_handler_takes_the_others_do_not_have_but_for_an_eighth() {
        let config = Config { max_total_memory: 160, ..Config::default() };
        let limits = Limits { max_handler_memory: 100, ..Limits::default() };
        let totals = Totals::new(&config);
        let account = |name: &str| Account::new(name.into(), &limits, &totals);
        let (one, two, three) = (account("one"), account("two"), account("three"));
        assert_eq!(one.memory.take(101), Err("max-handler-memory"));
        assert_eq!(one.memory.take(100), Ok(()));
        assert_eq!(one.memory.take(1), Err("max-handler-memory"));
        assert_eq!(two.memory.take(41), Err("max-total-memory"));
        assert_eq!(two.memory.take(40), Ok(()));
        assert_eq!(two.memory.take(1), Err("max-total-memory"));
        assert_eq!(three.memory.take(20), Ok(()));
        one.memory.give_back(100);
        assert_eq!(two.memory.take(60), Ok(()));
        assert_eq!(one.memory.take(21), Err("max-total-memory"));
        assert_eq!(one.memory.take(20), Ok(()));
    }

    #[test]
    fn limits_of_another_generation_hold_for_what_comes_after_them() {
        let totals = Totals::new(&Config::default());
        let account = Account::new("one".into(), &Limits::default(), &totals);
        let seats: Vec<_> = (0..3).filter_map(|_| account.instances.take()).collect();
        account.memory.take(100).unwrap();
        let limits =
            Limits { max_handler_instances: 2, max_handler_memory: 50, ..Limits::default() };
        account.adopt(&limits);
        assert_eq!(seats.len(), 3);
        assert!(account.instances.take().is_none());
        assert_eq!(account.memory.take(1), Err("max-handler-memory"));
        account.memory.give_back(60);
        account.memory.take(10).unwrap();
        let mut seats = seats.into_iter();
        drop(seats.next());
        assert!(account.instances.take().is_none());
        drop(seats.next());
        assert!(account.instances.take().is_some());
    }

    #[test]
    fn queues_may_be_a_little_longer_than_their_bound_while_somebody_sees_to_it() {
        let config = Config { max_total_queue: 100, ..Config::default() };
        let totals = Totals::new(&config);
        let account = Account::new("one".into(), &Limits::default(), &totals);
        assert_eq!(account.queued.take(100), Ok(()));
        assert_eq!(totals.queued.surplus(), None);
        assert_eq!(account.queued.take(25), Ok(()));
        assert_eq!(
            (totals.queued.surplus(), account.queued.full()),
            (Some(50), Some("max-total-queue"))
        );
        assert_eq!(account.queued.take(1), Err("max-total-queue"));
        account.queued.take_anyway(100);
        account.queued.give_back(200);
        assert_eq!((totals.queued.surplus(), account.queued.full()), (None, None));
    }
}
