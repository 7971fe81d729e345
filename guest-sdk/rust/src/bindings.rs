//! What wit-bindgen makes of the WIT, and how its types become this crate's.
//!
//! Public only because the code that [`export!`](crate::export!) leaves in a
//! handler's crate names it; nothing here is meant to be used directly.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    clippy::undocumented_unsafe_blocks,
    reason = "generated code"
)]

use self::gated::exports::socklet::websocket::gate;
use self::socklet::websocket::types;
use crate::{
    Acceptance, CloseEvent, CloseOrigin, CloseOutcome, Message, MessageRef, Rejection, Request,
    WriteError,
};

wit_bindgen::generate!({
    world: "looping-handler",
    path: "wit",
    // So that a `&str` is written without being copied into a `String` first.
    ownership: Borrowing { duplicate_if_necessary: true },
    pub_export_macro: true,
    export_macro_name: "export_bindings",
});

/// The optional import of topics.
pub mod topical {
    wit_bindgen::generate!({
        inline: "
            package socklet:guest-topics;

            world topical {
                import socklet:websocket/topics@0.1.0;
            }
        ",
        path: "wit",
        with: { "socklet:websocket/types@0.1.0": super::socklet::websocket::types },
        generate_all,
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// The optional import of HTTP: `wasi:http`, of which only what is called gets into a
/// component.
pub mod http {
    wit_bindgen::generate!({
        inline: "
            package socklet:guest-http;

            world client {
                import wasi:http/outgoing-handler@0.2.12;
            }
        ",
        path: "wasi",
        generate_all,
    });
}

/// The optional import of the handler's environment.
pub mod environment {
    wit_bindgen::generate!({
        inline: "
            package socklet:guest-environment;

            world informed {
                import wasi:cli/environment@0.2.12;
            }

            package wasi:cli@0.2.12 {
                interface environment {
                    get-environment: func() -> list<tuple<string, string>>;
                    // Whole, since it is merged with whatever else a component has of it.
                    get-arguments: func() -> list<string>;
                    initial-cwd: func() -> option<string>;
                }
            }
        ",
        generate_all,
    });
}

/// The optional import of timers.
pub mod timed {
    wit_bindgen::generate!({
        inline: "
            package socklet:guest-timers;

            world timed {
                import socklet:websocket/timers@0.1.0;
            }
        ",
        path: "wit",
        with: { "socklet:websocket/types@0.1.0": super::socklet::websocket::types },
        generate_all,
    });
}

/// The optional export of an alarm: a world of its own, so that who has none exports none.
pub mod alarmed {
    wit_bindgen::generate!({
        inline: "
            package socklet:guest-alarm;

            world alarmed {
                export socklet:websocket/alarm@0.1.0;
            }
        ",
        path: "wit",
        with: { "socklet:websocket/types@0.1.0": super::socklet::websocket::types },
        pub_export_macro: true,
        export_macro_name: "export_alarm_bindings",
    });
}

/// The optional export of a gate, likewise.
pub mod gated {
    wit_bindgen::generate!({
        inline: "
            package socklet:guest-gate;

            world gated {
                export socklet:websocket/gate@0.1.0;
            }
        ",
        path: "wit",
        with: { "socklet:websocket/types@0.1.0": super::socklet::websocket::types },
        ownership: Borrowing { duplicate_if_necessary: true },
        pub_export_macro: true,
        export_macro_name: "export_gate_bindings",
    });
}

/// The optional export of a snapshot, likewise.
#[cfg(feature = "snapshot")]
pub mod lasting {
    wit_bindgen::generate!({
        inline: "
            package socklet:guest-snapshot;

            world lasting {
                export socklet:websocket/snapshot@0.1.0;
            }
        ",
        path: "wit",
        with: { "socklet:websocket/types@0.1.0": super::socklet::websocket::types },
        pub_export_macro: true,
        export_macro_name: "export_snapshot_bindings",
    });

    impl From<crate::SnapshotError> for exports::socklet::websocket::snapshot::SnapshotError {
        fn from(error: crate::SnapshotError) -> Self {
            match error {
                crate::SnapshotError::UnknownSchema => Self::UnknownSchema,
                crate::SnapshotError::Failed(why) => Self::Failed(why),
            }
        }
    }
}

impl From<types::MessageResult> for Message {
    fn from(message: types::MessageResult) -> Self {
        match message {
            types::MessageResult::Text(text) => Message::Text(text),
            types::MessageResult::Binary(bytes) => Message::Binary(bytes),
        }
    }
}

impl<'a> From<MessageRef<'a>> for types::MessageParam<'a> {
    fn from(message: MessageRef<'a>) -> Self {
        match message {
            MessageRef::Text(text) => types::MessageParam::Text(text),
            MessageRef::Binary(bytes) => types::MessageParam::Binary(bytes),
        }
    }
}

impl From<types::Request> for Request {
    fn from(request: types::Request) -> Self {
        Request {
            path: request.path,
            query_string: request.query,
            header_fields: request.headers,
            remote_address: request.remote_address,
            subprotocol: request.subprotocol,
        }
    }
}

impl From<types::CloseEvent> for CloseEvent {
    fn from(event: types::CloseEvent) -> Self {
        CloseEvent {
            origin: match event.origin {
                types::CloseOrigin::Peer => CloseOrigin::Peer,
                types::CloseOrigin::Handler => CloseOrigin::Handler,
                types::CloseOrigin::Host => CloseOrigin::Host,
                types::CloseOrigin::Network => CloseOrigin::Network,
            },
            code: event.code,
            reason: event.reason,
            detail: event.detail,
        }
    }
}

impl From<types::CloseOutcome> for CloseOutcome {
    fn from(outcome: types::CloseOutcome) -> Self {
        match outcome {
            types::CloseOutcome::Closing => CloseOutcome::Closing,
            types::CloseOutcome::Closed => CloseOutcome::Closed,
            types::CloseOutcome::Invalid => CloseOutcome::Invalid,
        }
    }
}

impl From<types::WriteOutcome> for Result<(), WriteError> {
    fn from(outcome: types::WriteOutcome) -> Self {
        match outcome {
            types::WriteOutcome::Queued => Ok(()),
            types::WriteOutcome::Full => Err(WriteError::Full),
            types::WriteOutcome::Closed => Err(WriteError::Closed),
            types::WriteOutcome::TooLarge => Err(WriteError::TooLarge),
        }
    }
}

impl From<log::Level> for socklet::websocket::log::Level {
    fn from(level: log::Level) -> Self {
        match level {
            log::Level::Trace => Self::Trace,
            log::Level::Debug => Self::Debug,
            log::Level::Info => Self::Info,
            log::Level::Warn => Self::Warn,
            log::Level::Error => Self::Error,
        }
    }
}

impl From<Acceptance> for gate::Acceptance {
    fn from(acceptance: Acceptance) -> Self {
        let Acceptance { subprotocol, headers, attachment } = acceptance;
        Self { subprotocol, headers, attachment }
    }
}

impl From<Rejection> for gate::Rejection {
    fn from(rejection: Rejection) -> Self {
        let Rejection { status, headers, body } = rejection;
        Self { status, headers, body }
    }
}
