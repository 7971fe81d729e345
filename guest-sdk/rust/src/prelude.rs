//! What nearly every handler names: its trait, the types of its events, and the
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

pub use crate::{CloseEvent, CloseOrigin, Connection, Handler, Members, Message, Request, Room};
pub use log::{debug, error, info, trace, warn};
