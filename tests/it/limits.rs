//! Each limit of an event ends its own instance, with 1011, and is named.

use crate::harness::guests::{RUNS_ON_MESSAGE, STARTS_SLOWLY, USES_WASI};
use crate::harness::{Client, LogLine, Server, Start, metrics, within};

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
async fn wall_time_begins_anew_when_a_call_of_the_host_has_returned() {
    let server = server("--event-wall-time=1s").await;
    let mut client = server.connect("/wasi").await;
    // Three seconds in all.
    assert_eq!(client.ask("naps 600").await, "slept");
    ends_alone(&server, "/wasi", "naps 1500", "event-wall-time", "took longer than 1s").await;
}

#[tokio::test]
async fn what_is_left_to_do_once_a_socket_has_ended_is_bounded_however_it_waits() {
    let start = Start::with(&[("wasi.wasm", &USES_WASI.bytes())]);
    let server = start.arg("--event-wall-time=1s").arg("--max-instances=1").run().await;
    let mut client = server.connect("/wasi").await;
    assert_eq!(client.ask("stay").await, "staying");
    client.close(1000, "").await;
    let refused = Client::try_connect(&server.url("/wasi"), &[]).await.err();
    assert_eq!(refused.map(|status| status.as_u16()), Some(503));
    server
        .log
        .message("what was left to do when its connection had ended took longer than 1s")
        .await;
    // It has given up its place.
    let again = async { while Client::try_connect(&server.url("/wasi"), &[]).await.is_err() {} };
    within("its place", again).await;
}

#[tokio::test]
async fn peers_that_leave_many_slow_messages_behind_hold_back_nobody_else() {
    let server = Start::with(&[("wasi.wasm", &USES_WASI.bytes())])
        .arg("--event-wall-time=1s")
        .arg("--admin=127.0.0.1:0")
        .run()
        .await;
    for _ in 0..6 {
        let mut client = server.connect("/wasi").await;
        assert_eq!(client.ask("sleep 600").await, "sleeping");
        for _ in 0..3 {
            client.send("sleep 600").await;
        }
    }
    // Each event was within its limit.
    let ended = async {
        let open = r#"socklet_connections{handler="wasi"}"#;
        while metrics(&server).await[open] > 0.0 {
            tokio::task::yield_now().await;
        }
    };
    within("their ends", ended).await;
    assert!(!server.log.text().contains("the instance failed"));
    assert_eq!(server.connect("/wasi").await.ask("sound").await, "sound");
}

#[tokio::test]
async fn an_event_that_uses_much_cpu_time_is_told_before_it_is_too_much() {
    let server = server("--event-cpu-warning=30ms").await;
    let mut client = server.connect("/runs").await;
    client.ask("short").await;
    assert!(!server.log.text().contains("event-cpu-warning"));
    client.send("loop").await;
    let line = server.log.message("more than 30ms of CPU time (event-cpu-warning)").await;
    assert_eq!((line.level(), line.number("connection")), ("WARN", Some(1)));
    assert_eq!(client.closed().await.0, 1011);
    let warnings = server.log.text().matches("event-cpu-warning").count();
    assert_eq!(warnings, 1);
}

#[tokio::test]
async fn a_call_stack_is_as_deep_as_it_may_be() {
    let server = server("--max-stack=64KiB").await;
    let mut client = server.connect("/runs").await;
    assert_eq!(client.ask("recurse 500").await, "500 deep");
    ends_alone(&server, "/runs", "recurse 5000", ": stack", "the call stack is exhausted").await;
    let server = Start::with(&[("runs.wasm", &RUNS_ON_MESSAGE.bytes())]).run().await;
    assert_eq!(server.connect("/runs").await.ask("recurse 5000").await, "5000 deep");
}

#[tokio::test]
async fn a_component_whose_tables_are_too_large_is_refused() {
    let files = [("runs.wasm", &*RUNS_ON_MESSAGE.bytes())];
    let server = Start::with(&files).arg("--max-table-elements=2").run().await;
    let line = server.log.message("does not fit into an instance").await;
    assert!(line.message().contains("table"), "{}", line.message());
    Start::with(&files).arg("--max-table-elements=1000").run().await.connect("/runs").await;
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
    ends_alone(&server, "/runs", "recurse", ": stack", "the call stack is exhausted").await;
}

#[tokio::test]
async fn a_refused_growth_is_not_blamed_for_a_later_trap() {
    let server = server("--max-memory=16MiB").await;
    let mut client = server.connect("/runs").await;
    client.ask("grow 64").await;
    client.send("panic").await;
    let (_, close) = client.rest().await;
    assert_eq!(close.unwrap(), (1011, "the handler failed".into()));
}

#[tokio::test]
async fn what_is_logged_too_fast_is_dropped_and_counted() {
    let server = Start::with(&[
        ("loud.wasm", &RUNS_ON_MESSAGE.bytes()),
        ("quiet.wasm", &RUNS_ON_MESSAGE.bytes()),
    ])
    .arg("--max-log-rate=10KiB")
    .run()
    .await;
    let mut loud = server.connect("/loud").await;
    let mut quiet = server.connect("/quiet").await;
    assert_eq!(loud.ask("log 10000").await, "logged");
    server.log.message("lines of its guests (max-log-rate) are dropped").await;
    // Another handler is still heard.
    assert_eq!(quiet.ask("log 1").await, "logged");
    server.log.wait("a quiet line", |line| line.is_guests() && said_by(line, "quiet")).await;
    // And so is this one, in its next second.
    let dropped = loop {
        assert_eq!(loud.ask("log 1").await, "logged");
        let lines = server.log.lines();
        if let Some(line) = lines.iter().find(|line| line.message().contains("were dropped")) {
            break line.number("dropped").unwrap();
        }
    };
    let said = server.log.said_by(1).iter().filter(|line| line.len() == 100).count();
    assert!(dropped > 5000 && said < 5000, "{dropped} dropped, {said} said");
}

fn said_by(line: &LogLine, handler: &str) -> bool {
    line.field("handler").is_some_and(|name| name == handler)
}

#[tokio::test]
async fn a_start_that_takes_longer_than_a_handshake_may_is_500() {
    let server = Start::with(&[("slow.wasm", &STARTS_SLOWLY.bytes())])
        .arg("--event-cpu-time=1m")
        .arg("--handshake-timeout=50ms")
        .run()
        .await;
    let refused = Client::try_connect(&server.url("/slow"), &[]).await.err();
    assert_eq!(refused.map(|status| status.as_u16()), Some(500));
    server.log.message("took longer than 50ms to start (handshake-timeout)").await;
}
