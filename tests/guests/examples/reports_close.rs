//! Echoes, and logs how its connection ended.

use socklet_guest::prelude::*;

struct Reports {
    messages: u64,
}

impl Handler for Reports {
    fn on_ready(connection: &Connection, _: &Request) -> Self {
        info!("ready");
        connection.write(connection.id().to_string());
        Reports { messages: 0 }
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        self.messages += 1;
        connection.write(message);
    }

    fn on_close(&mut self, _: &Connection, event: CloseEvent) {
        let CloseEvent { origin, code, reason, detail, .. } = event;
        let messages = self.messages;
        info!("closed: {origin:?} {code} {reason:?} {detail:?} after {messages} messages");
    }
}

socklet_guest::export!(Reports);
