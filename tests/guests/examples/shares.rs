//! An instance that many connections may share. It counts its events and its connections
//! over all of them, and does as it is told: `say TEXT` writes `ID: TEXT` to everybody,
//! `flood N SIZE` that many messages of that size to everybody else, `to ID TEXT` writes
//! to one, `close ID` closes one, `id` answers with its own, `events` with how many
//! events there were before, `here` with how many connections are there, `quiet` does
//! nothing, `panic` panics, `loop` runs for ever. Everything else is echoed. It says who comes and goes in the log.

use std::cell::RefCell;
use std::hint::black_box;

use socklet_guest::bindings::socklet::websocket::{connection as raw, types};
use socklet_guest::prelude::*;

#[derive(Default)]
struct Shared {
    events: usize,
    here: Vec<Connection>,
}

thread_local! {
    static SHARED: RefCell<Shared> = RefCell::default();
}

struct Shares;

impl Handler for Shares {
    fn on_ready(connection: &Connection, request: &Request) -> Self {
        SHARED.with_borrow_mut(|shared| {
            shared.events += 1;
            shared.here.push(connection.clone());
        });
        info!("{} came to {}", connection.id(), request.path);
        Shares
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        let text = message.as_text().unwrap_or_default();
        let words: Vec<_> = text.splitn(3, ' ').collect();
        let number = |word: &str| word.parse::<u64>().unwrap_or(0);
        let (events, here) = SHARED.with_borrow_mut(|shared| {
            shared.events += 1;
            (shared.events - 1, shared.here.clone())
        });
        match words[..] {
            ["say", ..] => {
                for other in here {
                    other.write(format!("{}: {}", connection.id(), &text[4..]));
                }
            }
            ["flood", count, size] => {
                let payload = vec![7; number(size) as usize];
                for _ in 0..number(count) {
                    here.iter().filter(|other| *other != connection).for_each(|other| {
                        let _ = other.try_write(&payload);
                    });
                }
                connection.write("flooded");
            }
            ["to", id, text] => {
                let outcome = raw::write(number(id), types::MessageParam::Text(text));
                connection.write(format!("{outcome:?}"));
            }
            ["close", id] => {
                let outcome = raw::close(number(id), 4000, "by another");
                connection.write(format!("{outcome:?}"));
            }
            ["id"] => connection.write(connection.id().to_string()),
            ["events"] => connection.write(events.to_string()),
            ["here"] => connection.write(here.len().to_string()),
            ["quiet"] => {}
            ["panic"] => panic!("as told"),
            ["loop"] => {
                connection.write("looping");
                while black_box(true) {}
            }
            _ => connection.write(message),
        }
    }

    fn on_close(&mut self, connection: &Connection, event: CloseEvent) {
        SHARED.with_borrow_mut(|shared| shared.here.retain(|other| other != connection));
        info!("{} has gone with {}", connection.id(), event.code);
    }
}

socklet_guest::export!(Shares);
