//! Each limit of an event ends its own instance, with 1011, and is named.

use crate::harness::guests::{RUNS_ON_MESSAGE, USES_WASI};
use crate::harness::{Server, Start};

async fn server(arg: &str) -> Server {
    Start::with(&[("runs.wasm", &RUNS_ON_MESSAGE.bytes()), ("wasi.wasm", &USES_WASI.bytes())])
        .arg(arg)
        .run()
        .await
}

/// The command ends its connection, the log names the limit, and another
/// connection of the same handler goes on.
async fn ends_alone(server: &Server, route: &str, command: &str, limit: &str, logged: &str) {
    let mut other = server.connect(route).await;
    let mut client = server.connect(route).await;
    client.send(command).await;
    let (_, close) = client.rest().await;
    let (code, reason) = close.unwrap();
    assert_eq!(code, 1011);
    assert!(reason.contains(limit), "{reason}");
    server.log.message(logged).await;
    assert_eq!(other.ask("fine").await, "fine");
}

#[tokio::test]
async fn cpu_time() {
    let server = server("--event-cpu-time=100ms").await;
    ends_alone(&server, "/runs", "loop", "event-cpu-time", "100ms of CPU time").await;
}

#[tokio::test]
async fn wall_time_also_counts_waiting() {
    let server = server("--event-wall-time=200ms").await;
    let log = "took longer than 200ms";
    ends_alone(&server, "/wasi", "sleep 3600000", "event-wall-time", log).await;
}

#[tokio::test]
async fn waiting_is_no_cpu_time() {
    let server = server("--event-cpu-time=50ms").await;
    let mut client = server.connect("/wasi").await;
    assert_eq!(client.ask("sleep 200").await, "sleeping");
    assert_eq!(client.text().await, "slept");
}

#[tokio::test]
async fn memory_that_may_not_grow_is_refused_first_and_named_if_that_ends_it() {
    let server = server("--max-memory=16MiB").await;
    let mut client = server.connect("/runs").await;
    assert_eq!(client.ask("grow 8").await, "got 8");
    let got = client.ask("grow 16").await;
    let got: u64 = got.strip_prefix("got ").unwrap().parse().unwrap();
    assert!((5..8).contains(&got), "{got}");
    assert_eq!(client.ask("fine").await, "fine");
    ends_alone(&server, "/runs", "hog", "max-memory", "max-memory").await;
}

#[tokio::test]
async fn stack() {
    let server = server("--max-memory=64MiB").await;
    ends_alone(&server, "/runs", "recurse", "handler failed", "the instance failed").await;
}
