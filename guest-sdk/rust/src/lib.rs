//! Write WebSocket handlers for socklet in Rust.
//!
//! A handler is a type that implements [`Handler`]. The host makes one value of
//! it for each connection and calls it as events arrive:
//!
//! ```
//! use socklet_guest::prelude::*;
//!
//! struct Hello;
//!
//! impl Handler for Hello {
//!     fn on_ready(connection: &Connection, _request: &Request) -> Self {
//!         connection.write("Hello!");
//!         Hello
//!     }
//!
//!     fn on_message(&mut self, _connection: &Connection, message: Message) {
//!         info!("{message}");
//!     }
//! }
//!
//! socklet_guest::export!(Hello);
//! ```
//!
//! Build it as a `cdylib` for `wasm32-wasip2` and drop the `.wasm` file into
//! socklet's directory. The crate's README has every step.
//!
//! Connections that share something, as those of a chat do, have a [`Room`] in place
//! of the `Handler`: one value for all of them.
//!
//! The modules, in the order in which an event passes through them:
//!
//! - `bindings` is what wit-bindgen generates, and the mapping of its types.
//! - `export` holds [`export!`] and the states of an instance's connections.
//! - `handler` is the trait that handlers implement, `room` the one for connections
//!   that share an instance, and `members` are these connections. `gate` is the one
//!   for those that decide who may connect, and `snapshot` for those whose state
//!   outlives a swap (with the feature of that name). `alarm` is the one for those that
//!   set timers, and `owners` knows whose these are.
//! - `request`, `message` and `close` are what events carry.
//! - `connection` is what a handler can do about it, and [`topics`] how it reaches the
//!   connections of all instances.
//! - [`http`] sends requests to servers elsewhere, and [`mod@env`] has the manifest's
//!   variables.
//! - `logging` sends the `log` crate's lines, and panics, to the host's log.
//! - `host` has the functions that are called there; natively they are those of
//!   `testing`, which is a host for tests.
//! - `allocator` keeps idle instances small. It is there on wasm32-unknown-unknown,
//!   unless the feature of that name is turned off.
//!
//! Absent on purpose: an executor. An event runs to its end, and the host runs no second
//! one beside it; what has to be waited for, an upstream's answer, is waited for in a call.
//!
//! Built for any other target than `wasm32`, a handler exports nothing, and its tests run
//! in the host that the module `testing` has.

mod alarm;
#[cfg(all(feature = "allocator", target_arch = "wasm32", target_os = "unknown"))]
mod allocator;
#[doc(hidden)]
pub mod bindings;
mod close;
mod connection;
pub mod env;
#[doc(hidden)]
pub mod export;
mod gate;
mod handler;
mod host;
pub mod http;
mod logging;
mod members;
mod message;
mod owners;
pub mod prelude;
mod request;
mod room;
#[cfg(feature = "snapshot")]
mod snapshot;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod topics;

pub use alarm::{Alarm, RoomAlarm, Timer, TimerError};
pub use close::{CloseEvent, CloseOrigin, CloseOutcome};
pub use connection::{Connection, WriteError};
pub use gate::{Acceptance, Gate, Rejection};
pub use handler::Handler;
// The whole crate, so that a handler can name `log::Level` without depending on it.
pub use log;
pub use members::Members;
pub use message::{AsMessage, Message, MessageRef};
pub use request::Request;
pub use room::Room;
#[cfg(feature = "snapshot")]
pub use snapshot::{Older, Snapshot, SnapshotError};

/// Compiles the README's Rust.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Compiles the Rust of the page that teaches handlers.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/handlers.md")]
struct Handlers;

/// Compiles the Rust of the page about swaps.
#[cfg(all(doctest, feature = "snapshot"))]
#[doc = include_str!("../../../docs/hot-swap.md")]
struct HotSwap;

/// Compiles the Rust of the page about requests to upstreams.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/http.md")]
struct Http;
