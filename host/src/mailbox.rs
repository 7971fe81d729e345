//! The mailbox of one connection: events that wait for its instance, in order.
//!
//! The session fills it from frames while there is [room](Mailbox::has_room);
//! the instance takes one event at a time. What does not fit stays in the
//! socket, and TCP slows the peer down.

use std::collections::VecDeque;

use tokio_tungstenite::tungstenite::{Bytes, Utf8Bytes};

use crate::closing::Closing;
use crate::handshake::request::Request;

/// Waiting messages, at most. Enough to batch what one read of the socket holds.
const MAX_MESSAGES: usize = 64;

/// A message of the peer's, as tungstenite hands it over.
#[derive(Debug)]
pub(crate) enum Incoming {
    Text(Utf8Bytes),
    Binary(Bytes),
}

impl Incoming {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

/// One call of a handler's export.
#[derive(Debug)]
pub(crate) enum Event {
    Ready(Box<Request>),
    Message(Incoming),
    Close(Closing),
}

#[derive(Debug)]
pub(crate) struct Mailbox {
    ready: Option<Box<Request>>,
    messages: VecDeque<Incoming>,
    bytes: usize,
    max_bytes: usize,
    close: Option<Closing>,
}

impl Mailbox {
    pub(crate) fn new(request: Box<Request>, max_bytes: usize) -> Self {
        Self { ready: Some(request), messages: VecDeque::new(), bytes: 0, max_bytes, close: None }
    }

    /// Whether another frame may be read. It bounds the mailbox to `max_bytes`
    /// and one message.
    pub(crate) fn has_room(&self) -> bool {
        self.messages.len() < MAX_MESSAGES && self.bytes < self.max_bytes
    }

    pub(crate) fn has_messages(&self) -> bool {
        self.ready.is_some() || !self.messages.is_empty()
    }

    pub(crate) fn push(&mut self, message: Incoming) {
        self.bytes += message.len();
        self.messages.push_back(message);
    }

    /// Drops the messages that wait: the handler has closed the connection.
    pub(crate) fn discard_messages(&mut self) {
        self.messages = VecDeque::new();
        self.bytes = 0;
    }

    /// The last event there will be.
    pub(crate) fn push_close(&mut self, closing: Closing) {
        self.close.get_or_insert(closing);
    }

    /// The next event, in order; messages only where `messages` allows them.
    pub(crate) fn take(&mut self, messages: bool) -> Option<Event> {
        if let Some(request) = self.ready.take() {
            return Some(Event::Ready(request));
        }
        if self.messages.is_empty() {
            return self.close.take().map(Event::Close);
        }
        if !messages {
            return None;
        }
        let message = self.messages.pop_front()?;
        self.bytes -= message.len();
        Some(Event::Message(message))
    }
}
