//! A gate that decides as the query's `do` says: `accept`, `reject STATUS`, `body SIZE`,
//! `header NAME VALUE`, `subprotocol NAME`, `attach SIZE`, `early` (writes and closes, and
//! attaches what came of it), `params` (attaches them), `panic`, `loop`. The handler tells
//! what it was given: the subprotocol, how many connections there were before, and the
//! attachment, which it cuts short.

use std::cell::Cell;
use std::hint::black_box;

use socklet_guest::prelude::*;

thread_local! {
    static CAME: Cell<usize> = const { Cell::new(0) };
}

struct Decides;

impl Gate for Decides {
    fn on_request(connection: &Connection, request: &Request) -> Result<Acceptance, Rejection> {
        let wish = request.query("do").unwrap_or_default();
        info!("asked to {wish}");
        let words: Vec<_> = wish.splitn(3, ' ').collect();
        let number = |word: &str| word.parse::<usize>().unwrap_or(0);
        let accept = Acceptance::new();
        match words[..] {
            ["reject", status] => {
                let status = status.parse().unwrap_or(0);
                Err(Rejection::new(status).header("x-why", "as told").body("not you"))
            }
            ["body", size] => Err(Rejection::new(403).body("x".repeat(number(size)))),
            ["header", name, value] => Ok(accept.header(name, value)),
            ["subprotocol", name] => Ok(accept.subprotocol(name)),
            ["attach", size] => Ok(accept.attach(vec![b'x'; number(size)])),
            ["early"] => {
                let written = connection.try_write("early");
                let closed = connection.close(1000, "early");
                Ok(accept.attach(format!("{written:?} {closed:?}")))
            }
            ["params"] => Ok(accept.attach(format!("{:?}", connection.params()))),
            ["panic"] => panic!("as told"),
            ["loop"] => loop {
                black_box(());
            },
            _ => Ok(accept),
        }
    }
}

impl Handler for Decides {
    fn on_ready(connection: &Connection, request: &Request) -> Self {
        let subprotocol = request.subprotocol.as_deref().unwrap_or("none");
        let attachment = connection.attachment().map(|bytes| {
            let text = String::from_utf8_lossy(&bytes);
            format!("{} bytes: {}", text.len(), text.chars().take(100).collect::<String>())
        });
        let attachment = attachment.as_deref().unwrap_or("nothing");
        let before = CAME.replace(CAME.get() + 1);
        connection.write(format!("{subprotocol}, {before}, {attachment}"));
        Decides
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        connection.write(message);
    }
}

socklet_guest::export!(Decides: Handler + Gate);
