//! Tries to write to and to close the connections with the ids around its own, and
//! answers with what came of it. It uses the raw imports: the SDK has no way to
//! name another connection.

use socklet_guest::bindings::socklet::websocket::{connection as raw, types};
use socklet_guest::prelude::*;

struct Reaches;

impl Handler for Reaches {
    fn on_ready(_: &Connection, _: &Request) -> Self {
        Reaches
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        let Some(text) = message.as_text() else { return };
        if text == "id" {
            return connection.write(connection.id().to_string());
        }
        let Some(("reach", ids)) = text.split_once(' ') else {
            connection.write(message);
            return;
        };
        let mut answer = String::new();
        for id in ids.split(',').filter_map(|id| id.parse().ok()) {
            let written = raw::write(id, types::MessageParam::Text("intruder"));
            let closed = raw::close(id, 1000, "intruder");
            let amount = raw::buffered_amount(id);
            answer += &format!("{written:?} {closed:?} {amount};");
        }
        connection.write(answer);
    }
}

socklet_guest::export!(Reaches);
