//! Many sessions over memory: what one more costs, however many there are, with an
//! instance for each and with one for all.
//! `cargo bench -p socklet-bench --bench sessions [-- own|shared [COUNT COUNT]]`.

#![allow(missing_docs, reason = "a program")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use socklet::benching::{Frames, Message, Stage, masked};

const ECHO: &[u8] = include_bytes!("../../host/embedded/echo.wasm");
/// Few and many, of as many instances as there can be.
const OWN: [usize; 2] = [800, 8_000];
/// And of sessions that share one.
const SHARED: [usize; 2] = [5_000, 50_000];

/// Counts the bytes of the host's own heap.
struct Counting;

static HEAP: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: all of it is the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HEAP.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HEAP.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What a session costs among so many.
struct Cost {
    resident: f64,
    heap: f64,
    open: f64,
    event: f64,
}

fn main() {
    // Cargo's own `--bench` is neither.
    let words: Vec<String> = std::env::args().skip(1).collect();
    let counts: Vec<usize> = words.iter().filter_map(|count| count.parse().ok()).collect();
    let asked = |name: &str| words.iter().any(|word| word == name);
    for (name, usual) in [("own", OWN), ("shared", SHARED)] {
        if asked(name) || !asked("own") && !asked("shared") {
            compare(name, <[usize; 2]>::try_from(&counts[..]).unwrap_or(usual));
        }
    }
}

fn compare(name: &str, [few, many]: [usize; 2]) {
    let shared = name == "shared";
    let [few_cost, many_cost] = [few, many].map(|count| cost_among(count, shared));
    println!("{:24} {few:>10} {many:>10} {:>8}", format!("sessions, {name}"), "ratio");
    let row = |name: &str, of: fn(&Cost) -> f64| {
        let (few, many) = (of(&few_cost), of(&many_cost));
        println!("{name:24} {few:10.2} {many:10.2} {:8.2}", many / few);
    };
    row("resident, KiB each", |cost| cost.resident);
    row("of the host's heap, KiB", |cost| cost.heap);
    row("opened in, µs each", |cost| cost.open);
    row("an event, µs", |cost| cost.event);
}

fn cost_among(count: usize, shared: bool) -> Cost {
    let stage = if shared { Stage::shared(ECHO) } else { Stage::new(ECHO, count + 1) };
    let frame = masked(&Message::Text("x".repeat(64)));
    // What the first one of all makes is nobody's.
    let mut first = stage.session(&frame, 1);
    first.turn();
    let (resident, heap) = (resident(), HEAP.load(Relaxed));
    let started = Instant::now();
    let mut sessions: Vec<Frames> = (0..count).map(|_| stage.session(&frame, 1)).collect();
    let open = started.elapsed();
    let turns = |sessions: &mut [Frames]| {
        let started = Instant::now();
        for session in sessions {
            session.turn();
        }
        started.elapsed()
    };
    turns(&mut sessions);
    let (resident, heap) = (self::resident() - resident, HEAP.load(Relaxed) - heap);
    // Each in its turn, so that none is warm because it was the last one.
    const ROUNDS: usize = 5;
    let mut times: Vec<_> = (0..ROUNDS).map(|_| turns(&mut sessions)).collect();
    times.sort_unstable();
    let each = |total: f64| total / count as f64;
    black_box(&mut first).turn();
    Cost {
        resident: each(resident as f64 / 1024.0),
        heap: each(heap as f64 / 1024.0),
        open: each(open.as_secs_f64() * 1e6),
        event: each(times[ROUNDS / 2].as_secs_f64() * 1e6),
    }
}

/// Bytes of this process that are in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("pages");
    pages * rustix::param::page_size()
}
