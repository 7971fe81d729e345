//! Tests over real sockets against the real binary, in one program: a module for
//! each promise, and a harness that starts servers and clients.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

mod admin;
mod author;
mod auto_rollback;
mod autobahn;
mod backpressure;
mod budgets;
mod cache;
mod clients;
mod closing;
mod command_line;
mod compile;
mod conformance;
mod descriptors;
mod directory;
mod embed;
mod examples;
mod faults;
mod gate;
mod handshake;
mod hostile;
mod http;
mod keepalive;
mod killed;
mod lifecycle;
mod limits;
mod listeners;
mod manifest;
mod mappings;
mod members;
mod message_loop;
mod migrate;
mod migrate_under_load;
mod order;
mod origin;
mod parking;
mod policy;
mod rooms;
mod sandbox;
mod session;
mod shutdown;
mod soak;
mod state;
mod static_files;
mod subprotocol;
mod swap;
mod swap_under_load;
mod takeover;
mod timers;
mod tls;
mod topics;
