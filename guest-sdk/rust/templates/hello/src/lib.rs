//! Greets each peer, logs what it says, and logs that it left.

use socklet_guest::prelude::*;

// A value of this is made for each connection. What the handler has to remember of a
// connection would be its fields.
struct Hello;

impl Handler for Hello {
    // The connection is open: what is written reaches the peer.
    fn on_ready(connection: &Connection, _request: &Request) -> Self {
        connection.write("Hello!");
        Hello
    }

    // The peer has sent a message, text or binary.
    fn on_message(&mut self, _connection: &Connection, message: Message) {
        info!("{message}");
    }

    // The connection has ended, and the event says how.
    fn on_close(&mut self, _connection: &Connection, _event: CloseEvent) {
        info!("Disconnected");
    }
}

// Makes it the handler that this component exports.
socklet_guest::export!(Hello);

#[cfg(test)]
mod tests {
    use socklet_guest::testing;

    use super::Hello;

    #[test]
    fn it_greets_and_logs() {
        // A host without a socket: events run when the test says so.
        let host = testing::handler::<Hello>();
        let peer = host.connect("/{{name}}");
        assert_eq!(peer.texts(), ["Hello!"]);
        peer.send("How are you?");
        peer.close(1000, "");
        let logged: Vec<_> = host.logged().into_iter().map(|(_, line)| line).collect();
        assert_eq!(logged, ["How are you?", "Disconnected"]);
    }
}
