//! Timers, and the traits of handlers that hear of them.

use std::fmt;
use std::time::Duration;

use crate::bindings::timed::socklet::websocket::timers::{CancelOutcome, SetOutcome};
use crate::host::timers;
use crate::{Connection, Members, Room, owners};

/// A [`Handler`](crate::Handler) that sets timers.
///
/// Name it to [`export!`](crate::export!) beside the handler's trait. A component that
/// sets timers and does not is refused by the host when it is loaded. A [`Room`] has
/// [`RoomAlarm`] in its place.
///
/// ```
/// use std::time::Duration;
///
/// use socklet_guest::prelude::*;
///
/// /// Tells its peer every second how many seconds have passed.
/// struct Ticks(u64);
///
/// impl Handler for Ticks {
///     fn on_ready(_connection: &Connection, _request: &Request) -> Self {
///         Timer::every(Duration::from_secs(1)).expect("it is the first");
///         Ticks(0)
///     }
/// }
///
/// impl Alarm for Ticks {
///     fn on_alarm(&mut self, connection: &Connection, _timer: Timer) {
///         self.0 += 1;
///         connection.write(self.0.to_string());
///     }
/// }
///
/// socklet_guest::export!(Ticks: Handler + Alarm);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` hears of no timers",
    note = "implement `socklet_guest::Alarm` for it, or leave `+ Alarm` out of `export!`"
)]
pub trait Alarm {
    /// A timer has gone off that was set in an event of this connection.
    ///
    /// An event like any other. The connection may be closing by now; once it has ended,
    /// its timers are cancelled.
    fn on_alarm(&mut self, connection: &Connection, timer: Timer);
}

/// A [`Room`] that sets timers, which are the room's and no connection's.
///
/// ```
/// use std::time::Duration;
///
/// use socklet_guest::prelude::*;
///
/// /// Goes to the last one who bid, ten seconds after that.
/// struct Auction {
///     ends: Option<Timer>,
/// }
///
/// impl Room for Auction {
///     type Member = ();
///
///     fn open(_connection: &Connection, _request: &Request) -> Self {
///         Auction { ends: None }
///     }
///
///     fn on_ready(&mut self, _: &mut Members<Self>, _: &Connection, _: &Request) {}
///
///     fn on_message(&mut self, _: &mut Members<Self>, _: &Connection, _bid: Message) {
///         if let Some(ends) = self.ends.take() {
///             ends.cancel();
///         }
///         self.ends = Timer::after(Duration::from_secs(10)).ok();
///     }
/// }
///
/// impl RoomAlarm for Auction {
///     fn on_alarm(&mut self, members: &mut Members<Self>, _timer: Timer) {
///         members.broadcast("sold!");
///     }
/// }
///
/// socklet_guest::export!(Auction: Room + Alarm);
/// ```
#[diagnostic::on_unimplemented(
    message = "the room `{Self}` hears of no timers",
    note = "implement `socklet_guest::RoomAlarm` for it, or leave `+ Alarm` out of `export!`"
)]
pub trait RoomAlarm: Room {
    /// A timer of the room has gone off. There may be nobody in it: while it lingers its
    /// timers go off as ever.
    fn on_alarm(&mut self, members: &mut Members<Self>, timer: Timer);
}

/// A timer that was set: a name for it, to tell it from others and to cancel it.
///
/// Dropping it does not cancel it. It outlives a swap and parking as the state does (see
/// `Snapshot`), and may be a part of that: it is what serde knows as a number. It ends
/// with the connection in whose event it was set, or with its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "snapshot", serde(transparent))]
pub struct Timer {
    id: u64,
}

impl Timer {
    pub(crate) fn new(id: u64) -> Self {
        Timer { id }
    }

    /// Sets a timer that goes off once, after 10 ms to 365 days.
    ///
    /// # Errors
    ///
    /// [`TimerError`] says why it is not set.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use socklet_guest::prelude::*;
    ///
    /// fn remind(connection: &Connection) {
    ///     if let Err(error) = Timer::after(Duration::from_secs(60)) {
    ///         connection.write(format!("no reminder: {error}"));
    ///     }
    /// }
    /// ```
    pub fn after(delay: Duration) -> Result<Self, TimerError> {
        set(delay, None)
    }

    /// Sets a timer that goes off again and again, with a period of 10 ms to 365 days.
    ///
    /// One that is late does not drift by that; where it is late by more than its
    /// period, it goes off once for all that were missed.
    ///
    /// # Errors
    ///
    /// [`TimerError`] says why it is not set.
    pub fn every(period: Duration) -> Result<Self, TimerError> {
        set(period, Some(period))
    }

    /// Takes it back: `on_alarm` is not called for it any more, even if it is due. False
    /// where there is no such timer: it has gone off, or was cancelled before.
    #[allow(clippy::must_use_candidate, reason = "most have no use for it")]
    pub fn cancel(self) -> bool {
        owners::forget_timer(self.id);
        timers::cancel(self.id) == CancelOutcome::Cancelled
    }
}

fn set(after: Duration, every: Option<Duration>) -> Result<Timer, TimerError> {
    // Not early: what the host does not count is rounded up.
    let milliseconds =
        |time: Duration| u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    match timers::set(milliseconds(after), every.map(milliseconds)) {
        SetOutcome::Set(id) => {
            owners::remember(id, every.is_some());
            Ok(Timer { id })
        }
        SetOutcome::Full => Err(TimerError::Full),
        SetOutcome::OutOfRange => Err(TimerError::OutOfRange),
        SetOutcome::Unavailable => Err(TimerError::Unavailable),
    }
}

/// Cancels the timers of a connection that has ended.
pub(crate) fn cancel_all_of(connection: u64) {
    for timer in owners::forget(connection) {
        timers::cancel(timer);
    }
}

/// Why a timer was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimerError {
    /// The instance has as many as it may, the host's `max-timers` (256 by default).
    Full,
    /// The time is shorter than 10 ms or longer than 365 days.
    OutOfRange,
    /// There is nobody whose timer it could be: in a [`Gate`](crate::Gate), and in the
    /// `on_close` of an instance's only connection.
    Unavailable,
}

impl fmt::Display for TimerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "there are too many timers",
            Self::OutOfRange => "a timer takes 10 ms to 365 days",
            Self::Unavailable => "no timer can be set here",
        })
    }
}

impl std::error::Error for TimerError {}
