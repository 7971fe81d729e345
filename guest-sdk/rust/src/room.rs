//! The trait of handlers whose connections share an instance.

use crate::{CloseEvent, Connection, Members, Message, Request};

/// A handler of many connections at once; a value of it is what they share.
///
/// It is for a handler whose manifest says `scope = "path"`, where each distinct
/// path has an instance and so a room of its own, or `scope = "handler"`, where one
/// room has them all. The host calls `on_ready`, `on_message` and `on_close` for each
/// connection as it does for a [`Handler`](crate::Handler), and one event at a time
/// for the whole room, so nothing needs a lock. While one runs, all of the room
/// waits: return soon.
///
/// [`Members`] holds the connections, and a [`Member`](Self::Member) for each. A
/// connection is in it from the end of its `on_ready` to the beginning of its
/// `on_close`, so in these two events `members` are the others.
///
/// The room lives on for `linger` (30 s by default) when its last member has left.
/// A panic is logged with its place and ends the room: all of its connections are
/// closed with 1011, no `on_close` follows, and the next connection opens the room
/// anew. Other rooms notice nothing.
///
/// ```
/// use socklet_guest::prelude::*;
///
/// /// Tells everyone how often the button was pressed.
/// struct Button {
///     presses: u64,
/// }
///
/// impl Room for Button {
///     type Member = ();
///
///     fn open(_connection: &Connection, _request: &Request) -> Self {
///         Button { presses: 0 }
///     }
///
///     fn on_ready(
///         &mut self,
///         _members: &mut Members<Self>,
///         connection: &Connection,
///         _request: &Request,
///     ) {
///         connection.write(self.presses.to_string());
///     }
///
///     fn on_message(
///         &mut self,
///         members: &mut Members<Self>,
///         _connection: &Connection,
///         _message: Message,
///     ) {
///         self.presses += 1;
///         members.broadcast(self.presses.to_string());
///     }
/// }
///
/// socklet_guest::export!(Button: Room);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no room",
    note = "implement `socklet_guest::Room` for it; `open` and `on_ready` have no defaults"
)]
pub trait Room: Sized + 'static {
    /// What the room keeps for each of its connections: a name, a seat, a colour.
    /// `()` where that is nothing.
    type Member: 'static;

    /// The instance has its first connection, whose `on_ready` follows.
    ///
    /// With `scope = "path"` the path is the same for all who come later, and so are
    /// the route's captures ([`Connection::param`]); the rest of the request is that
    /// of the first connection alone.
    fn open(connection: &Connection, request: &Request) -> Self;

    /// A connection is open: the handshake is done, and writes reach the peer.
    ///
    /// Answers what the room keeps for it. `members` are the others by now. To turn
    /// the peer away, close the connection here; its `on_close` follows as ever.
    fn on_ready(
        &mut self,
        members: &mut Members<Self>,
        connection: &Connection,
        request: &Request,
    ) -> Self::Member;

    /// The peer of a member sent a message. Not called after the connection was
    /// closed from here.
    ///
    /// What the room keeps for the sender is `members[connection]`. Does nothing
    /// unless it is written.
    fn on_message(
        &mut self,
        members: &mut Members<Self>,
        connection: &Connection,
        message: Message,
    ) {
        let _ = (members, connection, message);
    }

    /// A connection has ended; writes to it do nothing, and `members` are the
    /// others. `member` is what was kept for it.
    ///
    /// Not called where the room panicked, and it may be cut short where it outlives
    /// the host's shutdown timeout. Does nothing unless it is written.
    fn on_close(
        &mut self,
        members: &mut Members<Self>,
        connection: &Connection,
        member: Self::Member,
        event: CloseEvent,
    ) {
        let _ = (members, connection, member, event);
    }
}
