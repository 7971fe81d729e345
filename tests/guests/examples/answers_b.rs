//! Answers each text with `b:` before it; with `answers_a`, two versions of a handler.

use socklet_guest::prelude::*;

struct Answers;

impl Handler for Answers {
    fn on_ready(_: &Connection, _: &Request) -> Self {
        Answers
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        connection.write(format!("b:{message}"));
    }
}

socklet_guest::export!(Answers);
