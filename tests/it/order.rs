//! Promises 1 and 3: events and writes in order, and no waiting for the return.

use tokio_tungstenite::tungstenite::Message;

use crate::harness::Start;
use crate::harness::guests::{RUNS_ON_MESSAGE, USES_WASI};

#[tokio::test]
async fn pipelined_messages_are_answered_in_order() {
    let server = Start::embedded().run().await;
    let mut client = server.connect("/echo").await;
    for number in 0..5000 {
        client.feed(number.to_string()).await;
    }
    client.flush().await;
    for number in 0..5000 {
        assert_eq!(client.text().await, number.to_string());
    }
}

#[tokio::test]
async fn what_came_before_a_close_frame_is_answered_before_the_close() {
    let server = Start::embedded().run().await;
    let mut client = server.connect("/echo").await;
    for number in 0..100 {
        client.feed(number.to_string()).await;
    }
    let (messages, close) = client.close(1000, "done").await;
    let expected: Vec<Message> = (0..100).map(|number| number.to_string().into()).collect();
    assert_eq!(messages, expected);
    assert_eq!(close, Some((1000, "done".into())));
}

/// Together they outlast any turn, and nothing more comes from the peer that would wake
/// the session.
#[tokio::test]
async fn events_that_follow_one_another_for_long_all_come_before_the_close() {
    let files =
        [("runs.wasm", &RUNS_ON_MESSAGE.bytes()[..]), ("wasi.wasm", &USES_WASI.bytes()[..])];
    let server = Start::with(&files).run().await;
    for (route, message, answers) in [("/runs", "spin 1", 1), ("/wasi", "sleep 5", 2)] {
        let mut client = server.connect(route).await;
        for _ in 0..32 {
            client.feed(message).await;
        }
        let (messages, close) = client.close(1000, "done").await;
        assert_eq!(messages.len(), 32 * answers, "{route}");
        assert_eq!(close, Some((1000, "done".into())));
    }
}

#[tokio::test]
async fn a_write_leaves_while_its_event_is_still_running() {
    let server =
        Start::with(&[("runs.wasm", &RUNS_ON_MESSAGE.bytes())]).endless_events().run().await;
    let mut client = server.connect("/runs").await;
    // It never returns, so what it wrote can only leave before that.
    assert_eq!(client.ask("loop").await, "looping");
    // Meanwhile pings are answered.
    client.ping(b"there?").await;
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong(b"there?"[..].into()));
}

#[tokio::test]
async fn connections_are_served_beside_more_endless_events_than_there_are_threads() {
    let server =
        Start::with(&[("runs.wasm", &RUNS_ON_MESSAGE.bytes())]).endless_events().run().await;
    let mut looping = Vec::new();
    for _ in 0..16 {
        let mut client = server.connect("/runs").await;
        assert_eq!(client.ask("loop").await, "looping");
        looping.push(client);
    }
    let mut honest = server.connect("/runs").await;
    for _ in 0..100 {
        assert_eq!(honest.ask("hi").await, "hi");
    }
}

#[tokio::test]
async fn a_write_leaves_while_its_event_waits() {
    let server = Start::with(&[("wasi.wasm", &USES_WASI.bytes())]).run().await;
    let mut client = server.connect("/wasi").await;
    assert_eq!(client.ask("sleep 3600000").await, "sleeping");
    let mut client = server.connect("/wasi").await;
    assert_eq!(client.ask("sleep 10").await, "sleeping");
    assert_eq!(client.text().await, "slept");
}
