//! What the parts that serve one connection share: its mailbox, its outbound
//! queue, and the wish to close it.
//!
//! The session moves frames between the socket and here; the instance takes
//! events and writes through the imports; the registry and a shutdown ask for a
//! close. None of them reaches into another.

use std::sync::atomic::{
    AtomicBool, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use crate::account::Account;
use crate::alarms::Alarms;
use crate::bindings::{CloseOutcome, WriteOutcome};
use crate::closing::{Closing, HostClose};
use crate::config::Limits;
use crate::frame::{self, SharedFrame};
use crate::handshake::request::Request;
use crate::mailbox::{Event, Mailbox};
use crate::messages::Incoming;
use crate::metrics::Tally;
use crate::outbound::{Delivery, Lent, Outbound};
use crate::peer::Peer;
use crate::room::Another;
use crate::topics::Subscriptions;

/// Names a connection; never given twice while the process runs.
pub(crate) type ConnectionId = u64;
/// No connection has this id: that of what an instance does for none of them.
pub(crate) const NOBODY: ConnectionId = 0;

pub(crate) struct Connection {
    id: ConnectionId,
    path: Box<str>,
    peer: Peer,
    shared: Mutex<Shared>,
    /// The session's task. Whoever changes `shared` from another task wakes it;
    /// an instance that is polled by the session itself need not.
    session: AtomicWaker,
    /// One of the two wishes to close has been set since the session last looked.
    wished: AtomicBool,
    /// Its room is about to wake the session.
    marked: AtomicBool,
    /// Locked before `shared`, and never within it.
    pub(crate) subscriptions: Subscriptions,
}

pub(crate) struct Shared {
    pub(crate) mailbox: Mailbox,
    pub(crate) outbound: Outbound,
    /// Set by the handler's `close`, until the session has seen it.
    handler_close: Option<Closing>,
    /// Set by the host, until the session has seen it.
    host_close: Option<HostClose>,
    /// Events begun so far; tells the session whether the mailbox moved.
    pub(crate) events: u64,
    /// When it was told to end at once.
    shed_at: Option<Instant>,
    /// An event is running; false while the instance waits for its next one.
    pub(crate) busy: bool,
    /// None where there is nothing to know.
    opening: Option<Box<Opening>>,
    /// It stands in the line of its room.
    in_line: bool,
    /// Its room has nothing left to do for it.
    finished: bool,
    /// Its instance is needed elsewhere.
    park: bool,
    /// The timers of an instance of its own. None where it has never set any.
    pub(crate) alarms: Option<Box<Alarms>>,
}

/// What the host has learned while a connection was opened, beyond the request: what
/// the interface `opening` tells.
#[derive(Debug, Default)]
pub(crate) struct Opening {
    /// What the route's captures took from the path, in the order of the route.
    pub(crate) params: Vec<(String, String)>,
    /// Of the session, a JSON object.
    pub(crate) claims: Option<String>,
    /// When the session ends, and the connection with it.
    pub(crate) expires: Option<Instant>,
    /// The gate's.
    pub(crate) attachment: Option<Vec<u8>>,
}

/// What became of messages of topics.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    pub(crate) queued: u64,
    /// Those of them that are in the socket already.
    pub(crate) sent: Tally,
    pub(crate) refused: u64,
    /// For which some were refused.
    pub(crate) limit: Option<&'static str>,
    /// Some for want of room: the peer is too slow.
    pub(crate) late: bool,
}

impl Shared {
    /// Whether another frame may be read, and the limit where not only this
    /// connection's queues are in the way.
    pub(crate) fn room(&mut self) -> (bool, Option<&'static str>) {
        let room = !self.outbound.congested() && self.mailbox.has_room();
        (room, self.mailbox.held_up())
    }

    /// Has it stand in its room's line. False where it does already, or has no event.
    pub(crate) fn stand_in_line(&mut self) -> bool {
        if self.in_line || !self.has_event() {
            return false;
        }
        self.in_line = true;
        true
    }

    /// Its turn has come: its next event, and whether it stays in line for another.
    pub(crate) fn take_turn(&mut self) -> (Option<Event>, bool) {
        let messages = !self.outbound.congested();
        let event = self.mailbox.take(messages);
        if event.is_some() {
            self.begin_event();
        }
        self.in_line = self.has_event();
        (event, self.in_line)
    }

    /// The same where only a message can be taken. Where another event is next, it keeps
    /// its place.
    pub(crate) fn take_turn_for_message(&mut self) -> (Result<Option<Incoming>, Another>, bool) {
        if self.mailbox.has_other() {
            return (Err(Another), true);
        }
        let message = match self.outbound.congested() {
            true => None,
            false => self.mailbox.take_message(),
        };
        if message.is_some() {
            self.begin_event();
        }
        self.in_line = self.has_event();
        (Ok(message), self.in_line)
    }

    /// Its event has ended, the `last` one or not. True where it was not the first.
    pub(crate) fn end_turn(&mut self, last: bool) -> bool {
        self.busy = false;
        self.finished |= last;
        self.events > 1
    }

    /// Whether an instance of its own, of which `begun` events are known, is at rest and
    /// has nothing to do.
    pub(crate) fn is_at_rest(&self, begun: u64) -> bool {
        !self.busy && self.events == begun && !self.mailbox.has_event(true) && !self.rings(true)
    }

    /// How many events were begun, and whether the last one has ended.
    pub(crate) fn progress(&self) -> (u64, bool) {
        (self.events, self.finished)
    }

    /// Its session is gone without an end. True where its room has to hear of that.
    pub(crate) fn abandon(&mut self) -> bool {
        let known = self.events > 0 || self.in_line;
        if self.finished || !known {
            return false;
        }
        self.mailbox.discard_messages();
        self.mailbox.push_close(Closing::network());
        true
    }

    pub(crate) fn has_event(&mut self) -> bool {
        // Only what is there can be held back.
        let messages = self.mailbox.has_messages() && !self.outbound.congested();
        self.mailbox.has_event(messages) || self.rings(messages)
    }

    /// Whether the next event is that a timer has gone off. Where there are both, these
    /// take turns with what the peer sends, which waits where `messages` says so; there
    /// is none before `on-ready`, and none once the socket has ended.
    fn rings(&self, messages: bool) -> bool {
        let Some(alarms) = &self.alarms else { return false };
        let others_turn = alarms.rang && self.mailbox.has_event(messages);
        !others_turn && !self.mailbox.goes_first() && alarms.are_due()
    }

    fn take_event(&mut self) -> Option<Event> {
        let messages = !self.outbound.congested();
        let rings = self.rings(messages);
        if let Some(alarms) = &mut self.alarms {
            alarms.rang = rings;
            if let Some(timer) = rings.then(|| alarms.take_due()).flatten() {
                self.busy = true;
                self.events += 1;
                self.outbound.begin_alarm();
                return Some(Event::Alarm(timer));
            }
        }
        let event = self.mailbox.take(messages)?;
        self.begin_event();
        Some(event)
    }

    /// When the next timer of an instance of its own goes off.
    pub(crate) fn next_alarm(&self) -> Option<Instant> {
        self.alarms.as_ref()?.next_at()
    }

    fn begin_event(&mut self) {
        self.busy = true;
        self.events += 1;
        self.outbound.begin_event();
    }

    /// Nothing has passed for a while.
    pub(crate) fn give_back_buffers(&mut self) {
        self.mailbox.give_back_buffer();
        self.outbound.give_back_buffer();
    }
}

impl Connection {
    pub(crate) fn new(
        id: ConnectionId,
        request: Box<Request>,
        limits: &Limits,
        account: Arc<Account>,
    ) -> Self {
        Self {
            id,
            path: request.path.as_str().into(),
            peer: request.remote_address,
            shared: Mutex::new(Shared {
                mailbox: Mailbox::new(request, limits.max_message_size, account.clone()),
                outbound: Outbound::new(limits, account),
                handler_close: None,
                host_close: None,
                events: 0,
                shed_at: None,
                busy: false,
                opening: None,
                in_line: false,
                finished: false,
                park: false,
                alarms: None,
            }),
            session: AtomicWaker::new(),
            wished: AtomicBool::new(false),
            marked: AtomicBool::new(false),
            subscriptions: Subscriptions::new(),
        }
    }

    /// Notes what was learned while it was opened.
    pub(crate) fn learn(&self, learned: impl FnOnce(&mut Opening)) {
        learned(self.shared().opening.get_or_insert_default());
    }

    /// What was learned while it was opened.
    pub(crate) fn opening<T>(&self, what: impl FnOnce(&Opening) -> T) -> Option<T> {
        self.shared().opening.as_deref().map(what)
    }

    /// Has it keep to the limits of the generation that it has joined.
    pub(crate) fn hold_to(&self, limits: &Limits) {
        let mut shared = self.shared();
        shared.mailbox.hold_to(limits.max_message_size);
        shared.outbound.hold_to(limits);
    }

    pub(crate) fn id(&self) -> ConnectionId {
        self.id
    }

    /// That of its opening request, decoded.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn peer(&self) -> Peer {
        self.peer
    }

    /// No code that holds the lock can panic half-way through a change that
    /// matters, so a poisoned lock is taken as it is.
    pub(crate) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session's waker, for changes that come from outside its task.
    pub(crate) fn register_session(&self, waker: &Waker) {
        self.session.register(waker);
    }

    /// Has the session look again.
    pub(crate) fn wake(&self) {
        self.session.wake();
    }

    /// Its session is to be woken before long. False where that is known already.
    pub(crate) fn mark(&self) -> bool {
        !self.marked.swap(true, AcqRel)
    }

    pub(crate) fn wake_marked(&self) {
        self.marked.store(false, Release);
        self.wake();
    }

    /// Asks the session to close. Of two wishes the one that is more urgent counts,
    /// or else the first.
    pub(crate) fn close_by_host(&self, close: HostClose) {
        {
            let wish = &mut self.shared().host_close;
            if wish.as_ref().is_none_or(|old| close.when < old.when) {
                *wish = Some(close);
            }
        }
        self.wished.store(true, Release);
        self.session.wake();
    }

    /// Has the session look where it belongs.
    pub(crate) fn look_again(&self) {
        self.wished.store(true, Release);
        self.session.wake();
    }

    /// Has its session give up the instance, where its state can be kept.
    pub(crate) fn ask_to_park(&self) {
        self.shared().park = true;
        self.look_again();
    }

    /// Whether it was asked to.
    pub(crate) fn is_asked_to_park(&self) -> bool {
        std::mem::take(&mut self.shared().park)
    }

    /// It leaves a generation before anything has come of it.
    pub(crate) fn forget_host_close(&self) {
        self.shared().host_close = None;
    }

    /// What the host and the handler wish, if there is anything new.
    pub(crate) fn take_wishes(&self) -> Option<(Option<HostClose>, Option<Closing>)> {
        // Nearly always there is not, and then this is all that it costs.
        if !self.wished.load(Acquire) {
            return None;
        }
        self.wished.store(false, Relaxed);
        let mut shared = self.shared();
        Some((shared.host_close.take(), shared.handler_close.take()))
    }

    /// Ends it at once, to have what it holds. False where it was told so long ago
    /// that what it holds is not about to come.
    pub(crate) fn shed(&self, limit: &'static str) -> bool {
        const SOON: Duration = Duration::from_secs(1);
        let (first, told) = {
            let told = &mut self.shared().shed_at;
            (told.is_none(), *told.get_or_insert_with(Instant::now))
        };
        if first {
            self.close_by_host(HostClose::shed(limit));
        }
        told.elapsed() < SOON
    }

    /// Bytes of messages either way that are held for it, beyond what is free.
    pub(crate) fn charged(&self) -> usize {
        let shared = self.shared();
        shared.mailbox.charged() + shared.outbound.charged()
    }

    /// The import `write`.
    pub(crate) fn write(&self, text: bool, payload: &[u8]) -> WriteOutcome {
        self.shared().outbound.write(text, payload)
    }

    /// Whether so many bytes of a topic would not be refused for what is queued already.
    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        self.shared().outbound.has_room_for(bytes)
    }

    /// Whether there may be room for them once its session has come to write.
    pub(crate) fn may_make_room_for(&self, bytes: usize) -> bool {
        self.shared().outbound.may_make_room_for(bytes)
    }

    /// Queues messages of topics. From whatever task that is called, the session hears
    /// of them, once for all that it has not taken yet; but not of what the caller could
    /// write to the socket itself, with a buffer of its own.
    pub(crate) fn deliver<'a>(
        &self,
        frames: impl Iterator<Item = &'a SharedFrame>,
        own: Option<Lent<'_>>,
    ) -> Delivered {
        let mut delivered = Delivered::default();
        let queue = |outbound: &mut Outbound| {
            for frame in frames {
                match outbound.deliver(frame) {
                    Delivery::Queued => delivered.queued += 1,
                    Delivery::Refused(limit) => {
                        delivered.refused += 1;
                        delivered.limit = Some(limit);
                        delivered.late = true;
                    }
                    Delivery::TooLarge(limit) => {
                        delivered.refused += 1;
                        delivered.limit = Some(limit);
                    }
                    Delivery::Closed => {}
                }
            }
        };
        let wake = {
            let outbound = &mut self.shared().outbound;
            match own.filter(|_| outbound.is_open()) {
                Some(lent) => delivered.sent = outbound.write_through(lent, queue),
                None => queue(outbound),
            }
            outbound.queued() > 0 && delivered.queued > 0 && outbound.tell()
        };
        if wake {
            self.session.wake();
        }
        delivered
    }

    /// A message that is not the handler's, within the same bounds as those of topics.
    pub(crate) fn write_from_outside(&self, text: bool, payload: &[u8]) -> WriteOutcome {
        let frame = SharedFrame::new(text, payload);
        let (delivery, wake) = {
            let mut shared = self.shared();
            // Somebody's wish to end it comes first, though the session may not know it.
            if shared.host_close.as_ref().is_some_and(HostClose::is_now) {
                return WriteOutcome::Closed;
            }
            let delivery = shared.outbound.deliver(&frame);
            (delivery, delivery == Delivery::Queued && shared.outbound.tell())
        };
        if wake {
            self.session.wake();
        }
        match delivery {
            Delivery::Queued => WriteOutcome::Queued,
            Delivery::TooLarge(_) => WriteOutcome::TooLarge,
            Delivery::Refused(_) => WriteOutcome::Full,
            Delivery::Closed => WriteOutcome::Closed,
        }
    }

    /// Whether its handler knows of it, so that it is more than a handshake.
    pub(crate) fn is_open(&self) -> bool {
        self.shared().outbound.is_ready()
    }

    /// Whether nothing can be written any more.
    pub(crate) fn is_closing(&self) -> bool {
        let shared = self.shared();
        shared.outbound.is_sealed() || shared.host_close.as_ref().is_some_and(HostClose::is_now)
    }

    /// The import `close`: seals the queue behind what is in it, and drops the
    /// messages that have not been delivered.
    pub(crate) fn close(&self, code: u16, reason: String) -> CloseOutcome {
        let mut shared = self.shared();
        if shared.outbound.is_shut() {
            return CloseOutcome::Closed;
        }
        if !frame::may_send_close_code(code) || reason.len() > frame::MAX_CLOSE_REASON {
            return CloseOutcome::Invalid;
        }
        shared.outbound.close(code, &reason);
        shared.mailbox.discard_messages();
        shared.handler_close = Some(Closing::handler(code, reason));
        drop(shared);
        self.wished.store(true, Release);
        self.subscriptions.end();
        CloseOutcome::Closing
    }

    pub(crate) fn buffered_amount(&self) -> u64 {
        self.shared().outbound.queued() as u64
    }

    /// The next event for the instance. Pending until the session has put one
    /// in, and while the outbound queue is congested; the session polls again
    /// after each change it makes.
    pub(crate) fn poll_event(&self) -> Poll<Event> {
        let mut shared = self.shared();
        match shared.take_event() {
            Some(event) => Poll::Ready(event),
            None => {
                shared.busy = false;
                Poll::Pending
            }
        }
    }

    /// The next event, where it is a message; None where another one is next.
    pub(crate) fn poll_message(&self) -> Poll<Option<Incoming>> {
        let mut shared = self.shared();
        let congested = shared.outbound.congested();
        let rings = shared.rings(!congested);
        let waits = congested || rings || shared.mailbox.is_suspending();
        let message = match waits {
            true => None,
            false => shared.mailbox.take_message(),
        };
        if let Some(message) = message {
            if let Some(alarms) = &mut shared.alarms {
                alarms.rang = false;
            }
            shared.begin_event();
            return Poll::Ready(Some(message));
        }
        // What a guest does once it is told that there is nothing is its event's.
        shared.busy = rings || shared.mailbox.has_other();
        if shared.busy { Poll::Ready(None) } else { Poll::Pending }
    }
}
