//! What the task that delivers needs to write to sockets itself.
//!
//! A wake, a poll and the timers of a session are a fifth of what a delivery costs.
//! Where nothing is before a message, the task that would only wake the session writes
//! it instead, as long as this keeps no other thread from its share of the work: of so
//! many threads that serve sockets, each has as many subscribers to write to.

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::outbound::Lent;

pub(super) struct Hand {
    threads: usize,
    /// Subscribers since the last one that was written to.
    since: usize,
    buffer: Vec<u8>,
    now: Instant,
}

impl Hand {
    pub(super) fn new(runtime: Option<&Handle>) -> Self {
        let threads = runtime.map_or(1, |runtime| runtime.metrics().num_workers());
        Self { threads, since: 0, buffer: Vec::new(), now: Instant::now() }
    }

    /// Looks at the clock, for all that is written until it is looked at again.
    pub(super) fn look(&mut self) {
        self.now = Instant::now();
    }

    /// What the next subscriber is written to with, unless that is for another thread.
    pub(super) fn take(&mut self) -> Option<Lent<'_>> {
        self.since += 1;
        if self.since < self.threads {
            return None;
        }
        self.since = 0;
        Some(Lent { buffer: &mut self.buffer, now: self.now })
    }
}
