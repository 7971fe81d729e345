//! What serves a connection's events, as its session sees it.

use std::sync::Arc;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::host::InstanceSlot;
use crate::instance::Instance;
use crate::overtime::{Overtime, Work};
use crate::room::Seat;
use crate::source::Source;

pub(crate) enum Guest {
    /// An instance of its own, which the session polls.
    Own {
        work: Work<Result<(), Failure>>,
        /// None where nobody counts.
        _slot: Option<InstanceSlot>,
    },
    /// A place in a room, whose own task polls the instance.
    Seated(Seat),
    /// `on-close` has returned, or the instance has failed.
    Gone,
}

impl Guest {
    pub(crate) fn own(
        instance: Instance,
        connection: Arc<Connection>,
        overtime: &Overtime,
        slot: Option<InstanceSlot>,
    ) -> Self {
        let meter = instance.meter();
        let work = overtime.work(meter, instance.serve(Source::Own(connection)));
        Self::Own { work, _slot: slot }
    }
}
