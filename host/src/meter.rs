//! What one event may use: CPU time of its thread, and time on the wall.
//!
//! Nearly every event ends within one tick of the epoch, and for those nothing
//! is measured. From its first tick on, an event is metered: its thread's CPU
//! time is read at each tick and around each wait.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Sleep;

use crate::failure::Failure;

/// Time between two ticks of the epoch: how long a guest runs before it yields.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Shared by the store, whose epoch callback counts, and by the future that
/// drives the event. Only one thread uses it at a time.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    metered: AtomicBool,
    used: AtomicU64,
    resumed: AtomicU64,
}

impl Meter {
    fn begin(&self) {
        self.metered.store(false, Relaxed);
        self.used.store(0, Relaxed);
    }

    fn resume(&self) {
        if self.metered.load(Relaxed) {
            self.resumed.store(thread_cpu_time(), Relaxed);
        }
    }

    fn pause(&self) {
        if self.metered.load(Relaxed) {
            self.add_since_resumed();
        }
    }

    fn add_since_resumed(&self) -> u64 {
        let now = thread_cpu_time();
        let since = now.saturating_sub(self.resumed.swap(now, Relaxed));
        self.used.fetch_add(since, Relaxed) + since
    }

    /// A tick of the epoch while the guest runs. Returns the CPU time that the
    /// event has used so far, at most one tick too little.
    pub(crate) fn tick(&self) -> Duration {
        if !self.metered.swap(true, Relaxed) {
            self.resumed.store(thread_cpu_time(), Relaxed);
            return Duration::ZERO;
        }
        Duration::from_nanos(self.add_since_resumed())
    }

    /// Drives one event to its end, for no longer than `wall`.
    pub(crate) async fn event<T>(
        self: &Arc<Self>,
        wall: Duration,
        event: impl Future<Output = wasmtime::Result<T>>,
    ) -> Result<T, Failure> {
        self.begin();
        let mut event = pin!(event);
        // Only an event that waits or yields pays for a timer.
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        std::future::poll_fn(|cx| {
            self.resume();
            let polled = event.as_mut().poll(cx);
            self.pause();
            match polled {
                Poll::Ready(result) => Poll::Ready(result.map_err(Failure::of)),
                Poll::Pending => timer
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep(wall)))
                    .as_mut()
                    .poll(cx)
                    .map(|()| Err(Failure::WallTime(wall))),
            }
        })
        .await
    }
}

fn thread_cpu_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // CPU time is never negative.
    (time.tv_sec as u64) * 1_000_000_000 + time.tv_nsec as u64
}
