//! The trait that handlers implement.

use crate::{CloseEvent, Connection, Message, Request};

/// A handler of WebSocket connections; a value of it is the state of one.
///
/// The host calls `on_ready` once for each connection, then `on_message` for each
/// message in the order in which the peer sent them, then `on_close` once; then
/// the value is dropped. No event begins before the last one has returned, so
/// none needs a lock. While one runs, the messages of all connections of this
/// instance wait: return soon.
///
/// Each connection has an instance of its own unless the handler's scope is
/// `path` or `handler`. There, a [`Room`](crate::Room) has what connections share.
///
/// A panic is logged with its place and ends the instance: its connections are
/// closed with 1011, and no `on_close` follows. Connections of other instances
/// notice nothing.
///
/// ```
/// use socklet_guest::prelude::*;
///
/// /// Counts the messages of one connection.
/// struct Counter {
///     messages: u64,
/// }
///
/// impl Handler for Counter {
///     fn on_ready(_connection: &Connection, _request: &Request) -> Self {
///         Counter { messages: 0 }
///     }
///
///     fn on_message(&mut self, connection: &Connection, _message: Message) {
///         self.messages += 1;
///         connection.write(self.messages.to_string());
///     }
///
///     fn on_close(&mut self, _connection: &Connection, event: CloseEvent) {
///         info!("{} messages, then {}", self.messages, event.code);
///     }
/// }
///
/// socklet_guest::export!(Counter);
/// ```
// An optional interface of the WIT becomes a trait of its own beside this one, named
// to `export!` after this one, as `Gate` is: a method here would be exported by every handler, and
// the host takes an export for a wish.
#[diagnostic::on_unimplemented(
    message = "`{Self}` handles no connections",
    note = "implement `socklet_guest::Handler` for it; only `on_ready` has no default"
)]
pub trait Handler: Sized + 'static {
    /// A connection is open: the handshake is done, and writes reach the peer.
    ///
    /// Answers the connection's state. To turn the peer away, close the connection
    /// here; its `on_close` follows as ever.
    fn on_ready(connection: &Connection, request: &Request) -> Self;

    /// The peer sent a message. Not called after the connection was closed from
    /// here.
    ///
    /// Does nothing unless it is written.
    fn on_message(&mut self, connection: &Connection, message: Message) {
        let _ = (connection, message);
    }

    /// The connection has ended; writes to it do nothing.
    ///
    /// Not called where the instance panicked, and it may be cut short where it
    /// outlives the host's shutdown timeout. Does nothing unless it is written.
    fn on_close(&mut self, connection: &Connection, event: CloseEvent) {
        let _ = (connection, event);
    }
}
