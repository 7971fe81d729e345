//! Closes as it is told, `CODE REASON`, and logs each outcome: first `before` is
//! written, then closed, then both are tried again.

use socklet_guest::prelude::*;

struct Closes;

impl Handler for Closes {
    fn on_ready(_: &Connection, _: &Request) -> Self {
        Closes
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        let text = message.to_string();
        let (code, reason) = text.split_once(' ').unwrap_or((&text, ""));
        connection.write("before");
        info!("close: {:?}", connection.close(code.parse().unwrap_or(0), reason));
        info!("write after: {:?}", connection.try_write("after"));
        info!("close again: {:?}", connection.close(1000, ""));
    }

    fn on_close(&mut self, connection: &Connection, event: CloseEvent) {
        info!("write in on-close: {:?}", connection.try_write("late"));
        let CloseEvent { origin, code, reason, detail, .. } = event;
        info!("closed: {origin:?} {code} {reason:?} {detail:?}");
    }
}

socklet_guest::export!(Closes);
