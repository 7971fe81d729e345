//! What docs/conformance.md says of `conformance-room`.

use serde::{Deserialize, Serialize};
use socklet_guest::prelude::*;

#[derive(Serialize, Deserialize)]
struct Conformance {
    messages: u64,
}

impl Snapshot for Conformance {
    const SCHEMA: u32 = 1;
}

impl Room for Conformance {
    type Member = ();

    fn open(_connection: &Connection, _request: &Request) -> Self {
        Conformance { messages: 0 }
    }

    fn on_ready(&mut self, members: &mut Members<Self>, connection: &Connection, _: &Request) {
        connection.write(format!("ready {}", members.len() + 1));
        members.broadcast(format!("+{}", connection.id()));
    }

    fn on_message(
        &mut self,
        members: &mut Members<Self>,
        connection: &Connection,
        message: Message,
    ) {
        self.messages += 1;
        let text = message.as_text().unwrap_or_default();
        match text.split_once(' ').unwrap_or((text, "")) {
            ("/members", _) => connection.write(members.len().to_string()),
            ("/count", _) => connection.write(self.messages.to_string()),
            ("/others", text) => members.broadcast_except(connection, text),
            ("/fail", text) => panic!("{text}"),
            _ => members.broadcast(message),
        }
    }

    fn on_close(
        &mut self,
        members: &mut Members<Self>,
        connection: &Connection,
        _member: (),
        _event: CloseEvent,
    ) {
        members.broadcast(format!("-{}", connection.id()));
    }
}

socklet_guest::export!(Conformance: Room + Snapshot);
