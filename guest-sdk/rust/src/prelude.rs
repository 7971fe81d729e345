//! What nearly every handler names: its traits, the types of its events, and the
//! macros of the `log` crate.
//!
//! ```
//! use socklet_guest::prelude::*;
//!
//! fn greet(connection: &Connection) {
//!     info!("greeting connection {}", connection.id());
//!     connection.write("Hello!");
//! }
//! ```

pub use crate::{
    Acceptance, Alarm, CloseEvent, CloseOrigin, Connection, Gate, Handler, Members, Message,
    Rejection, Request, Room, RoomAlarm, Timer, TimerError,
};
#[cfg(feature = "snapshot")]
pub use crate::{Older, Snapshot, SnapshotError};
pub use log::{debug, error, info, trace, warn};
