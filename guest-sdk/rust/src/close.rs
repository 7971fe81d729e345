//! How connections end, and what became of an attempt to end one.

/// How a connection ended.
///
/// ```
/// use socklet_guest::prelude::*;
///
/// fn report(event: &CloseEvent) {
///     match event.origin {
///         CloseOrigin::Peer | CloseOrigin::Handler => info!("closed with {}", event.code),
///         CloseOrigin::Host | CloseOrigin::Network => warn!("lost: {}", event.detail),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseEvent {
    /// Who ended it.
    pub origin: CloseOrigin,
    /// The code of the close frame of the side that `origin` names. 1005 where
    /// the peer's frame carried none, 1006 where there was no close frame
    /// (RFC 6455, section 7.1.5), as browsers report them.
    pub code: u16,
    /// The reason of that close frame, at most 123 bytes; empty where it had none.
    pub reason: String,
    /// One lower-case word that says more, such as `pong-timeout`, or nothing.
    ///
    /// The WIT lists the words, and that list grows: treat one that you do not
    /// know like none.
    pub detail: String,
}

/// Who ended a connection. [`CloseEvent`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseOrigin {
    /// The peer sent a close frame first.
    Peer,
    /// The handler called [`close`](crate::Connection::close), or the
    /// [`write`](crate::Connection::write) that closes did.
    Handler,
    /// The host: a limit, a violation of the protocol by the peer, a swap, the
    /// removal of the handler, or a shutdown. [`CloseEvent::detail`] says which.
    Host,
    /// The socket ended or failed without a close frame.
    Network,
}

/// What became of a [`close`](crate::Connection::close).
///
/// Not an error type: to close what is closed already is no mistake, since the
/// peer may have been faster. `Invalid` is one, and `close` logs it.
///
/// ```
/// use socklet_guest::{CloseOutcome, Connection};
///
/// fn send_away(connection: &Connection, reason: &str) {
///     if connection.close(4000, reason) == CloseOutcome::Invalid {
///         connection.close(4000, "see the log");
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseOutcome {
    /// The closing handshake begins after what was written before, and `on_close`
    /// follows.
    Closing,
    /// The connection was closing or closed already. Nothing changes.
    Closed,
    /// The code or the reason must not be sent, and the connection stays open.
    Invalid,
}
