//! Subscribes its peers to topics; what is published there comes from the outside. The
//! README has the format.

use socklet_guest::prelude::*;
use socklet_guest::topics::SubscribeOutcome;

struct Ticker;

impl Handler for Ticker {
    fn on_ready(connection: &Connection, request: &Request) -> Self {
        for (name, topic) in request.query_pairs() {
            if name == "topic" {
                obey(connection, Command::Subscribe(&topic));
            }
        }
        Ticker
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        match message.as_text().and_then(Command::read) {
            Some(command) => obey(connection, command),
            None => connection.write("* say subscribe NAME or unsubscribe NAME"),
        }
    }
}

/// What a peer can ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Command<'a> {
    Subscribe(&'a str),
    Unsubscribe(&'a str),
}

impl<'a> Command<'a> {
    fn read(text: &'a str) -> Option<Self> {
        match text.split_once(' ')? {
            ("subscribe", topic) => Some(Command::Subscribe(topic)),
            ("unsubscribe", topic) => Some(Command::Unsubscribe(topic)),
            _ => None,
        }
    }
}

fn obey(connection: &Connection, command: Command<'_>) {
    connection.write(match command {
        Command::Subscribe(topic) => match connection.subscribe(topic) {
            SubscribeOutcome::Subscribed => format!("* subscribed to {topic}"),
            refusal => format!("* not subscribed: {refusal}"),
        },
        Command::Unsubscribe(topic) => {
            connection.unsubscribe(topic);
            format!("* unsubscribed from {topic}")
        }
    });
}

socklet_guest::export!(Ticker);

#[cfg(test)]
mod tests {
    use super::Command;

    #[test]
    fn commands_are_a_word_and_a_name() {
        assert_eq!(Command::read("subscribe oil"), Some(Command::Subscribe("oil")));
        assert_eq!(Command::read("unsubscribe a b"), Some(Command::Unsubscribe("a b")));
        for nonsense in ["", "subscribe", "SUBSCRIBE oil", "publish oil", "oil"] {
            assert_eq!(Command::read(nonsense), None, "{nonsense}");
        }
    }
}
