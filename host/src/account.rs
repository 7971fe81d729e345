//! What the instances and connections of one handler use together, over all its
//! generations, and how much of each they may: so that one handler, however many
//! connections it has, leaves the others their share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::Semaphore;

use crate::config::{Config, Limits};
use crate::guest_log::LogBudget;
use crate::metrics::HandlerMetrics;

/// What the log may say about one handler in a second, in bytes. Failures and
/// slow events are told one by one, and a hostile client can bring them about.
const NOTICE_RATE: usize = 8 * 1024;

pub(crate) struct Account {
    /// The handler's name.
    pub(crate) name: Arc<str>,
    pub(crate) metrics: HandlerMetrics,
    /// Linear memory.
    pub(crate) memory: Budget,
    /// Messages that wait to be sent.
    pub(crate) queued: Budget,
    pub(crate) instances: Arc<Semaphore>,
    /// Events that have used up a tick go on one at a time for each core, so that
    /// a handler with many of them gets no larger share of the CPU than one with few.
    pub(crate) turns: Arc<Semaphore>,
    pub(crate) log: LogBudget,
    pub(crate) notices: LogBudget,
}

/// What all handlers may use together.
pub(crate) struct Totals {
    memory: Arc<Budget>,
    queued: Arc<Budget>,
    turns: usize,
}

/// A number of bytes, of which parts are taken and given back.
pub(crate) struct Budget {
    name: &'static str,
    used: AtomicUsize,
    max: usize,
    /// What is taken here is taken there as well.
    of: Option<Arc<Budget>>,
}

impl Totals {
    pub(crate) fn new(config: &Config) -> Self {
        let total = |name, max| Arc::new(Budget { name, used: AtomicUsize::new(0), max, of: None });
        Self {
            memory: total("max-total-memory", config.max_total_memory),
            queued: total("max-total-queue", config.max_total_queue),
            turns: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

impl Account {
    pub(crate) fn new(name: Arc<str>, limits: &Limits, totals: &Totals) -> Self {
        let metrics = HandlerMetrics::new(&name);
        let part = |name, max, of: &Arc<Budget>| Budget {
            name,
            used: AtomicUsize::new(0),
            max,
            of: Some(of.clone()),
        };
        Self {
            memory: part("max-handler-memory", limits.max_handler_memory, &totals.memory),
            queued: part("max-handler-queue", limits.max_handler_queue, &totals.queued),
            instances: Arc::new(Semaphore::new(
                limits.max_handler_instances.min(Semaphore::MAX_PERMITS),
            )),
            turns: Arc::new(Semaphore::new(totals.turns)),
            log: LogBudget::of_guests(limits.max_log_rate, metrics.log_lines_dropped.clone()),
            notices: LogBudget::of_notices(NOTICE_RATE),
            name,
            metrics,
        }
    }

    /// Whether the log may have one more line about this handler.
    pub(crate) fn may_notice(&self) -> bool {
        self.notices.admit(&self.name, 0)
    }
}

impl Budget {
    /// Takes all of `bytes` or nothing. The error is the name of the limit.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), &'static str> {
        let taken = self.used.fetch_update(Relaxed, Relaxed, |used| {
            used.checked_add(bytes).filter(|used| *used <= self.max)
        });
        taken.map_err(|_| self.name)?;
        match &self.of {
            Some(of) => of.take(bytes).inspect_err(|_| self.give_back_here(bytes)),
            None => Ok(()),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_handler_takes_the_others_do_not_have() {
        let config = Config { max_total_queue: 100, ..Config::default() };
        let limits = Limits { max_handler_queue: 60, ..Limits::default() };
        let totals = Totals::new(&config);
        let [one, two] = ["one", "two"].map(|name| Account::new(name.into(), &limits, &totals));
        assert_eq!(one.queued.take(61), Err("max-handler-queue"));
        assert_eq!(one.queued.take(60), Ok(()));
        assert_eq!(one.queued.take(1), Err("max-handler-queue"));
        assert_eq!(two.queued.take(41), Err("max-total-queue"));
        assert_eq!(two.queued.take(40), Ok(()));
        one.queued.give_back(60);
        assert_eq!(two.queued.take(20), Ok(()));
        assert_eq!(one.queued.take(41), Err("max-total-queue"));
        assert_eq!(one.queued.take(40), Ok(()));
    }
}
