//! A session's deadlines, over one timer.
//!
//! The timer is set to the nearest deadline and looked at when it fires. Signs
//! of life move deadlines further away all the time; the timer is left alone
//! then, fires early, and is set anew.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, OpCode};

use super::Session;
use super::phase::{Input, Phase};
use crate::bindings::CloseOrigin;
use crate::closing::Closing;
use crate::config::Timeouts;

/// How long input is discarded after a violation of the protocol.
const DISCARD: Duration = Duration::from_secs(2);
/// A peer that takes what is queued in drops is given up after this many write
/// timeouts.
const MAX_FLUSH: u32 = 10;
/// How long after the last message a connection is taken for idle, and keeps no more
/// than it has to.
const QUIET: Duration = Duration::from_secs(1);
/// When that is looked at again where it was not so. Each look costs as much as a
/// message, and who is sent one now and then would have nearly as many of them.
const QUIET_AGAIN: Duration = Duration::from_secs(10);
/// How long a peer that is taken for dead has to take the close frame.
const LAST_CHANCE: Duration = Duration::from_secs(1);

pub(super) struct Timers {
    timeouts: Timeouts,
    timer: Pin<Box<Sleep>>,
    last_heard: Instant,
    last_ping: Instant,
    last_message: Instant,
    /// When nothing will have passed for a while; None once that is so.
    quiet_at: Option<Instant>,
    last_busy: Instant,
    last_event: Instant,
    /// When it is looked at whether the instance has nothing to do; None where there has
    /// been no event since.
    rest_at: Option<Instant>,
    /// When the next timer of an instance of its own goes off, as of the last look.
    alarm_at: Option<Instant>,
    /// As of the last look at the clock.
    now: Instant,
    reading: bool,
    /// When reading goes on that is paused because messages came too fast.
    read_at: Option<Instant>,
    /// Since when the socket has taken nothing while bytes wait.
    stalled_since: Option<Instant>,
    /// When the last flush ends at the latest.
    flush_limit: Instant,
    close_at: Option<(Instant, Closing)>,
    /// When a handler that has closed hears of the end at the latest.
    tell_at: Option<Instant>,
    /// When the token ends that the peer was let in with.
    expires: Option<Instant>,
}

impl Timers {
    pub(super) fn new(timeouts: Timeouts, expires: Option<Instant>) -> Self {
        let now = Instant::now();
        Self {
            timer: Box::pin(sleep_until(now + timeouts.ping_interval)),
            timeouts,
            last_heard: now,
            last_ping: now,
            last_message: now,
            // A start leaves something to give back as well.
            quiet_at: Some(now + QUIET),
            last_busy: now,
            last_event: now,
            rest_at: None,
            alarm_at: None,
            now,
            reading: true,
            read_at: None,
            stalled_since: None,
            flush_limit: now,
            close_at: None,
            tell_at: None,
            expires,
        }
    }

    /// Has other timeouts hold from now on.
    pub(super) fn hold_to(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
    }

    /// Looks at the clock, for all that is done until it is looked at again.
    pub(super) fn look(&mut self) -> Instant {
        self.now = Instant::now();
        self.now
    }

    /// As of the last look.
    pub(super) fn now(&self) -> Instant {
        self.now
    }

    pub(super) fn heard(&mut self) {
        self.last_heard = self.now;
    }

    pub(super) fn message_passed(&mut self) {
        self.last_message = self.now;
        self.busy();
    }

    /// It passed, and nothing is held for it.
    fn message_passed_at(&mut self, at: Instant) {
        self.last_message = self.last_message.max(at);
    }

    /// Something is held that is to be given back when nothing passes any more.
    pub(super) fn busy(&mut self) {
        self.last_busy = self.now;
        self.quiet_at.get_or_insert(self.now + QUIET);
    }

    /// There was an event: after so long it is looked at whether that was the last for now.
    /// True where that is sooner than it would have been.
    pub(super) fn stirs(&mut self, quiet: Duration) -> bool {
        self.last_event = self.now;
        let look_at = self.now + quiet;
        let sooner = self.rest_at.is_none_or(|at| look_at < at);
        if sooner {
            self.rest_at = Some(look_at);
        }
        sooner
    }

    /// The instance has a timer that goes off then. True where that is sooner than anything
    /// else, and another turn has to see to it. One that has gone off waits for nothing but
    /// the instance.
    pub(super) fn ring_at(&mut self, at: Option<Instant>) -> bool {
        self.alarm_at = at;
        at.is_some_and(|at| at > self.now && at < self.timer.deadline())
    }

    /// Whether anything is read, if it comes.
    pub(super) fn reads(&self) -> bool {
        self.reading
    }

    /// While reading is paused nothing can be heard, so the pong timer stops.
    pub(super) fn reading(&mut self, reading: bool, read_at: Option<Instant>) {
        self.read_at = read_at;
        if reading && !self.reading {
            self.heard();
        }
        self.reading = reading;
    }

    pub(super) fn flowing(&mut self) {
        self.stalled_since = None;
    }

    /// True where the stall has just begun.
    pub(super) fn stalled(&mut self) -> bool {
        let begun = self.stalled_since.is_none();
        self.stalled_since.get_or_insert(self.now);
        begun
    }

    /// Of two such wishes the one that comes true earlier counts.
    pub(super) fn close_later(&mut self, delay: Duration, closing: Closing) {
        let at = self.now + delay;
        if self.close_at.as_ref().is_none_or(|(earlier, _)| at < *earlier) {
            self.close_at = Some((at, closing));
        }
    }

    pub(super) fn close_until(&self) -> Instant {
        self.now + self.timeouts.close
    }

    pub(super) fn begin_close(&mut self) {
        self.tell_at = Some(self.close_until());
    }

    /// The queue is sealed: how long the peer has to take something of it. A wish
    /// to close later has come true by that.
    pub(super) fn begin_flush(&mut self) -> Instant {
        self.close_at = None;
        self.flush_limit = self.now + self.timeouts.write.saturating_mul(MAX_FLUSH);
        self.flush_until()
    }

    /// The same again, now that it has taken something.
    pub(super) fn flush_until(&self) -> Instant {
        (self.now + self.timeouts.write).min(self.flush_limit)
    }

    pub(super) fn answer_until(&self, input: Input) -> Instant {
        self.now
            + match input {
                Input::Frames => self.timeouts.close,
                Input::Bytes(_) => DISCARD.min(self.timeouts.close),
                Input::Nothing => Duration::ZERO,
            }
    }

    fn idle_at(&self) -> Option<Instant> {
        self.timeouts.idle.map(|idle| self.last_message + idle)
    }

    fn ping_at(&self) -> Instant {
        self.last_heard.max(self.last_ping) + self.timeouts.ping_interval
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    /// Does what is due and sets the timer to what comes next.
    pub(super) fn poll_timers(&mut self, cx: &mut Context<'_>) -> bool {
        let next = self.next_deadline();
        if next < self.timers.timer.deadline() {
            self.timers.timer.as_mut().reset(next);
        }
        if self.timers.timer.as_mut().poll(cx).is_pending() {
            return false;
        }
        self.do_what_is_due(self.timers.now);
        let next = self.next_deadline();
        self.timers.timer.as_mut().reset(next);
        // Another turn polls the timer again, which it needs to fire again.
        true
    }

    fn next_deadline(&self) -> Instant {
        let timers = &self.timers;
        let phase = match &self.phase {
            Phase::Open => self.next_of_open(),
            Phase::Answering { until, .. } | Phase::Ended { until } => *until,
            Phase::Closing { until, .. } | Phase::Flushing { until, .. } => {
                timers.tell_at.map_or(*until, |at| at.min(*until))
            }
        };
        let alarm_at = timers.alarm_at.filter(|at| *at > timers.now);
        let close_at = timers.close_at.as_ref().map(|(at, _)| *at);
        [alarm_at, close_at].into_iter().flatten().fold(phase, Instant::min)
    }

    /// While reading is paused there is nothing to hear, and pings would only add
    /// to the queue.
    fn next_of_open(&self) -> Instant {
        let timers = &self.timers;
        let heard = match timers.reading {
            true => timers.ping_at().min(timers.last_heard + timers.timeouts.pong),
            false => timers.now + timers.timeouts.ping_interval,
        };
        let stalled = timers.stalled_since.map(|since| since + timers.timeouts.write);
        [stalled, timers.read_at, timers.idle_at(), timers.quiet_at, timers.rest_at, timers.expires]
            .into_iter()
            .flatten()
            .fold(heard, Instant::min)
    }

    fn do_what_is_due(&mut self, now: Instant) {
        if let Some(at) = self.connection.shared().outbound.passed() {
            self.timers.message_passed_at(at);
        }
        if let Some((_, closing)) = self.timers.close_at.take_if(|(at, _)| *at <= now) {
            self.begin_closing(closing, Input::Frames);
            return;
        }
        if self.timers.tell_at.take_if(|at| *at <= now).is_some() {
            self.tell_of_close();
        }
        if self.timers.quiet_at.take_if(|at| *at <= now).is_some() {
            if self.timers.last_busy + QUIET <= now {
                self.give_back_buffers();
            } else {
                self.timers.quiet_at = Some(now + QUIET_AGAIN);
            }
        }
        if self.timers.rest_at.take_if(|at| *at <= now).is_some() {
            self.timers.rest_at = self.rest(self.timers.last_event);
        }
        match &self.phase {
            Phase::Open => self.keep_alive(now),
            Phase::Closing { closing, until, flushed, .. } if *until <= now => {
                let mut closing = closing.clone();
                if *flushed && closing.origin == CloseOrigin::Handler {
                    closing.detail = "close-timeout";
                }
                self.end(closing);
            }
            Phase::Flushing { closing, until } if *until <= now => {
                let closing = closing.clone();
                self.end(closing);
            }
            // Answering late, and being late with the end, is noticed elsewhere.
            _ => {}
        }
    }

    fn keep_alive(&mut self, now: Instant) {
        let timeouts = &self.timers.timeouts;
        if self.timers.expires.is_some_and(|at| at <= now) {
            let closing = Closing::host(1008, "the session has expired", "session-expired");
            self.begin_closing(closing, Input::Frames);
        } else if self.timers.stalled_since.is_some_and(|since| since + timeouts.write <= now) {
            let reason = format!("nothing taken for {:?} (write-timeout)", timeouts.write);
            self.begin_closing(Closing::host(1008, reason, "write-timeout"), Input::Frames);
            self.wait_no_longer_than(now + self.timers.timeouts.close);
        } else if self.timers.idle_at().is_some_and(|at| at <= now) {
            let reason = "no message came or went for too long (idle-timeout)";
            self.begin_closing(Closing::host(1001, reason, "idle-timeout"), Input::Frames);
        } else if !self.timers.reading {
            // Nothing can be heard, and a ping would only add to the queue.
        } else if self.timers.last_heard + timeouts.pong <= now {
            let reason = format!("nothing heard for {:?} (pong-timeout)", timeouts.pong);
            self.begin_closing(Closing::host(1001, reason, "pong-timeout"), Input::Nothing);
            self.wait_no_longer_than(now + LAST_CHANCE);
        } else if self.timers.ping_at() <= now {
            self.connection.shared().outbound.control(OpCode::Control(Control::Ping), b"");
            self.timers.last_ping = now;
        }
    }

    /// The peer has had its time: a close frame that it does not take is not
    /// waited for as long as one behind an honest queue.
    fn wait_no_longer_than(&mut self, limit: Instant) {
        self.timers.flush_limit = limit;
        self.renew_flush();
    }
}
