//! Where an instance's events come from.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;

use crate::alarms::{Alarms, CancelOutcome, SetOutcome, Timer, TimerId, Wanted};
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

    /// Sets a timer, of which there may be `max`.
    pub(crate) fn set_timer(&self, wanted: Wanted, max: usize) -> SetOutcome {
        match self {
            Self::Own(connection) => {
                let mut shared = connection.shared();
                // It would never be heard of.
                if shared.mailbox.is_ending() {
                    return SetOutcome::Unavailable;
                }
                shared.alarms.get_or_insert_default().set(wanted, max)
            }
            Self::Room(room) => room.set_timer(wanted, max),
        }
    }

    pub(crate) fn cancel_timer(&self, timer: TimerId) -> CancelOutcome {
        self.with_alarms(|alarms| alarms.cancel(timer)).unwrap_or(CancelOutcome::NotSet)
    }

    /// Whether any timer is set.
    pub(crate) fn has_timers(&self) -> bool {
        self.with_alarms(|alarms| alarms.are_set()).unwrap_or(false)
    }

    /// Those that are set, for [`Self::restore_timers`].
    pub(crate) fn timers(&self) -> Vec<Timer> {
        self.with_alarms(|alarms| alarms.timers()).unwrap_or_default()
    }

    /// What has been set and cancelled since is undone.
    pub(crate) fn restore_timers(&self, timers: Vec<Timer>) {
        self.with_alarms(|alarms| alarms.restore(timers));
    }

    /// None where no timer has ever been set.
    fn with_alarms<T>(&self, what: impl FnOnce(&mut Alarms) -> T) -> Option<T> {
        match self {
            Self::Own(connection) => connection.shared().alarms.as_deref_mut().map(what),
            Self::Room(room) => room.with_alarms(what),
        }
    }
}
