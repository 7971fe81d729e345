//! The mailbox of one connection: events that wait for its instance, in order.
//!
//! The session fills it from frames while there is [room](Mailbox::has_room);
//! the instance takes one event at a time. What does not fit stays in the
//! socket, and TCP slows the peer down.

use std::collections::VecDeque;
use std::sync::Arc;

use hyper::header::HeaderValue;

use crate::account::{Account, Charge};
use crate::alarms::TimerId;
use crate::closing::Closing;
use crate::gate::Question;
use crate::handshake::request::Request;
use crate::messages::Incoming;

/// Waiting messages, at most. Enough to batch what one read of the socket holds.
const MAX_MESSAGES: usize = 64;

/// One call of a handler's export.
pub(crate) enum Event {
    Ready(Box<Request>),
    Message(Incoming),
    Close(Closing),
    /// Of a room only: a handshake waits for it.
    Gate(Question),
    /// Of no connection: the instance is asked for its state.
    Suspend,
    /// Likewise: a timer of the instance's has gone off.
    Alarm(TimerId),
}

pub(crate) struct Mailbox {
    ready: Option<Box<Request>>,
    messages: VecDeque<Incoming>,
    bytes: usize,
    max_bytes: usize,
    charge: Charge,
    unfinished: usize,
    /// Before anything else of it is handled, the instance is asked for its state.
    suspending: bool,
    /// The handler has closed: messages are not wanted any more.
    deaf: bool,
    close: Close,
}

/// Where the last event stands.
#[derive(Debug)]
enum Close {
    NotYet,
    Waits(Closing),
    Taken,
}

impl Mailbox {
    pub(crate) fn new(request: Box<Request>, max_bytes: usize, account: Arc<Account>) -> Self {
        Self {
            ready: Some(request),
            messages: VecDeque::new(),
            bytes: 0,
            max_bytes,
            charge: Charge::new(account),
            unfinished: 0,
            suspending: false,
            deaf: false,
            close: Close::NotYet,
        }
    }

    /// Has the instance asked for its state next; of an instance of the connection's own.
    pub(crate) fn suspend(&mut self) {
        self.suspending = true;
    }

    pub(crate) fn is_suspending(&self) -> bool {
        self.suspending
    }

    pub(crate) fn hold_to(&mut self, max_bytes: usize) {
        self.max_bytes = max_bytes;
    }

    /// Has what waits here, and `unfinished` bytes of the next message, count as the
    /// handler's.
    pub(crate) fn settle(&mut self, unfinished: usize) {
        self.unfinished = unfinished;
        self.charge.set(self.bytes + unfinished);
    }

    /// What is taken of the handler's budget.
    pub(crate) fn charged(&self) -> usize {
        self.charge.taken()
    }

    /// The limit for which more has to wait, although there is room here.
    pub(crate) fn held_up(&self) -> Option<&'static str> {
        self.charge.held_up()
    }

    /// Whether another frame may be read. It bounds the mailbox to `max_bytes`
    /// and one message.
    pub(crate) fn has_room(&self) -> bool {
        self.messages.len() < MAX_MESSAGES && self.bytes < self.max_bytes
    }

    /// The request that `on-ready` is to have, for who gives it back.
    pub(crate) fn lend_request(&mut self) -> Option<Box<Request>> {
        self.ready.take()
    }

    /// Whether the peer has offered a subprotocol (RFC 6455, section 4.1).
    pub(crate) fn offers_subprotocol(&self, name: &str) -> bool {
        self.ready.as_ref().is_some_and(|request| request.offers_subprotocol(name))
    }

    /// The subprotocol that the host has agreed to.
    pub(crate) fn subprotocol(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(self.ready.as_ref()?.subprotocol.as_ref()?).ok()
    }

    /// The gate has agreed to a subprotocol.
    pub(crate) fn agree_to(&mut self, subprotocol: &HeaderValue) {
        if let Some(request) = &mut self.ready {
            request.subprotocol = subprotocol.to_str().ok().map(str::to_owned);
        }
    }

    pub(crate) fn return_request(&mut self, request: Box<Request>) {
        self.ready = Some(request);
    }

    pub(crate) fn has_messages(&self) -> bool {
        self.ready.is_some() || !self.messages.is_empty()
    }

    pub(crate) fn push(&mut self, message: Incoming) {
        if self.deaf {
            return;
        }
        self.bytes += message.len();
        self.messages.push_back(message);
        self.charge.set(self.bytes + self.unfinished);
    }

    /// Drops the messages that wait and those that are still to come: the handler
    /// has closed the connection.
    pub(crate) fn discard_messages(&mut self) {
        self.deaf = true;
        self.messages = VecDeque::new();
        self.bytes = 0;
        self.charge.set(self.unfinished);
    }

    /// The socket has ended: what was read of the next message is gone.
    pub(crate) fn forget_unfinished(&mut self) {
        self.settle(0);
    }

    pub(crate) fn give_back_buffer(&mut self) {
        self.messages.shrink_to_fit();
    }

    /// The last event there will be. The first one counts.
    pub(crate) fn push_close(&mut self, closing: Closing) {
        if matches!(self.close, Close::NotYet) {
            self.close = Close::Waits(closing);
        }
    }

    /// The next event, in order; messages only where `messages` allows them.
    pub(crate) fn take(&mut self, messages: bool) -> Option<Event> {
        if let Some(request) = self.ready.take() {
            return Some(Event::Ready(request));
        }
        if std::mem::take(&mut self.suspending) {
            return Some(Event::Suspend);
        }
        if self.messages.is_empty() {
            return match std::mem::replace(&mut self.close, Close::Taken) {
                Close::Waits(closing) => Some(Event::Close(closing)),
                other => {
                    self.close = other;
                    None
                }
            };
        }
        match messages {
            true => self.take_message().map(Event::Message),
            false => None,
        }
    }

    /// Whether the socket has ended, so that nothing follows but what waits here.
    pub(crate) fn is_ending(&self) -> bool {
        !matches!(self.close, Close::NotYet)
    }

    pub(crate) fn take_message(&mut self) -> Option<Incoming> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.len();
        self.charge.set(self.bytes + self.unfinished);
        Some(message)
    }

    /// Whether there is a next event; messages only count where `messages` allows them.
    pub(crate) fn has_event(&self, messages: bool) -> bool {
        self.has_other() || messages && !self.messages.is_empty()
    }

    /// Whether what is next may not have to wait for anything else.
    pub(crate) fn goes_first(&self) -> bool {
        self.ready.is_some() || self.suspending || self.is_ending()
    }

    /// Whether the next event is there, and is no message.
    pub(crate) fn has_other(&self) -> bool {
        let closes = self.messages.is_empty() && matches!(self.close, Close::Waits(_));
        self.ready.is_some() || self.suspending || closes
    }
}
