//! Echoes text, but traps on `trap`.

use socklet_guest::prelude::*;

struct Traps;

impl Handler for Traps {
    fn on_ready(_: &Connection, _: &Request) -> Self {
        Traps
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        assert!(message.as_text() != Some("trap"), "asked to trap");
        connection.write(message);
    }

    fn on_close(&mut self, _: &Connection, _: CloseEvent) {
        info!("on-close");
    }
}

socklet_guest::export!(Traps);
