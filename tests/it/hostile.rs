//! Promise 5: what a hostile handler, or a hostile client of one, costs the others.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::harness::guests::{HOSTILE, NAPS_ON_START, STARTS_SLOWLY, TRAPS_ON_START};
use crate::harness::made::{doubling_types, many_functions, nested_types};
use crate::harness::{Client, Server, Start, example, within};

/// What each does, and the code that its peer sees.
const HARM: [(&str, u16); 10] = [
    ("loop-on-ready", 1011),
    ("loop-on-message", 1011),
    ("recurse", 1011),
    ("grow", 1011),
    ("gigabyte", 1011),
    ("write", 1011),
    ("log", 1011),
    ("panic", 1011),
    ("unreachable", 1011),
    ("close-twice", 4000),
];

async fn server(args: &[&str]) -> Server {
    let hostile = HOSTILE.bytes();
    let echo = example("echo");
    let names: Vec<_> = HARM.iter().map(|(name, _)| *name).chain(["loop-on-close"]).collect();
    let files: Vec<_> = names.iter().map(|name| format!("{name}.wasm")).collect();
    let mut files: Vec<_> = files.iter().map(|file| (file.as_str(), &*hostile)).collect();
    files.push(("echo.wasm", &echo));
    let start = Start::with(&files);
    args.iter().fold(start, |start, arg| start.arg(*arg)).run().await
}

#[tokio::test]
async fn each_kind_of_harm_ends_its_own_connection_and_no_other() {
    let server = server(&["--event-cpu-time=100ms"]).await;
    let mut honest = server.connect("/echo").await;
    for (name, expected) in HARM {
        for _ in 0..2 {
            let mut hostile = server.connect(&format!("/{name}")).await;
            // It may have ended by now.
            let _ = hostile.try_send("go").await;
            let (messages, close) = hostile.rest().await;
            assert_eq!(close.map(|(code, _)| code), Some(expected), "{name}");
            assert!(name == "write" || messages.is_empty(), "{name}");
            assert_eq!(honest.ask(name).await, name);
        }
    }
    // Nothing of this forged a line or reached a terminal.
    let log = std::fs::read(server.log_file()).unwrap();
    assert!(!log.contains(&0x1b) && !log.contains(&0x07));
    server.log.message(r"\u{1b}[2J").await;
    assert!(!server.log.lines().iter().any(|line| line.message() == "forged line"));
}

#[tokio::test]
async fn an_on_close_that_never_ends_is_ended() {
    let server = server(&["--event-cpu-time=100ms"]).await;
    let mut client = server.connect("/loop-on-close").await;
    assert_eq!(client.ask("hello").await, "hello");
    client.close(1000, "").await;
    server.log.message("100ms of CPU time in one event (event-cpu-time)").await;
}

#[tokio::test]
async fn what_does_harm_at_its_start_is_refused_when_it_is_loaded() {
    let server = Start::with(&[
        ("slow.wasm", &STARTS_SLOWLY.bytes()),
        ("traps.wasm", &TRAPS_ON_START.bytes()),
        ("naps.wasm", &NAPS_ON_START.bytes()),
        ("naps-too.wasm", &NAPS_ON_START.bytes()),
        ("echo.wasm", &example("echo")),
    ])
    .arg("--event-cpu-time=50ms")
    .arg("--handshake-timeout=1s")
    .run()
    .await;
    for name in ["naps", "naps-too"] {
        let line = server.log.message(&format!("{name}.wasm: can't be instantiated")).await;
        assert!(line.message().contains("(handshake-timeout)"), "{}", line.message());
    }
    let line = server.log.message("slow.wasm: can't be instantiated").await;
    assert!(line.message().contains("(event-cpu-time)"), "{}", line.message());
    server.log.message("traps.wasm: can't be instantiated: trapped").await;
    assert_eq!(server.connect("/echo").await.ask("served").await, "served");
}

#[tokio::test]
async fn a_component_of_twenty_thousand_functions_holds_up_nobody() {
    let cache = tempfile::TempDir::new().unwrap();
    let start = Start::with(&[("echo.wasm", &example("echo"))]).cache(cache.path());
    let server = start.run().await;
    let mut honest = server.connect("/echo").await;
    server.put("many.wasm", &many_functions(20_000, 1));
    let served = async {
        let mut status = 404;
        while status != 101 {
            assert_eq!(honest.ask("meanwhile").await, "meanwhile");
            let asked = Client::try_connect(&server.url("/many"), &[]).await;
            status = asked.map_or_else(|status| status.as_u16(), |_| 101);
            // It is not seen yet, or it is being compiled.
            assert!(matches!(status, 101 | 404 | 503), "{status}");
        }
    };
    within("the handler of many functions", served).await;
}

#[tokio::test]
async fn types_that_multiply_or_nest_without_end_are_refused() {
    let server = Start::with(&[
        ("doubling.wasm", &doubling_types(60)),
        ("nested.wasm", &nested_types(5_000)),
        ("echo.wasm", &example("echo")),
    ])
    .run()
    .await;
    for name in ["doubling", "nested"] {
        let line = server.log.message(&format!("{name}.wasm: ")).await;
        assert_eq!(line.level(), "ERROR");
        assert!(line.message().contains("is not a valid component: "), "{}", line.message());
        assert!(line.message().len() < 1000, "{}", line.message());
    }
    assert_eq!(server.connect("/echo").await.ask("served").await, "served");
}

/// Replaces a file by another one that takes long to compile, again and again.
async fn compile(file: PathBuf, versions: Vec<Vec<u8>>, stop: Arc<AtomicBool>) {
    for bytes in versions {
        if stop.load(Relaxed) {
            return;
        }
        let draft = file.with_extension("draft");
        std::fs::write(&draft, bytes).unwrap();
        std::fs::rename(draft, &file).unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Connects, does harm, and comes back at once.
async fn attack(url: String, stop: Arc<AtomicBool>) {
    while !stop.load(Relaxed) {
        if let Ok(mut client) = Client::try_connect(&url, &[]).await {
            let _ = client.try_send("go").await;
            while let Some(Ok(message)) = client.next().await {
                if message.is_close() || stop.load(Relaxed) {
                    break;
                }
            }
        }
    }
}

/// Round trips of one honest client, which asks 50 times a second.
async fn ask(mut client: Client, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let message = "x".repeat(64);
    let mut times = Vec::new();
    let mut pace = interval(Duration::from_millis(20));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.load(Relaxed) {
        pace.tick().await;
        let started = Instant::now();
        assert_eq!(client.ask(&message).await, message);
        times.push(started.elapsed());
    }
    times
}

/// The median and the 99th percentile of 100 honest clients over some seconds,
/// beside an attack where there is one.
async fn measure(server: &Server, harm: Option<&str>) -> (Duration, Duration) {
    let stop = Arc::new(AtomicBool::new(false));
    let attacker: Option<JoinHandle<()>> = harm.map(|harm| match harm {
        "compile" => {
            // Others in each run: what is the same was compiled before.
            let first = std::process::id() as usize * 10;
            let versions = (first..first + 10).map(|seed| many_functions(20_000, seed));
            let file = server.file("many.wasm");
            tokio::spawn(compile(file, versions.collect(), stop.clone()))
        }
        harm => tokio::spawn(attack(server.url(&format!("/{harm}")), stop.clone())),
    });
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(tokio::spawn(ask(server.connect("/echo").await, stop.clone())));
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    stop.store(true, Relaxed);
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.unwrap());
    }
    times.sort_unstable();
    if let Some(attacker) = attacker {
        attacker.await.unwrap();
    }
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

/// Prints the table of docs/reliability.md. Each row has its own quiet measurement
/// right before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "measures for a minute and a half, and proves nothing"]
async fn the_price_of_harm() {
    let server = server(&[]).await;
    println!("| beside it | p50 alone | p50 | p99 alone | p99 | p99 ratio |");
    println!("|---|---|---|---|---|---|");
    for (harm, _) in HARM.iter().chain(&[("loop-on-close", 0), ("compile", 0)]) {
        let (quiet_median, quiet) = measure(&server, None).await;
        let (median, beside) = measure(&server, Some(harm)).await;
        let ratio = beside.as_secs_f64() / quiet.as_secs_f64();
        println!(
            "| {harm} | {} µs | {} µs | {} µs | {} µs | {ratio:.1} |",
            quiet_median.as_micros(),
            median.as_micros(),
            quiet.as_micros(),
            beside.as_micros()
        );
    }
}
