//! What one connection sends, all others receive: measured against other servers.

use socklet_guest::prelude::*;
use socklet_guest::topics;

struct Broadcasts;

impl Handler for Broadcasts {
    fn on_ready(connection: &Connection, _: &Request) -> Self {
        connection.subscribe("all");
        Broadcasts
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        topics::publish_except("all", message, connection);
    }
}

socklet_guest::export!(Broadcasts);
