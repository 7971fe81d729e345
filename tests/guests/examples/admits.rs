//! A room with a gate before it. The gate asks for a name, `?name=NAME`: without one it
//! answers 403, and 503 where two are there already. It attaches `NAME of ROOM`, as which
//! the room greets each of those who are there; `who` is answered with all of them.

use std::cell::Cell;

use socklet_guest::prelude::*;

thread_local! {
    static HERE: Cell<usize> = const { Cell::new(0) };
}

struct Admits;

impl Gate for Admits {
    fn on_request(connection: &Connection, request: &Request) -> Result<Acceptance, Rejection> {
        let Some(name) = request.query("name") else {
            return Err(Rejection::new(403).body("who are you?"));
        };
        if HERE.get() == 2 {
            return Err(Rejection::new(503).body("two are there"));
        }
        let room = connection.param("room").unwrap_or_default();
        Ok(Acceptance::new().attach(format!("{name} of {room}")))
    }
}

impl Room for Admits {
    type Member = String;

    fn open(_: &Connection, _: &Request) -> Self {
        Admits
    }

    fn on_ready(
        &mut self,
        members: &mut Members<Self>,
        connection: &Connection,
        _: &Request,
    ) -> String {
        HERE.set(HERE.get() + 1);
        let name = String::from_utf8(connection.attachment().unwrap_or_default());
        let name = name.unwrap_or_default();
        connection.write(&name);
        members.broadcast(&name);
        name
    }

    fn on_message(&mut self, members: &mut Members<Self>, connection: &Connection, _: Message) {
        let names: Vec<_> = members.iter().map(|(_, name)| name.as_str()).collect();
        connection.write(names.join(", "));
    }

    fn on_close(
        &mut self,
        members: &mut Members<Self>,
        _: &Connection,
        name: String,
        _: CloseEvent,
    ) {
        HERE.set(HERE.get() - 1);
        members.broadcast(format!("{name} left"));
    }
}

socklet_guest::export!(Admits: Room + Gate);
