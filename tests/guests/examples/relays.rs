//! A room of the SDK's that relays whatever it is sent, of any length, with its sender's
//! id before it. `who` is answered with the ids of those who are there, and `panic` with
//! a panic. Each is told how many came before, and hears of those who leave.

use socklet_guest::prelude::*;

struct Relays {
    came: u64,
}

impl Room for Relays {
    type Member = ();

    fn open(connection: &Connection, request: &Request) -> Self {
        info!("{} is opened by {}", request.path, connection.id());
        Relays { came: 0 }
    }

    fn on_ready(&mut self, _: &mut Members<Self>, connection: &Connection, _: &Request) {
        connection.write(self.came.to_string());
        self.came += 1;
    }

    fn on_message(
        &mut self,
        members: &mut Members<Self>,
        connection: &Connection,
        message: Message,
    ) {
        match message.as_text() {
            Some("who") => {
                let ids: Vec<_> =
                    members.iter().map(|(member, ())| member.id().to_string()).collect();
                connection.write(ids.join(" "));
            }
            Some("panic") => panic!("as it was told"),
            _ => members.broadcast(format!("{}: {message}", connection.id())),
        }
    }

    fn on_close(
        &mut self,
        members: &mut Members<Self>,
        connection: &Connection,
        _: (),
        event: CloseEvent,
    ) {
        members.broadcast(format!("{} left with {}", connection.id(), event.code));
    }
}

socklet_guest::export!(Relays: Room);
