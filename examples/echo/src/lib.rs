//! Sends each message back, text as text and binary as binary.

use socklet_guest::prelude::*;

struct Echo;

impl Handler for Echo {
    fn on_ready(_connection: &Connection, _request: &Request) -> Self {
        Echo
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        connection.write(message);
    }
}

socklet_guest::export!(Echo);

#[cfg(test)]
mod tests {
    use socklet_guest::{Message, testing};

    use super::Echo;

    #[test]
    fn text_comes_back_as_text_and_binary_as_binary() {
        let host = testing::handler::<Echo>();
        let peer = host.connect("/echo");
        let messages = [Message::from("hello"), Message::from(""), Message::from(vec![0, 255])];
        for message in &messages {
            peer.send(message.clone());
        }
        assert_eq!(peer.received(), messages);
    }
}
