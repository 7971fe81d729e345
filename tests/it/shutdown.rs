//! SIGTERM, SIGINT, and a second of them.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::guests::{ANSWERS_A, ANSWERS_B, REPORTS_CLOSE, RUNS_ON_MESSAGE};
use crate::harness::{Start, http, within};

#[tokio::test]
async fn a_signal_closes_every_connection_with_1001_and_exits_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Start::with(&[("reports.wasm", &REPORTS_CLOSE.bytes())]).run().await;
        let mut client = server.connect("/reports").await;
        client.text().await;
        server.signal(signal);
        let (code, reason) = client.closed().await;
        assert_eq!(code, 1001);
        assert_eq!(reason, "the host is shutting down");
        assert!(server.exit().await.success());
        server.log.message(r#"closed: Host 1001 "the host is shutting down" "shutdown""#).await;
    }
}

#[tokio::test]
async fn an_event_that_outlives_the_shutdown_timeout_is_dropped() {
    let mut server = Start::with(&[("runs.wasm", &RUNS_ON_MESSAGE.bytes())])
        .arg("--shutdown-timeout=500ms")
        .endless_events()
        .run()
        .await;
    let mut client = server.connect("/runs").await;
    assert_eq!(client.ask("loop").await, "looping");
    server.signal(Signal::TERM);
    assert!(server.exit().await.success());
    server.log.message("shutdown-timeout").await;
    assert!(!server.log.said_by(1).contains(&"on-close".to_owned()));
}

#[tokio::test]
async fn a_second_signal_exits_at_once() {
    let mut server = Start::with(&[("runs.wasm", &RUNS_ON_MESSAGE.bytes())])
        .arg("--shutdown-timeout=1h")
        .endless_events()
        .run()
        .await;
    let mut client = server.connect("/runs").await;
    assert_eq!(client.ask("loop").await, "looping");
    server.signal(Signal::TERM);
    server.log.message("shutting down").await;
    server.signal(Signal::TERM);
    assert_eq!(server.exit().await.code(), Some(143));
}

#[tokio::test]
async fn it_does_not_wait_for_closes_that_are_spread() {
    let mut server =
        Start::with(&[("x.wasm", &ANSWERS_A.bytes())]).arg("--drain-timeout=1ms").run().await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push(server.connect("/x").await);
    }
    let (first, mut closed) = tokio::sync::mpsc::channel(1);
    let ends = clients.into_iter().map(|mut client| {
        let first = first.clone();
        tokio::spawn(async move {
            let (code, _) = client.closed().await;
            // Only the first is waited for.
            let _ = first.try_send(());
            code
        })
    });
    let ends: Vec<_> = ends.collect();
    server.put("x.wasm", &ANSWERS_B.bytes());
    within("the first close", closed.recv()).await.unwrap();
    server.signal(Signal::TERM);
    let mut codes = Vec::new();
    for end in ends {
        codes.push(end.await.unwrap());
    }
    assert!(server.exit().await.success());
    assert!(codes.contains(&1012) && codes.contains(&1001), "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, 1001 | 1012)), "{codes:?}");
}

#[tokio::test]
async fn the_closes_of_many_connections_are_spread() {
    let mut server = Start::embedded().arg("--shutdown-timeout=4s").run().await;
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(server.connect("/echo").await);
    }
    let ends = clients.into_iter().map(|mut client| {
        tokio::spawn(async move {
            let (code, _) = client.closed().await;
            (Instant::now(), code)
        })
    });
    let ends: Vec<_> = ends.collect();
    server.signal(Signal::TERM);
    let mut times = Vec::new();
    for end in ends {
        let (time, code) = end.await.unwrap();
        assert_eq!(code, 1001);
        times.push(time);
    }
    times.sort_unstable();
    // 10 ms each: in half a second a quarter of them, and not all.
    assert!(times[199] - times[0] > Duration::from_secs(1), "{:?}", times[199] - times[0]);
    assert!(times[149] - times[49] > Duration::from_millis(500));
    assert!(server.exit().await.success());
    assert!(!server.log.text().contains("are dropped"));
}

#[tokio::test]
async fn a_silent_socket_does_not_hold_up_the_end() {
    let mut server = Start::embedded().arg("--shutdown-timeout=1h").run().await;
    let silent = tokio::net::TcpStream::connect(server.address).await.unwrap();
    // The server has accepted it once it answers a later one.
    assert_eq!(http(server.address, "GET /echo", &["Host: localhost"]).await.status, 426);
    server.signal(Signal::TERM);
    assert!(server.exit().await.success());
    drop(silent);
}
