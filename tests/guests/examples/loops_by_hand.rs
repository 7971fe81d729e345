//! Takes its messages in a loop of its own, in the way that the last part of its route
//! names.

#![allow(missing_docs, reason = "generated")]

use std::cell::Cell;

use self::exports::socklet::websocket::{handler, message_loop};
use self::socklet::websocket::types::{CloseEvent, MessageParam, MessageResult, Request};
use self::socklet::websocket::{connection, messages};

wit_bindgen::generate!({
    world: "looping-handler",
    path: "../../wit",
    ownership: Borrowing { duplicate_if_necessary: true },
});

#[derive(Clone, Copy, PartialEq)]
enum Way {
    TakesNothing,
    TakesOne,
    AsksOn,
}

thread_local! {
    static WAY: Cell<Way> = const { Cell::new(Way::TakesNothing) };
}

struct Loops;

impl handler::Guest for Loops {
    fn on_ready(connection: u64, request: Request) {
        WAY.set(match request.path.as_str() {
            "/takes-one" => Way::TakesOne,
            "/asks-on" => Way::AsksOn,
            _ => Way::TakesNothing,
        });
        let taken = messages::next();
        say(connection, if taken.is_none() { "nothing yet" } else { "too early" });
    }

    fn on_message(connection: u64, message: MessageResult) {
        say(connection, &format!("on-message: {}", text(message)));
    }

    fn on_close(_: u64, _: CloseEvent) {}
}

impl message_loop::Guest for Loops {
    fn on_messages() {
        let way = WAY.get();
        if way == Way::TakesNothing {
            return;
        }
        while let Some((connection, message)) = messages::next() {
            say(connection, &format!("taken: {}", text(message)));
            if way == Way::TakesOne {
                return;
            }
        }
        while messages::next().is_none() {}
    }
}

fn text(message: MessageResult) -> String {
    match message {
        MessageResult::Text(text) => text,
        MessageResult::Binary(bytes) => format!("{} bytes", bytes.len()),
    }
}

fn say(to: u64, text: &str) {
    let _ = connection::write(to, MessageParam::Text(text));
}

#[cfg(target_family = "wasm")]
export!(Loops);
