//! The parts of socklet that a message or a connection passes through, without a
//! socket: `cargo bench -p socklet-bench --bench parts`.

#![allow(missing_docs, reason = "criterion's macros make items without any")]

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use socklet::benching::{Message, Stage, masked};

const ECHO: &[u8] = include_bytes!("../../host/embedded/echo.wasm");
const SIZES: [usize; 4] = [16, 1024, 16 * 1024, 64 * 1024];

fn text(size: usize) -> Message {
    Message::Text("x".repeat(size))
}

fn binary(size: usize) -> Message {
    Message::Binary(vec![0xA5; size])
}

/// A message from the mailbox through the guest into the outbound queue.
fn event(criterion: &mut Criterion) {
    let stage = Stage::new(ECHO, 8);
    let mut group = criterion.benchmark_group("event");
    for (kind, make) in [("text", text as fn(usize) -> Message), ("binary", binary)] {
        for size in SIZES {
            let message = make(size);
            let mut events = stage.events();
            group.throughput(Throughput::Bytes(size as u64));
            group.bench_function(BenchmarkId::new(kind, size), |bencher| {
                bencher.iter(|| assert!(events.deliver(&message) > size));
            });
        }
    }
}

/// Frames that the peer sends at once, their events, and the frames that answer them.
fn frames(criterion: &mut Criterion) {
    let stage = Stage::new(ECHO, 8);
    let mut group = criterion.benchmark_group("frames");
    for (kind, make) in [("text", text as fn(usize) -> Message), ("binary", binary)] {
        for (size, depth) in [(64, 1), (64, 16), (16 * 1024, 4)] {
            let mut session = stage.session(&masked(&make(size)).repeat(depth), depth);
            group.throughput(Throughput::Elements(depth as u64));
            group.bench_function(BenchmarkId::new(kind, format!("{size} x{depth}")), |bencher| {
                bencher.iter(|| session.turn());
            });
        }
    }
}

fn instance(criterion: &mut Criterion) {
    let stage = Stage::new(ECHO, 8);
    criterion.bench_function("instantiate and drop", |bencher| {
        bencher.iter(|| stage.instantiate());
    });
}

/// What a handshake pays for finding its generation, alone and while generations are
/// swapped beside it.
fn registry(criterion: &mut Criterion) {
    let stage = Stage::new(ECHO, 8);
    let routes = stage.routes();
    let mut group = criterion.benchmark_group("find the current generation");
    let find = |rounds| {
        let started = Instant::now();
        for _ in 0..rounds {
            assert!(routes.find("/"));
        }
        started.elapsed()
    };
    group.bench_function("alone", |bencher| bencher.iter_custom(find));
    group.bench_function("beside swaps", |bencher| {
        bencher.iter_custom(|rounds| {
            let stop = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let swaps = scope.spawn(|| {
                    let mut swaps = 0_u64;
                    loop {
                        routes.swap();
                        swaps += 1;
                        if stop.load(Relaxed) {
                            return swaps;
                        }
                    }
                });
                let time = find(rounds);
                stop.store(true, Relaxed);
                assert!(swaps.join().is_ok_and(|swaps| swaps > 0), "nothing was swapped");
                time
            })
        });
    });
    group.finish();
    criterion.bench_function("swap", |bencher| bencher.iter(|| routes.swap()));
}

criterion_group! {
    name = parts;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30);
    targets = event, frames, instance, registry
}
criterion_main!(parts);
