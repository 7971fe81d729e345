//! Greets each peer and closes the connection at once.

use socklet_guest::prelude::*;

struct Goodbye;

impl Handler for Goodbye {
    fn on_ready(connection: &Connection, _request: &Request) -> Self {
        connection.write("Hello!");
        connection.close(1000, "");
        Goodbye
    }

    fn on_close(&mut self, _connection: &Connection, _event: CloseEvent) {
        info!("Disconnected");
    }
}

socklet_guest::export!(Goodbye);
