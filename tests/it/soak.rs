//! Everything at once, for a while: churn, swaps, traps, endless events, slow
//! readers and half-made requests. What the process holds is the same at the end as
//! after the first round of it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::harness::guests::{
    ANSWERS_A, ANSWERS_B, FLOODS_ON_MESSAGE, HOSTILE, RUNS_ON_MESSAGE, TRAPS_ON_MESSAGE,
};
use crate::harness::{Client, Server, Start, example, frame, metrics, upgraded};

/// What a process holds.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    resident_kib: u64,
    descriptors: usize,
    mappings: usize,
    tasks: u64,
}

/// How often each kind of thing was done.
#[derive(Debug, Default)]
struct Done {
    visits: AtomicU64,
    resets: AtomicU64,
    swaps: AtomicU64,
    failures: AtomicU64,
    slow: AtomicU64,
    half_made: AtomicU64,
}

/// Does one thing again and again.
async fn again<F: Future<Output = ()>>(
    until: Instant,
    count: Arc<Done>,
    mut act: impl FnMut(u64, Arc<Done>) -> F,
) {
    let mut number = 0;
    while Instant::now() < until {
        act(number, count.clone()).await;
        number += 1;
    }
}

async fn visit(url: String, done: Arc<Done>) {
    let mut client = Client::connect(&url).await;
    for size in [0, 100, 10_000] {
        let message = "x".repeat(size);
        assert!(client.ask(&message).await.ends_with(&message));
    }
    client.close(1000, "").await;
    done.visits.fetch_add(1, Relaxed);
}

/// Ends without a word, in the middle of something.
async fn reset(server: Arc<Server>, done: Arc<Done>) {
    let mut socket = upgraded(server.address, "/echo").await;
    socket.write_all(&frame(1, &[b'x'; 125])[..50]).await.unwrap();
    set_socket_linger(&socket, Some(Duration::ZERO)).unwrap();
    done.resets.fetch_add(1, Relaxed);
}

/// Brings an instance to its end. The handler may be held back for that by now.
async fn fail(url: String, message: &str, done: Arc<Done>) {
    let Ok(mut client) = Client::try_connect(&url, &[]).await else {
        return sleep(Duration::from_millis(50)).await;
    };
    if !message.is_empty() {
        // A sound event in between, so that it is not.
        assert_eq!(client.ask("sound").await, "sound");
    }
    let _ = client.try_send(message).await;
    client.rest().await;
    done.failures.fetch_add(1, Relaxed);
}

/// Has megabytes sent to it and reads none of them.
async fn read_nothing(server: Arc<Server>, done: Arc<Done>) {
    let mut socket = upgraded(server.address, "/floods").await;
    socket.write_all(&frame(1, b"try 40 200000")).await.unwrap();
    sleep(Duration::from_millis(700)).await;
    done.slow.fetch_add(1, Relaxed);
}

async fn half_make_a_request(server: Arc<Server>, number: u64, done: Arc<Done>) {
    let request = b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n";
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(&request[..number as usize % request.len()]).await.unwrap();
    sleep(Duration::from_millis(20)).await;
    done.half_made.fetch_add(1, Relaxed);
}

/// Replaces a file by a good one, a broken one, or none.
async fn swap(server: Arc<Server>, number: u64, done: Arc<Done>) {
    match number % 4 {
        0 => server.put("x.wasm", &ANSWERS_B.bytes()),
        1 => server.put("x.wasm", &ANSWERS_A.bytes()[..1000 + number as usize % 5000]),
        2 => server.put("x.wasm", &ANSWERS_A.bytes()),
        _ => {
            server.put("y.wasm", &ANSWERS_A.bytes());
            sleep(Duration::from_millis(300)).await;
            std::fs::remove_file(server.file("y.wasm")).unwrap();
        }
    }
    sleep(Duration::from_millis(300)).await;
    done.swaps.fetch_add(1, Relaxed);
}

/// All of it, until then.
async fn everything(server: &Arc<Server>, until: Instant) -> Arc<Done> {
    let done = Arc::<Done>::default();
    let mut actors = JoinSet::new();
    for _ in 0..8 {
        for route in ["/echo", "/x"] {
            let url = server.url(route);
            actors.spawn(again(until, done.clone(), move |_, done| visit(url.clone(), done)));
        }
    }
    for _ in 0..2 {
        let server = server.clone();
        actors.spawn(again(until, done.clone(), move |_, done| reset(server.clone(), done)));
    }
    for (route, message) in [
        ("/traps", "trap"),
        ("/runs", "loop"),
        ("/runs", "recurse"),
        ("/log", ""),
        ("/runs", "hog"),
    ] {
        let url = server.url(route);
        actors.spawn(again(until, done.clone(), move |_, done| fail(url.clone(), message, done)));
    }
    for _ in 0..4 {
        let server = server.clone();
        actors.spawn(again(until, done.clone(), move |_, done| read_nothing(server.clone(), done)));
    }
    for _ in 0..2 {
        let server = server.clone();
        actors.spawn(again(until, done.clone(), move |number, done| {
            half_make_a_request(server.clone(), number, done)
        }));
    }
    let swapping = server.clone();
    actors.spawn(again(until, done.clone(), move |number, done| {
        swap(swapping.clone(), number, done)
    }));
    while let Some(actor) = actors.join_next().await {
        actor.unwrap();
    }
    done
}

/// What is held once everything has ended that is about to.
async fn at_rest(server: &Server) -> Held {
    let lives = |(name, value): (&String, &f64)| {
        let counts = ["socklet_connections", "socklet_instances"];
        let counted = counts.iter().any(|count| name.starts_with(count)) && *value > 0.0;
        // Its file may have been removed only now.
        counted || name.contains(r#"handler="y""#)
    };
    let ends = async {
        while metrics(server).await.iter().any(lives) {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(60), ends).await.expect("something stays for ever");
    // What has ended is given back a moment later: as long as it gets less, wait.
    let mut held = hold(server).await;
    loop {
        sleep(Duration::from_secs(1)).await;
        let now = hold(server).await;
        if (now.descriptors, now.mappings, now.tasks)
            >= (held.descriptors, held.mappings, held.tasks)
        {
            return now;
        }
        held = now;
    }
}

async fn hold(server: &Server) -> Held {
    let count = |folder| std::fs::read_dir(server.proc(folder)).unwrap().count();
    let tasks = metrics(server).await["socklet_tasks"] as u64;
    let maps = std::fs::read_to_string(server.proc("maps")).unwrap();
    Held {
        resident_kib: server.resident(),
        descriptors: count("fd"),
        mappings: maps.lines().count(),
        tasks,
    }
}

/// Lasts for the seconds in `SOCKLET_SOAK`, or a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_held_at_the_end_is_what_was_held_at_the_beginning() {
    let seconds = std::env::var("SOCKLET_SOAK").map_or(60, |text| text.parse().unwrap());
    let files: [(&str, &[u8]); 6] = [
        ("echo.wasm", &example("echo")),
        ("x.wasm", &ANSWERS_A.bytes()),
        ("traps.wasm", &TRAPS_ON_MESSAGE.bytes()),
        ("runs.wasm", &RUNS_ON_MESSAGE.bytes()),
        ("floods.wasm", &FLOODS_ON_MESSAGE.bytes()),
        ("log.wasm", &HOSTILE.bytes()),
    ];
    let args = [
        "--admin=127.0.0.1:0",
        "--event-cpu-time=100ms",
        "--write-timeout=500ms",
        "--drain-timeout=2s",
        "--handshake-timeout=2s",
        "--log=info,guest=warn",
    ];
    let start = args.iter().fold(Start::with(&files), |start, arg| start.arg(*arg));
    let server = Arc::new(start.run().await);
    everything(&server, Instant::now() + Duration::from_secs(15)).await;
    let before = at_rest(&server).await;
    let done = everything(&server, Instant::now() + Duration::from_secs(seconds)).await;
    let after = at_rest(&server).await;
    let Done { visits, resets, swaps, failures, slow, half_made } = &*done;
    println!(
        "{seconds} s: {visits:?} visits, {resets:?} resets, {swaps:?} swaps, {failures:?} failed \
         instances, {slow:?} peers that read nothing, {half_made:?} half-made requests"
    );
    println!("before {before:?}\nafter  {after:?}");
    for count in [visits, resets, swaps, failures, slow, half_made] {
        assert!(count.load(Relaxed) > 10, "{done:?}");
    }
    assert_eq!((after.descriptors, after.tasks), (before.descriptors, before.tasks));
    // The allocator keeps some of what it once had, and its arenas are mappings.
    assert!(after.mappings <= before.mappings + before.mappings / 100, "{before:?} {after:?}");
    assert!(after.resident_kib <= before.resident_kib * 4 / 3, "{before:?} {after:?}");
    // And it serves as before.
    visit(server.url("/echo"), done).await;
}
