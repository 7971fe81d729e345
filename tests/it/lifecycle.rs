//! Promise 2: on-ready first, on-close last and exactly once.

use futures_util::future::join_all;
use rustix::process::Signal;

use crate::harness::guests::{REPORTS_CLOSE, TRAPS_ON_MESSAGE, TRAPS_ON_READY};
use crate::harness::{Client, Start};

/// What `reports_close` says of a connection, once it has ended.
async fn report(server: &crate::harness::Server, id: u64) -> Vec<String> {
    let mine = |line: &crate::harness::LogLine| line.number("connection") == Some(id);
    server.log.wait("on-close", |line| mine(line) && line.message().starts_with("closed")).await;
    server.log.said_by(id)
}

async fn connect(server: &crate::harness::Server) -> (Client, u64) {
    let mut client = server.connect("/reports").await;
    let id = client.text().await.parse().unwrap();
    (client, id)
}

#[tokio::test]
async fn on_close_tells_who_ended_it_and_how() {
    let server = Start::with(&[("reports.wasm", &REPORTS_CLOSE.bytes())]).run().await;

    let (mut client, id) = connect(&server).await;
    client.ask("one").await;
    assert_eq!(client.close(4321, "bye").await.1, Some((4321, "bye".into())));
    let expected = r#"closed: Peer 4321 "bye" "" after 1 messages"#;
    assert_eq!(report(&server, id).await, ["ready", expected]);

    let (client, id) = connect(&server).await;
    drop(client);
    let expected = r#"closed: Network 1006 "" "" after 0 messages"#;
    assert_eq!(report(&server, id).await, ["ready", expected]);

    let (mut client, id) = connect(&server).await;
    client.send(tokio_tungstenite::tungstenite::Message::Close(None)).await;
    assert_eq!(client.rest().await.1, Some((1005, String::new())));
    let expected = r#"closed: Peer 1005 "" "" after 0 messages"#;
    assert_eq!(report(&server, id).await, ["ready", expected]);
}

#[tokio::test]
async fn every_connection_has_its_own_state_and_ends_once() {
    let mut server = Start::with(&[("reports.wasm", &REPORTS_CLOSE.bytes())]).run().await;
    let connections = join_all((0..50).map(|count| {
        let server = &server;
        async move {
            let (mut client, id) = connect(server).await;
            for _ in 0..count {
                client.ask("x").await;
            }
            client.close(1000, "").await;
            (id, count)
        }
    }))
    .await;
    for (id, _) in &connections {
        report(&server, *id).await;
    }
    // All that there will ever be.
    server.signal(Signal::TERM);
    assert!(server.exit().await.success());
    for (id, count) in connections {
        let expected = format!(r#"closed: Peer 1000 "" "" after {count} messages"#);
        assert_eq!(server.log.said_by(id), ["ready".to_owned(), expected]);
    }
}

#[tokio::test]
async fn a_trap_closes_its_own_connection_with_1011_and_is_never_entered_again() {
    let server = Start::with(&[("traps.wasm", &TRAPS_ON_MESSAGE.bytes())]).run().await;
    let mut other = server.connect("/traps").await;
    let mut client = server.connect("/traps").await;
    assert_eq!(client.ask("fine").await, "fine");
    client.feed("before").await;
    client.feed("trap").await;
    client.feed("after").await;
    client.flush().await;
    let (messages, close) = client.rest().await;
    assert_eq!(messages, ["before".into()]);
    assert_eq!(close, Some((1011, "the handler failed".into())));
    let line = server.log.message("the instance failed").await;
    assert_eq!(line.level(), "ERROR");
    assert_eq!(line.field("handler").unwrap(), "traps");
    assert_eq!(line.number("generation"), Some(1));
    assert_eq!(line.number("connection"), Some(2));
    // The SDK has logged the panic, with its place.
    server.log.message("asked to trap").await;
    assert_eq!(other.ask("still here").await, "still here");
    other.close(1000, "").await;
    server.log.wait("on-close", |line| line.message() == "on-close").await;
    assert!(!server.log.said_by(2).contains(&"on-close".to_owned()));
}

#[tokio::test]
async fn a_trap_in_on_ready_is_1011() {
    let server = Start::with(&[("traps.wasm", &TRAPS_ON_READY.bytes())]).run().await;
    assert_eq!(server.connect("/traps").await.closed().await.0, 1011);
}
