//! What one event may use: CPU time of its thread, and time on the wall; and when
//! it is its turn to go on.
//!
//! Nearly every event ends within one tick of the epoch, and for those nothing
//! is measured. From its first tick on, an event is metered: its thread's CPU
//! time is read at each tick and around each wait.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tokio_util::sync::PollSemaphore;

use crate::clock::Clock;
use crate::failure::Failure;

/// Shared by the store, whose epoch callback counts, by the future that drives the
/// event, and by who polls that. Only one thread uses it at a time.
pub(crate) struct Meter {
    clock: Arc<Clock>,
    /// An event is under way.
    running: AtomicBool,
    metered: AtomicBool,
    warned: AtomicBool,
    /// The guest's code has yielded, and not gone on since.
    yielded: AtomicBool,
    /// The event waits in a call of the host.
    waits: AtomicBool,
    /// A call of the host that had to wait has returned.
    returned: AtomicBool,
    used: AtomicU64,
    resumed: AtomicU64,
}

impl Meter {
    pub(crate) fn new(clock: Arc<Clock>) -> Self {
        let flag = || AtomicBool::new(false);
        Self {
            clock,
            running: flag(),
            metered: flag(),
            warned: flag(),
            yielded: flag(),
            waits: flag(),
            returned: flag(),
            used: AtomicU64::new(0),
            resumed: AtomicU64::new(0),
        }
    }

    /// An event begins.
    pub(crate) fn begin(&self) {
        self.clock.keep_ticking();
        self.running.store(true, Relaxed);
        for flag in [&self.metered, &self.warned, &self.yielded, &self.waits] {
            flag.store(false, Relaxed);
        }
        // The time of the event before does not count.
        self.returned.store(true, Relaxed);
        self.used.store(0, Relaxed);
    }

    /// A tick has come that changes nothing.
    pub(crate) fn keep_ticking(&self) {
        self.clock.keep_ticking();
    }

    /// The guest waits for its next event, in a call that goes on.
    pub(crate) fn rest(&self) {
        self.running.store(false, Relaxed);
    }

    fn resume(&self) {
        self.clock.keep_ticking();
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

    /// A tick of the epoch while the guest runs; it yields after that. Returns the
    /// CPU time that the event has used so far, at most one tick and a half too little.
    pub(crate) fn tick(&self) -> Duration {
        self.clock.keep_ticking();
        self.yielded.store(true, Relaxed);
        // Where the guest's code runs, what it waited for has come.
        if self.waits.swap(false, Relaxed) {
            self.returned.store(true, Relaxed);
        }
        if !self.metered.swap(true, Relaxed) {
            self.resumed.store(thread_cpu_time(), Relaxed);
            return Duration::ZERO;
        }
        Duration::from_nanos(self.add_since_resumed())
    }

    /// Whether an event is under way, rather than awaited.
    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Relaxed)
    }

    /// Whether an event is under way that has used up a tick and could go on.
    pub(crate) fn has_yielded(&self) -> bool {
        self.is_running() && self.yielded.load(Relaxed)
    }

    /// True once for each event.
    pub(crate) fn warn_once(&self) -> bool {
        !self.warned.swap(true, Relaxed)
    }

    /// Drives one event to its end. No longer than `wall` may pass without the
    /// return of a call of the host; and after each yield it goes on when it is
    /// its turn.
    pub(crate) fn event<T>(
        self: &Arc<Self>,
        wall: Duration,
        turns: &Arc<Semaphore>,
        event: impl Future<Output = wasmtime::Result<T>>,
    ) -> impl Future<Output = Result<T, Failure>> {
        self.event_in_turn(wall, turns, None, event)
    }

    /// The same for one that has waited for its turn before it began.
    pub(crate) async fn event_in_turn<T>(
        self: &Arc<Self>,
        wall: Duration,
        turns: &Arc<Semaphore>,
        mut turn: Option<Turn>,
        event: impl Future<Output = wasmtime::Result<T>>,
    ) -> Result<T, Failure> {
        self.begin();
        let mut event = pin!(event);
        // Only an event that waits or yields pays for these.
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        let result = std::future::poll_fn(|cx| {
            if turn.as_mut().is_none_or(|turn| turn.poll(cx).is_ready()) {
                self.yielded.store(false, Relaxed);
                self.resume();
                let polled = event.as_mut().poll(cx);
                self.pause();
                if let Poll::Ready(result) = polled {
                    return Poll::Ready(result.map_err(Failure::of));
                }
                if !self.is_running() {
                    (timer, turn) = (None, None);
                    return Poll::Pending;
                }
                let yielded = self.yielded.load(Relaxed);
                self.waits.store(!yielded, Relaxed);
                turn = yielded.then(|| Turn::after(turn.take(), turns));
            }
            if self.returned.swap(false, Relaxed) {
                timer = None;
            }
            timer
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(wall)))
                .as_mut()
                .poll(cx)
                .map(|()| Err(Failure::WallTime(wall)))
        })
        .await;
        self.running.store(false, Relaxed);
        result
    }
}

/// The right of an event that has yielded to go on for a tick. It is had before
/// the event waits for its thread, so that the others wait for their turn, and
/// not in the runtime's queue.
pub(crate) struct Turn {
    next: PollSemaphore,
    permit: Option<OwnedSemaphorePermit>,
    over: bool,
}

impl Turn {
    /// Waits for the turn of an event that has not begun. Whether it had to be waited for.
    pub(crate) async fn first(turns: &Arc<Semaphore>) -> (Self, bool) {
        let (permit, waited) = match turns.clone().try_acquire_owned() {
            Ok(permit) => (Some(permit), false),
            // It is never closed.
            Err(_) => (turns.clone().acquire_owned().await.ok(), true),
        };
        (Self { next: PollSemaphore::new(turns.clone()), permit, over: false }, waited)
    }

    /// The last turn is over, if there was one. It is given up when the event is
    /// polled again: who is woken by it runs at once, and must not run before the
    /// tasks that wait for the thread by now.
    fn after(last: Option<Self>, turns: &Arc<Semaphore>) -> Self {
        match last {
            Some(last) => Self { over: true, ..last },
            None => Self { next: PollSemaphore::new(turns.clone()), permit: None, over: false },
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.over {
            self.permit = None;
            self.over = false;
        }
        if self.permit.is_none() {
            self.permit = ready!(self.next.poll_acquire(cx));
        }
        Poll::Ready(())
    }
}

fn thread_cpu_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // CPU time is never negative.
    (time.tv_sec as u64) * 1_000_000_000 + time.tv_nsec as u64
}
