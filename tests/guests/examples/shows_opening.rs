//! Tells its peer all that it sees of the opening, a line each, and logs how connections
//! begin and end.

use socklet_guest::prelude::*;

struct Shows;

impl Handler for Shows {
    fn on_ready(connection: &Connection, request: &Request) -> Self {
        info!("ready");
        let mut lines = vec![
            format!("claims {:?}", connection.claims()),
            format!("query {:?}", request.query_string),
            format!("subprotocol {:?}", request.subprotocol),
        ];
        for (name, value) in &request.header_fields {
            lines.push(format!("{name}: {}", String::from_utf8_lossy(value)));
        }
        connection.write(lines.join("\n"));
        Shows
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        connection.write(message);
    }

    fn on_close(&mut self, _: &Connection, event: CloseEvent) {
        info!("closed: {:?} {} {:?}", event.origin, event.code, event.detail);
    }
}

socklet_guest::export!(Shows);
