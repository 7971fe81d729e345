//! Sends each message back, text as text and binary as binary.

use socklet_guest::prelude::*;

struct Echo;

impl Handler for Echo {
    fn on_ready(_connection: &Connection, _request: &Request) -> Self {
        Echo
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        // A string would be sent as text, bytes as binary, and a message as what it is.
        connection.write(message);
    }
}

socklet_guest::export!(Echo);

#[cfg(test)]
mod tests {
    use socklet_guest::{Message, testing};

    use super::Echo;

    #[test]
    fn messages_come_back_as_what_they_are() {
        let host = testing::handler::<Echo>();
        let peer = host.connect("/{{name}}");
        peer.send("Hello!");
        peer.send(vec![0, 255]);
        assert_eq!(peer.received(), [Message::from("Hello!"), Message::from(vec![0, 255])]);
    }
}
