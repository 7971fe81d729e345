//! What serves a connection's events, as its session sees it.

use std::pin::Pin;
use std::sync::Arc;

use tokio::time::Sleep;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::generation::Generation;
use crate::instance::{Instance, Served};
use crate::instances::{InstanceSlot, Instances, Turn};
use crate::overtime::Work;
use crate::parking::Parked;
use crate::resting::Place;
use crate::room::Seat;
use crate::snapshot::Stays;
use crate::source::Source;

pub(crate) enum Guest {
    /// An instance of its own, which the session polls.
    Own(Own),
    /// A place in a room, whose own task polls the instance.
    Seated(Seat),
    /// `on-close` has returned, or the instance has failed.
    Gone,
}

/// An instance of one connection, and those that take over from it.
pub(crate) struct Own {
    pub(super) instances: Arc<Instances>,
    pub(super) state: State,
    /// Whether it is to move, and how far that has come.
    pub(super) leaving: Leaving,
    /// The number of the generation that it could not move to, as of the last try.
    pub(super) refused: u64,
    /// It was asked for its state because it has nothing to do.
    pub(super) parking: bool,
    /// It could not be parked, and is not asked again.
    pub(super) wakeful: bool,
    /// That it could be asked, where instances run short.
    pub(super) place: Option<Place>,
    /// None while there is no instance, or where nobody counts.
    pub(super) slot: Option<InstanceSlot>,
}

/// On the way to an instance of another generation.
pub(super) enum Leaving {
    No,
    /// Others are before it.
    Waits(Pin<Box<dyn Future<Output = Option<Turn>> + Send>>),
    /// It was asked for its state, and gives that between two events. The turn is for others
    /// after a while, where an event takes that long.
    Asked {
        turn: Option<Turn>,
        patience: Pin<Box<Sleep>>,
    },
}

pub(super) enum State {
    Serving(Work<Result<Served, Failure>>),
    /// Another instance takes up its state.
    Moving(Pin<Box<dyn Future<Output = Result<Moved, Failure>> + Send>>),
    /// There is none, until there is another event.
    Parked(Box<Parked>),
}

/// What has become of a move.
pub(super) struct Moved {
    /// The one that serves from now on, and whose it is.
    pub(super) instance: Instance,
    pub(super) generation: Arc<Generation>,
    /// Where it was to move.
    pub(super) next: Arc<Generation>,
    /// Why it has not.
    pub(super) stays: Option<Stays>,
    /// Of an instance that comes where there was none.
    pub(super) slot: Option<InstanceSlot>,
}

impl Guest {
    pub(crate) fn own(
        instance: Instance,
        connection: Arc<Connection>,
        instances: &Arc<Instances>,
        slot: Option<InstanceSlot>,
    ) -> Self {
        Self::Own(Own {
            state: State::serving(instance, connection, instances),
            instances: instances.clone(),
            leaving: Leaving::No,
            refused: 0,
            parking: false,
            wakeful: false,
            place: None,
            slot,
        })
    }
}

impl State {
    pub(super) fn serving(
        instance: Instance,
        connection: Arc<Connection>,
        instances: &Instances,
    ) -> Self {
        let meter = instance.meter();
        let serve = instance.serve(Source::Own(connection));
        Self::Serving(instances.overtime.work(meter, serve))
    }
}
