//! The other end of a connection.

use std::fmt;
use std::rc::Rc;

use super::events::{Inner, Kind};
use crate::{CloseEvent, CloseOrigin, Connection, Message};

/// The other end of a connection: what a test sends by it, the handler is told.
///
/// Dropping it closes nothing.
pub struct Peer<E> {
    inner: Rc<Inner<E>>,
    id: u64,
}

impl<E> Clone for Peer<E> {
    fn clone(&self) -> Self {
        Peer { inner: self.inner.clone(), id: self.id }
    }
}

impl<E> fmt::Debug for Peer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Peer").field(&self.id).finish()
    }
}

impl<E: Kind> Peer<E> {
    pub(super) fn new(inner: Rc<Inner<E>>, id: u64) -> Self {
        Peer { inner, id }
    }

    /// The connection as the handler knows it.
    #[must_use]
    pub fn connection(&self) -> Connection {
        Connection::new(self.id)
    }

    /// Sends a message: the handler's `on_message` is called. Not where the connection is
    /// closed.
    pub fn send(&self, message: impl Into<Message>) {
        if self.is_open() {
            self.inner.message(self.id, message.into());
        }
    }

    /// What was sent to it since this was asked last.
    #[must_use]
    pub fn received(&self) -> Vec<Message> {
        self.inner.fake.received(self.id)
    }

    /// The same, where all of it is text.
    ///
    /// # Panics
    ///
    /// Where there is a binary message.
    #[must_use]
    #[track_caller]
    pub fn texts(&self) -> Vec<String> {
        let text = |message| match message {
            Message::Text(text) => text,
            Message::Binary(_) => panic!("not a text: {message:?}"),
        };
        self.received().into_iter().map(text).collect()
    }

    /// The code and the reason with which the handler has closed the connection, itself
    /// or by a [`write`](Connection::write) that could not be done.
    #[must_use]
    pub fn closed(&self) -> Option<(u16, String)> {
        self.inner.fake.close_frame(self.id)
    }

    /// Whether nobody has ended the connection.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.inner.fake.is_open(self.id)
    }

    /// Closes the connection: the handler's `on_close` is called.
    pub fn close(&self, code: u16, reason: &str) {
        self.end(CloseEvent {
            origin: CloseOrigin::Peer,
            code,
            reason: reason.to_owned(),
            detail: String::new(),
        });
    }

    /// Is gone without a close frame, which `on_close` is told with 1006.
    pub fn vanish(&self) {
        self.end(CloseEvent {
            origin: CloseOrigin::Network,
            code: 1006,
            reason: String::new(),
            detail: String::new(),
        });
    }

    /// The connection ends in whatever way. Nothing happens where it has ended before.
    pub fn end(&self, event: CloseEvent) {
        if self.is_open() {
            self.inner.end(self.id, event);
        }
    }

    /// Takes nothing more: what is written waits, and is counted by
    /// [`buffered_amount`](Connection::buffered_amount), until 1 MiB of it does.
    pub fn stop_reading(&self) {
        self.inner.fake.set_reading(self.id, false);
    }

    /// Takes what has waited, and what comes.
    pub fn go_on_reading(&self) {
        self.inner.fake.set_reading(self.id, true);
    }

    /// The topics that the connection is subscribed to, in alphabetical order.
    #[must_use]
    pub fn topics(&self) -> Vec<String> {
        self.inner.fake.topics(self.id)
    }
}
