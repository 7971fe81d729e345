//! Sends each message back, text as text and binary as binary.

use socklet_guest::prelude::*;

struct Echo;

impl Handler for Echo {
    fn on_ready(_connection: &Connection, _request: &Request) -> Self {
        Echo
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        connection.write(message);
    }
}

socklet_guest::export!(Echo);
