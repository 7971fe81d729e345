//! Does harm, as the last part of its path says, in `on-ready` unless it names
//! another export. Otherwise it echoes.

use std::hint::black_box;

use socklet_guest::prelude::*;

struct Hostile {
    path: String,
}

impl Handler for Hostile {
    fn on_ready(connection: &Connection, request: &Request) -> Self {
        match request.path.as_str() {
            "/loop-on-ready" => spin(),
            "/recurse" => connection.write(recurse(1).to_string()),
            "/grow" => grow(),
            "/gigabyte" => drop(black_box(vec![1u8; 1 << 30])),
            "/write" => loop {
                let _ = connection.try_write([7; 10_000]);
            },
            "/log" => loop {
                info!("\u{1b}[2J\u{1b}]0;owned\u{7}\r\nforged line");
            },
            "/panic" => panic!("on purpose"),
            "/unreachable" => unreachable_instruction(),
            "/close-twice" => {
                connection.close(4000, "first");
                connection.close(4001, "second");
                let _ = connection.try_write("too late");
            }
            _ => {}
        }
        Self { path: request.path.clone() }
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        match self.path.as_str() {
            "/loop-on-message" => spin(),
            _ => connection.write(message),
        }
    }

    fn on_close(&mut self, _: &Connection, _: CloseEvent) {
        if self.path == "/loop-on-close" {
            spin();
        }
    }
}

fn spin() {
    while black_box(true) {}
}

#[cfg(target_arch = "wasm32")]
fn unreachable_instruction() {
    std::arch::wasm32::unreachable()
}

/// Elsewhere it is only checked.
#[cfg(not(target_arch = "wasm32"))]
fn unreachable_instruction() {}

fn grow() {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1u8; 1 << 20]));
    }
}

#[expect(unconditional_recursion, reason = "what this guest is for")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth) + 1)) + 1
}

socklet_guest::export!(Hostile);
