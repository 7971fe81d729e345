//! Promise 1 where a component takes its messages itself: none is lost, in whatever way
//! it takes them, and its limits are those of an event.

use crate::harness::guests::LOOPS_BY_HAND;
use crate::harness::{Client, Server, Start};

async fn server() -> Server {
    let bytes = LOOPS_BY_HAND.bytes();
    let files =
        ["takes-nothing.wasm", "takes-one.wasm", "asks-on.wasm"].map(|file| (file, &bytes[..]));
    Start::with(&files).arg("--event-cpu-time=100ms").run().await
}

async fn open(server: &Server, route: &str) -> Client {
    let mut client = server.connect(route).await;
    assert_eq!(client.text().await, "nothing yet");
    client
}

async fn says_in_order(client: &mut Client, prefix: &str) {
    const MESSAGES: usize = 200;
    for number in 0..MESSAGES {
        client.send(number.to_string()).await;
    }
    for number in 0..MESSAGES {
        assert_eq!(client.text().await, format!("{prefix}: {number}"));
    }
}

#[tokio::test]
async fn what_a_loop_does_not_take_is_delivered_by_on_message() {
    let server = server().await;
    says_in_order(&mut open(&server, "/takes-nothing").await, "on-message").await;
}

#[tokio::test]
async fn what_a_loop_leaves_is_there_for_the_next_one() {
    let server = server().await;
    says_in_order(&mut open(&server, "/takes-one").await, "taken").await;
}

#[tokio::test]
async fn a_loop_that_asks_on_when_there_is_nothing_left_comes_to_its_limit() {
    let server = server().await;
    let mut client = open(&server, "/asks-on").await;
    says_in_order(&mut client, "taken").await;
    client.close(1000, "").await;
    server.log.message("100ms of CPU time").await;
    says_in_order(&mut open(&server, "/takes-one").await, "taken").await;
}
