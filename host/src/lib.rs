//! A WebSocket host that is scripted in WebAssembly components.
//!
//! A component that exports `socklet:websocket/handler` serves the connections of
//! one route, each connection in an instance of its own. Its file can be replaced
//! while connections are open.
//!
//! The modules, in the order in which data flows through them:
//!
//! - [`takeover`] gets the listeners of a process that this one replaces.
//! - [`server`] has sockets `accept`ed of each [`listener`], TCP and Unix
//!   (`socket_file`), and never waits for one of them; each is a `stream`, with
//!   [`tls`] or without, and has a `peer`. [`config`] is all that it can be told.
//!   [`admin`] answers an operator's tools, with `metrics` among them.
//! - `host` takes one socket from its handshake to its end, and keeps the slots
//!   (`addresses` those of each remote address, `descriptors` how many fit).
//!   `proxy_protocol` reads whom a proxy names before anything else.
//! - `handshake` answers the request: a status, the test page (`page`), one of the
//!   operator's `files`, or a 101 with an instance behind it. `route` decodes paths, and
//!   a `table` finds what was `claim`ed for them; `token` is how a handler knows who
//!   connects.
//! - `session` owns the open connection: frames in, events, bytes out, timers.
//!   `reader` makes messages of the peer's frames; `closing` is how a connection ends.
//! - `connection` is what a session shares with its instance: a `mailbox` of
//!   events and an `outbound` queue of `frame`s, those that it shares with others as
//!   `segments`. `alarms` are the timers that a guest has set there, or in a room.
//! - `topics` bring what is published to the queues of all that are subscribed.
//! - `account` bounds what one handler uses in all, by what the `machine` has;
//!   `shedding` ends the connections that hold the most where that is too much.
//! - `instance` owns a store and takes one event at a time from its `source`: one
//!   connection, or a `room` of many. It does so under a `meter` and a `clock`, and in
//!   `overtime` where that takes long; `failure` is how that can end. `instances` says how
//!   many there may be, and `resting` who could give one up. A `snapshot` takes what it
//!   knows to another one, at once or after `parking`.
//!   Its `guest_state` is what `imports` and `messages` work with, which the guest can
//!   call; `memory` bounds it, `wasi` is there for those that use it, and `upstream`
//!   sends their requests to servers elsewhere. `guest_log` is where its words go,
//!   `bindings` what is generated from the WIT.
//! - `watch`, `directory`, `loader` (with a `queue` of what is to be loaded, and
//!   what is `known` of each route) and `component` bring files into the
//!   `registry`, from which the handshake picks a `generation` with its `settings`;
//!   these are what a [`manifest`] asks for within the operator's [`policy`], in values
//!   [`written`] as on the command line and `pattern`s of names. `guards` are what no
//!   swap may lose, and [`inspect`] tells before it is served what would come of a file.
//!   `state` is what of it outlives the host.
//!   `trap_loop` holds back one that fails again and again, and `trial` finds out a new one
//!   that fails more than the one before. [`compiler`] has native code made,
//!   `engine` has the settings for it, and `embedded` is what is served where
//!   there is no directory.
//!
//! Nothing flows backwards: an instance knows no session, a session no watcher.
//!
//! `fuzzing` checks it all from within, and is a part of tests and fuzz targets only;
//! `benching` is what benchmarks measure, and a part of those only.

mod accept;
mod account;
mod addresses;
pub mod admin;
mod alarms;
#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod benching;
mod beneath;
mod bindings;
mod claim;
mod clock;
mod closing;
pub mod compiler;
mod component;
pub mod config;
mod connection;
mod descriptors;
mod directory;
mod embedded;
mod engine;
mod failure;
mod files;
mod frame;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod generation;
mod guards;
mod guest_log;
mod guest_state;
mod handshake;
mod host;
mod imports;
pub mod inspect;
mod instance;
mod instances;
mod known;
pub mod listener;
mod loader;
mod machine;
mod mailbox;
pub mod manifest;
mod memory;
mod messages;
mod meter;
mod metrics;
mod outbound;
mod overtime;
mod page;
mod parking;
mod pattern;
mod peer;
pub mod policy;
mod proxy_protocol;
mod queue;
mod reader;
mod registry;
mod resting;
mod room;
mod route;
mod segments;
pub mod server;
mod session;
mod settings;
mod shedding;
mod snapshot;
mod socket_file;
mod source;
mod state;
mod stream;
mod table;
pub mod takeover;
pub mod tls;
mod token;
mod topics;
mod trap_loop;
mod trial;
mod upstream;
mod wasi;
mod watch;
pub mod written;

pub use guest_log::Printable;
