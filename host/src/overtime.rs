//! Threads for events that outlive a tick.
//!
//! Nearly every event ends within a tick, on the thread that read its frame. One
//! that does not is carried on here, so that the threads that watch the sockets are
//! not held up by guests, however many of them are at work. What moves is the whole
//! future that drives the instance, and it comes back when its event has ended.

use std::future::{Future, poll_fn};
use std::io;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;

use crate::meter::Meter;

/// Sockets and short events go first where the CPU is short; long events get a
/// tenth of what those get, at the least.
const NICE: i32 = 10;

/// The threads, ended when dropped.
pub(crate) struct Overtime {
    handle: Handle,
    /// None while it is dropped, and where the threads are another's.
    runtime: Option<Runtime>,
}

/// A future that runs a guest: here, or in overtime.
pub(crate) struct Work<T> {
    meter: Arc<Meter>,
    overtime: Handle,
    place: Place<T>,
}

type Guest<T> = Pin<Box<dyn Future<Output = T> + Send>>;

enum Place<T> {
    Here(Guest<T>),
    Away {
        stint: AbortOnDropHandle<Stint<T>>,
        /// Woken after each tick of it.
        owner: Arc<AtomicWaker>,
    },
    /// It has ended, or is on its way between the two.
    Nowhere,
}

/// How a time away has ended.
enum Stint<T> {
    Done(T),
    /// The event has ended, and the next one has not come.
    AtRest(Guest<T>),
}

impl Overtime {
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .thread_name("overtime")
            // Linux has a priority for each thread. Where it can't be lowered, the
            // scheduler's own fairness has to do.
            .on_thread_start(|| {
                let _ = setpriority_process(None, NICE);
            })
            .enable_time()
            .build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// In no threads of its own, but in those of a runtime that is there already.
    #[cfg(any(test, fuzzing, feature = "bench"))]
    pub(crate) fn within(handle: Handle) -> Self {
        Self { handle, runtime: None }
    }

    /// Work that begins here. `meter` is the one that `future` is metered by.
    pub(crate) fn work<T: Send + 'static>(
        &self,
        meter: Arc<Meter>,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Work<T> {
        Work { meter, overtime: self.handle.clone(), place: Place::Here(Box::pin(future)) }
    }

    /// How many events are in overtime.
    pub(crate) fn tasks(&self) -> usize {
        self.handle.metrics().num_alive_tasks()
    }
}

impl Drop for Overtime {
    fn drop(&mut self) {
        // This may be a thread that must not block. Guests yield every tick, so the
        // threads end by themselves.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl<T: Send + 'static> Work<T> {
    /// Polls it, wherever it is. `cx` is also woken after each tick away, so that
    /// what the guest has done by then is seen.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        loop {
            match &mut self.place {
                Place::Here(guest) => {
                    if let Poll::Ready(output) = guest.as_mut().poll(cx) {
                        self.place = Place::Nowhere;
                        return Poll::Ready(output);
                    }
                    if !self.meter.has_yielded() {
                        return Poll::Pending;
                    }
                    self.send_away();
                }
                Place::Away { stint, owner } => {
                    owner.register(cx.waker());
                    match Pin::new(stint).poll(cx) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(Ok(Stint::AtRest(guest))) => self.place = Place::Here(guest),
                        Poll::Ready(Ok(Stint::Done(output))) => {
                            self.place = Place::Nowhere;
                            return Poll::Ready(output);
                        }
                        Poll::Ready(Err(error)) => {
                            self.place = Place::Nowhere;
                            if let Ok(panic) = error.try_into_panic() {
                                // The host's own mistake: as if it had happened here.
                                resume_unwind(panic);
                            }
                            // The threads have ended, and so does this one's.
                        }
                    }
                }
                Place::Nowhere => return Poll::Pending,
            }
        }
    }

    /// Runs it to its end.
    pub(crate) async fn run(mut self) -> T {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn send_away(&mut self) {
        let Place::Here(mut guest) = std::mem::replace(&mut self.place, Place::Nowhere) else {
            return;
        };
        let meter = self.meter.clone();
        let owner = Arc::<AtomicWaker>::default();
        let told = owner.clone();
        let stint = self.overtime.spawn(async move {
            let done = poll_fn(|cx| match guest.as_mut().poll(cx) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if !meter.is_running() => Poll::Ready(None),
                Poll::Pending => {
                    told.wake();
                    Poll::Pending
                }
            });
            match done.await {
                Some(output) => Stint::Done(output),
                None => Stint::AtRest(guest),
            }
        });
        self.place = Place::Away { stint: AbortOnDropHandle::new(stint), owner };
    }
}
