//! Where an instance's events come from.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;

use crate::connection::{Connection, ConnectionId};
use crate::mailbox::Event;
use crate::messages::Incoming;
use crate::room::Room;

#[derive(Clone)]
pub(crate) enum Source {
    /// One connection, whose session polls the instance.
    Own(Arc<Connection>),
    /// The connections of a room, whose task does.
    Room(Arc<Room>),
}

impl Source {
    /// The next event, and whose it is. Of one connection, its session polls again after
    /// each change that it makes; a room wakes who polls.
    pub(crate) fn poll_event(&self, cx: &mut Context<'_>) -> Poll<(ConnectionId, Event)> {
        match self {
            Self::Own(connection) => connection.poll_event().map(|event| (connection.id(), event)),
            Self::Room(room) => room.poll_event(cx),
        }
    }

    /// The next event, where it is a message; none where another one is next.
    pub(crate) fn poll_message(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(ConnectionId, Incoming)>> {
        match self {
            Self::Own(connection) => connection
                .poll_message()
                .map(|message| message.map(|message| (connection.id(), message))),
            Self::Room(room) => room.poll_message(cx),
        }
    }

    /// The connection whose event is under way.
    pub(crate) fn current(&self) -> Option<Arc<Connection>> {
        match self {
            Self::Own(connection) => Some(connection.clone()),
            Self::Room(room) => room.current(),
        }
    }

    /// The event that was under way has ended well, at this time.
    pub(crate) fn event_ended(&self, at: Instant) {
        if let Self::Room(room) = self {
            room.event_ended(at);
        }
    }

    /// The guest has done something to one of the connections, of which its session has
    /// to hear. That of an instance's only one polls the instance, and looks by itself.
    pub(crate) fn touched(&self, connection: &Arc<Connection>) {
        if let Self::Room(room) = self {
            room.mark(connection);
        }
    }
}
