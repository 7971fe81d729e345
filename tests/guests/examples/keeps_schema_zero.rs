//! Keeps nothing, under the schema 0, which the guests of docs/conformance.md refuse. It
//! has a gate, as they have.

use serde::{Deserialize, Serialize};
use socklet_guest::prelude::*;

#[derive(Serialize, Deserialize)]
struct Keeps;

impl Handler for Keeps {
    fn on_ready(_connection: &Connection, _request: &Request) -> Self {
        Keeps
    }

    fn on_message(&mut self, connection: &Connection, _message: Message) {
        connection.write("schema 0");
    }
}

impl Gate for Keeps {
    fn on_request(_: &Connection, _: &Request) -> Result<Acceptance, Rejection> {
        Ok(Acceptance::new())
    }
}

impl Snapshot for Keeps {
    const SCHEMA: u32 = 0;
}

socklet_guest::export!(Keeps: Handler + Gate + Snapshot);
