//! What callgrind counts: a thousand messages from frame to frame, 16 at a time and
//! one at a time. `scripts/count-instructions` runs it.

use std::hint::black_box;

use socklet::benching::{Frames, Message, Stage, masked};

const ECHO: &[u8] = include_bytes!("../../host/embedded/echo.wasm");
const TURNS: usize = 1000;

fn main() {
    let work = std::env::args().nth(1).unwrap_or_default();
    let (size, depth) = match work.as_str() {
        "64x1" => (64, 1),
        "64x16" => (64, 16),
        "16384x1" => (16 * 1024, 1),
        other => panic!("{other:?} is none of 64x1, 64x16 and 16384x1"),
    };
    let stage = Stage::frozen(ECHO);
    let frame = masked(&Message::Text("x".repeat(size)));
    let mut session = stage.session(&frame.repeat(depth), depth);
    // Its first messages find everything cold.
    session.turn();
    counted(&mut session);
}

/// By this name it is found.
#[inline(never)]
fn counted(session: &mut Frames) {
    for _ in 0..TURNS {
        black_box(&mut *session).turn();
    }
}
