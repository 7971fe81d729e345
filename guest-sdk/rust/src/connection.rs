//! What a handler can do to a connection, and ask about it.

use std::fmt;

use log::{error, warn};

use crate::host::{connection, opening};
use crate::{AsMessage, CloseOutcome, MessageRef};

/// One open WebSocket.
///
/// A value is a name, not the socket: it may be cloned and kept, and dropping it
/// closes nothing. It reaches the connection in every event of the instance that
/// the connection belongs to; afterwards, writes answer
/// [`Closed`](WriteError::Closed).
///
/// No method waits; each returns at once.
///
/// ```
/// use socklet_guest::prelude::*;
///
/// fn greet(connection: &Connection, request: &Request) {
///     match request.query("name") {
///         Some(name) => connection.write(format!("Hello {name}!")),
///         None => connection.write("Hello!"),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection {
    id: u64,
}

impl Connection {
    pub(crate) fn new(id: u64) -> Self {
        Connection { id }
    }

    /// The connection's number, never given to a second connection while the host
    /// runs.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn introduce(connection: &Connection) {
    ///     connection.write(format!("you are number {}", connection.id()));
    /// }
    /// ```
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Sends a message, or closes the connection where it can't: nothing is lost
    /// in silence.
    ///
    /// Messages leave in the order in which they were written. Where the
    /// connection's queue is full, because the peer reads more slowly than the
    /// handler writes, the connection is closed with 1013, "try again later". A
    /// message over the host's `max-message-size` is the handler's mistake and not
    /// the peer's, who would read 1009 as its own: that closes with 1011. Both are
    /// logged. On a connection that is closing or closed, nothing happens:
    /// `on_close` tells.
    ///
    /// A handler that writes one message for each that it gets never fills the queue. One that
    /// writes more, and would rather skip a message than lose a slow peer, uses
    /// [`try_write`](Self::try_write).
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn echo(connection: &Connection, message: Message) {
    ///     connection.write(message);
    /// }
    /// ```
    pub fn write(&self, message: impl AsMessage) {
        self.write_or_close(message.as_message());
    }

    /// Sends a message, or says why it was refused.
    ///
    /// # Errors
    ///
    /// [`WriteError`] says which refusals are worth another attempt. Whatever the
    /// error, nothing of the message was queued.
    ///
    /// ```
    /// use socklet_guest::{Connection, WriteError};
    ///
    /// /// A peer that is too slow for this price gets the next one.
    /// fn tick(connection: &Connection, price: &str) -> Result<(), WriteError> {
    ///     match connection.try_write(price) {
    ///         Err(WriteError::Full) => Ok(()),
    ///         outcome => outcome,
    ///     }
    /// }
    /// ```
    pub fn try_write(&self, message: impl AsMessage) -> Result<(), WriteError> {
        self.queue(message.as_message())
    }

    /// Closes the connection with a close frame that carries `code` and `reason`.
    ///
    /// What was written before is sent first. From here on writes do nothing and
    /// no more messages arrive; `on_close` is called once, later. Allowed are the
    /// codes 1000, 1001, 1003, 1007 to 1014 and 3000 to 4999, and reasons of up to
    /// 123 bytes. Others leave the connection open, which is logged, and answer
    /// [`CloseOutcome::Invalid`].
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn say_goodbye(connection: &Connection) {
    ///     connection.write("Goodbye!");
    ///     connection.close(1000, "");
    /// }
    /// ```
    pub fn close(&self, code: u16, reason: &str) -> CloseOutcome {
        let outcome = connection::close(self.id, code, reason).into();
        if outcome == CloseOutcome::Invalid {
            error!(
                "connection {} stays open: a close frame can't carry code {code} with a reason of \
                 {} bytes: use 1000 or 3000 to 4999, and at most 123 bytes",
                self.id,
                reason.len()
            );
        }
        outcome
    }

    /// The bytes that were written and not yet handed to the operating system,
    /// frame headers included; 0 once the connection is closed.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// const CHUNK: usize = 64 * 1024;
    ///
    /// /// Sends what the peer is ready for, and answers how much that was.
    /// fn send_some(connection: &Connection, file: &[u8]) -> usize {
    ///     let mut sent = 0;
    ///     for chunk in file.chunks(CHUNK) {
    ///         if connection.buffered_amount() > 512 * 1024 {
    ///             break;
    ///         }
    ///         connection.write(chunk);
    ///         sent += chunk.len();
    ///     }
    ///     sent
    /// }
    /// ```
    #[must_use]
    pub fn buffered_amount(&self) -> u64 {
        connection::buffered_amount(self.id)
    }

    /// The value that the route's capture of this name took from the path, decoded
    /// once; `None` where the route has no such capture.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// /// With the route `/chat/{room}`.
    /// fn greet(connection: &Connection) {
    ///     let room = connection.param("room").unwrap_or_default();
    ///     connection.write(format!("Welcome to {room}!"));
    /// }
    /// ```
    #[must_use]
    pub fn param(&self, name: &str) -> Option<String> {
        self.params().into_iter().find(|param| param.0 == name).map(|(_, value)| value)
    }

    /// The values of all captures, as (name, value) in the order of the route.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn log_params(connection: &Connection) {
    ///     for (name, value) in connection.params() {
    ///         info!("{name} is {value}");
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn params(&self) -> Vec<(String, String)> {
        opening::params(self.id)
    }

    /// The verified claims of the connection's session, a JSON object as text;
    /// `None` where there is no session.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn log_session(connection: &Connection) {
    ///     info!("{}", connection.claims().as_deref().unwrap_or("no session"));
    /// }
    /// ```
    #[must_use]
    pub fn claims(&self) -> Option<String> {
        opening::claims(self.id)
    }

    /// The bytes that the handler's own gate attached when it let the connection
    /// in; `None` where there is no gate, or where it attached nothing.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn team(connection: &Connection) -> Option<String> {
    ///     String::from_utf8(connection.attachment()?).ok()
    /// }
    /// ```
    #[must_use]
    pub fn attachment(&self) -> Option<Vec<u8>> {
        opening::attachment(self.id)
    }

    pub(crate) fn queue(&self, message: MessageRef<'_>) -> Result<(), WriteError> {
        connection::write(self.id, message.into()).into()
    }

    /// Not generic, so that a handler has one copy of it however many types it writes.
    fn write_or_close(&self, message: MessageRef<'_>) {
        if let Err(refusal) = self.queue(message) {
            self.close_for(refusal);
        }
    }

    /// Ends a connection that a message was refused for, unless it has ended.
    #[cold]
    pub(crate) fn close_for(&self, refusal: WriteError) {
        let Some((code, reason)) = refusal.close_frame() else { return };
        // Named, since the event that is running may be another connection's.
        warn!("connection {} is closed with {code}: {refusal}", self.id);
        self.close(code, reason);
    }
}

/// Why a message was refused. [`Connection::try_write`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// The connection's queue holds `max-backpressure` bytes or more (1 MiB by
    /// default), because the peer reads too slowly. Try again later.
    Full,
    /// The connection is closing or closed. No attempt will succeed.
    Closed,
    /// The message is larger than `max-message-size` (1 MiB by default). No attempt
    /// will succeed: split it.
    TooLarge,
}

impl WriteError {
    /// The code and the reason with which [`Connection::write`] answers this
    /// refusal; `None` where there is nobody left to tell.
    fn close_frame(self) -> Option<(u16, &'static str)> {
        match self {
            WriteError::Full => Some((1013, "max-backpressure")),
            WriteError::Closed => None,
            WriteError::TooLarge => Some((1011, "max-message-size")),
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            WriteError::Full => {
                "its queue is at max-backpressure: write less, or keep what try_write refuses"
            }
            WriteError::Closed => "the connection is closing or closed",
            WriteError::TooLarge => "a message was over max-message-size: split it",
        })
    }
}

impl std::error::Error for WriteError {}

#[cfg(test)]
mod tests {
    use super::WriteError;

    fn code(refusal: WriteError) -> Option<u16> {
        refusal.close_frame().map(|(code, _)| code)
    }

    #[test]
    fn a_refused_message_closes_unless_the_connection_is_closed_already() {
        assert_eq!(code(WriteError::Full), Some(1013));
        assert_eq!(code(WriteError::TooLarge), Some(1011));
        assert_eq!(code(WriteError::Closed), None);
    }
}
