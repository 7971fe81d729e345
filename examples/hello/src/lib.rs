//! Greets each peer, logs what it says, and logs that it left.

use socklet_guest::prelude::*;

struct Hello;

impl Handler for Hello {
    fn on_ready(connection: &Connection, _request: &Request) -> Self {
        connection.write("Hello!");
        Hello
    }

    fn on_message(&mut self, _connection: &Connection, message: Message) {
        info!("{message}");
    }

    fn on_close(&mut self, _connection: &Connection, _event: CloseEvent) {
        info!("Disconnected");
    }
}

socklet_guest::export!(Hello);
