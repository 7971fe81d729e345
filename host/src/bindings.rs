//! The generated bindings of `wit/`, and how the host's types map onto them.

#![allow(missing_docs, reason = "generated; the WIT carries the docs")]
#![allow(clippy::all, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "websocket-handler",
    exports: { default: async },
    ownership: Borrowing { duplicate_if_necessary: true },
});

pub(crate) use self::exports::socklet::websocket::handler::Guest as HandlerExports;
pub(crate) use self::socklet::websocket::types::{
    CloseEvent, CloseOrigin, CloseOutcome, MessageParam, MessageResult, Request, WriteOutcome,
};
pub(crate) use self::socklet::websocket::{connection, log, opening, types};
