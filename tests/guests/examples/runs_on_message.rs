//! Uses up what it is given: `loop` runs for ever, `spin N` for N million rounds,
//! `recurse` recurses for ever, `recurse N` N deep,
//! `grow N` takes N MiB and answers how much memory it has got, `hog` takes memory
//! until it panics, `panic` panics at once, `log N` logs N lines of 100 bytes.
//! Everything else is echoed.

use std::hint::black_box;

use socklet_guest::prelude::*;

struct Runs {
    kept: Vec<Vec<u8>>,
}

impl Handler for Runs {
    fn on_ready(_: &Connection, _: &Request) -> Self {
        Runs { kept: Vec::new() }
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        let text = message.as_text().unwrap_or_default();
        let number = |prefix| text.strip_prefix(prefix).and_then(|text: &str| text.parse().ok());
        if text == "loop" {
            connection.write("looping");
            while black_box(true) {}
        } else if let Some(millions) = number("spin ") {
            for round in 0..millions * 1_000_000 {
                black_box(round);
            }
            connection.write("spun");
        } else if let Some(depth) = number("recurse ") {
            connection.write(format!("{} deep", recurse_to(depth)));
        } else if text == "recurse" {
            connection.write(recurse(1).to_string());
        } else if text == "panic" {
            panic!("as told");
        } else if text == "hog" {
            loop {
                self.kept.push(black_box(vec![1; 1 << 20]));
            }
        } else if let Some(mebibytes) = number("grow ") {
            let got = (0..mebibytes).take_while(|_: &u64| self.grow()).count();
            connection.write(format!("got {got}"));
        } else if let Some(lines) = number("log ") {
            for number in 0..lines {
                info!("{number:0100}");
            }
            connection.write("logged");
        } else {
            connection.write(message);
        }
    }

    fn on_close(&mut self, _: &Connection, _: CloseEvent) {
        info!("on-close");
    }
}

impl Runs {
    /// Takes one MiB, if there is one.
    fn grow(&mut self) -> bool {
        let mut mebibyte = Vec::new();
        let grown = mebibyte.try_reserve_exact(1 << 20).is_ok();
        self.kept.push(mebibyte);
        grown
    }
}

fn recurse_to(depth: u64) -> u64 {
    if depth == 0 { 0 } else { black_box(recurse_to(black_box(depth - 1))) + 1 }
}

#[expect(unconditional_recursion, reason = "what this guest is for")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth) + 1)) + 1
}

socklet_guest::export!(Runs);
