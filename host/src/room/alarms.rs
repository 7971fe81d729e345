//! The timers of a room's instance. One that has gone off stands in the room's line like
//! a connection with an event, and waits for its turn.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;

use tokio::time::{Instant, Sleep, sleep_until};

use super::{Room, Turn};
use crate::alarms::{Alarms, SetOutcome, TimerId, Wanted};

impl Room {
    pub(crate) fn set_timer(&self, wanted: Wanted, max: usize) -> SetOutcome {
        let outcome = self.inner().alarms.get_or_insert_default().set(wanted, max);
        self.timed.store(true, Relaxed);
        outcome
    }

    /// None where no timer has ever been set.
    pub(crate) fn with_alarms<T>(&self, what: impl FnOnce(&mut Alarms) -> T) -> Option<T> {
        let result = self.inner().alarms.as_deref_mut().map(what);
        // It is looked at again whether there are any.
        self.timed.fetch_or(result.is_some(), Relaxed);
        result
    }

    /// The timer whose turn it is, if there still is one. Another one that has gone off
    /// stands behind everybody else.
    pub(super) fn take_alarm(&self) -> Option<TimerId> {
        let mut inner = self.inner();
        let alarms = inner.alarms.as_mut()?;
        let (timer, more) = (alarms.take_due(), alarms.are_due());
        inner.ringing = more;
        if more {
            inner.line.push_back(Turn::Alarm);
        }
        timer
    }

    /// When the next one goes off. None while one stands in line.
    fn next_alarm(&self) -> Option<Instant> {
        // Nearly no room has any, and then this is all that it costs.
        if !self.timed.load(Relaxed) {
            return None;
        }
        let inner = self.inner();
        if inner.ringing {
            return None;
        }
        let next = inner.alarms.as_ref()?.next_at();
        self.timed.store(next.is_some(), Relaxed);
        next
    }

    /// Has timers that go off stand in line, for as long as it is polled. Whoever polls
    /// the instance polls this after it, and so it knows of those that were set.
    pub(super) async fn rings(&self) -> Infallible {
        let mut sleep: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            while let Some(at) = self.next_alarm() {
                if at <= Instant::now() {
                    let mut inner = self.inner();
                    inner.ringing = true;
                    inner.line.push_back(Turn::Alarm);
                    drop(inner);
                    self.task.wake();
                    break;
                }
                let sleep = sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
                if sleep.deadline() != at {
                    sleep.as_mut().reset(at);
                }
                if sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
            sleep = None;
            Poll::Pending
        })
        .await
    }
}
