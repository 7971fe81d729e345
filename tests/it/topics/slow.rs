//! Subscribers that are too slow, and the publishers that do not notice.

use tokio_tungstenite::tungstenite::Message;

use super::{audience, next, tell};
use crate::harness::guests::PUBLISHES;
use crate::harness::{Client, Server, Start, metrics};

const BYTES: usize = 20_000;

/// With the manifest's way to deal with them.
async fn server(overflow: &str) -> Server {
    let manifest = format!("[topics]\noverflow = \"{overflow}\"\n");
    Start::with(&[("t.wasm", &PUBLISHES.bytes()), ("t.toml", manifest.as_bytes())])
        .arg("--max-backpressure=100KB")
        .arg("--write-timeout=1h")
        .arg("--admin=127.0.0.1:0")
        .run()
        .await
}

/// One message to all, which the fast ones get.
async fn publish(publisher: &mut Client, fast: &mut [Client]) {
    tell(publisher, &format!("binary all {BYTES}"), "Published").await;
    for client in fast {
        assert_eq!(next(client).await, Message::binary(vec![7; BYTES]));
    }
}

/// Publishes until this counts something. Returns how many messages that took.
async fn publish_until(
    server: &Server,
    name: &str,
    publisher: &mut Client,
    fast: &mut [Client],
) -> usize {
    for count in 1..5000 {
        publish(publisher, fast).await;
        if metrics(server).await.get(name).is_some_and(|value| *value > 0.0) {
            return count;
        }
    }
    panic!("nobody was too slow");
}

async fn is_closed(fast: usize) {
    let server = server("close").await;
    let mut slow = audience(&server, "all", 1).await.pop().unwrap();
    let mut fast = audience(&server, "all", fast).await;
    let mut publisher = server.connect("/t").await;
    let dropped = r#"socklet_topic_dropped_total{handler="t"}"#;
    let count = publish_until(&server, dropped, &mut publisher, &mut fast).await;
    let line = server.log.message("closing with 1013").await;
    assert!(line.message().contains("max-backpressure"), "{}", line.message());
    // It is subscribed no more, and others are.
    tell(&mut publisher, "count all", &fast.len().to_string()).await;
    publish(&mut publisher, &mut fast).await;
    let (messages, close) = slow.rest().await;
    assert_eq!(close, Some((1013, "too slow for a topic (max-backpressure)".into())));
    assert!(messages.len() < count, "{} of {count}", messages.len());
    assert!(messages.iter().all(|message| *message == Message::binary(vec![7; BYTES])));
    server.log.message("closed: Host 1013 \"topic-overflow\"").await;
}

#[tokio::test]
async fn one_of_few_is_closed_where_the_manifest_says_so() {
    is_closed(1).await;
}

#[tokio::test]
async fn one_of_many_is_closed_where_the_manifest_says_so() {
    is_closed(40).await;
}

#[tokio::test]
async fn it_misses_messages_where_the_manifest_says_so() {
    let server = server("drop").await;
    let mut slow = audience(&server, "all", 1).await.pop().unwrap();
    let mut fast = audience(&server, "all", 1).await;
    let mut publisher = server.connect("/t").await;
    let dropped = r#"socklet_topic_dropped_total{handler="t"}"#;
    let mut sent = publish_until(&server, dropped, &mut publisher, &mut fast).await;
    for _ in 0..10 {
        publish(&mut publisher, &mut fast).await;
        sent += 1;
    }
    server.log.message("messages of a topic are dropped for it (max-backpressure)").await;
    let missed = metrics(&server).await[dropped] as usize;
    assert!(missed > 1, "{missed}");
    tell(&mut publisher, "count all", "2").await;
    // What it says is heard meanwhile: deliveries alone hold back nothing.
    slow.send("unsubscribe all").await;
    for _ in 0..sent - missed {
        assert_eq!(next(&mut slow).await, Message::binary(vec![7; BYTES]));
    }
    assert_eq!(slow.text().await, "true");
    tell(&mut publisher, "count all", "1").await;
    // It is as good a subscriber as any from then on.
    tell(&mut slow, "subscribe all", "Subscribed").await;
    publish(&mut publisher, &mut fast).await;
    assert_eq!(next(&mut slow).await, Message::binary(vec![7; BYTES]));
}

#[tokio::test]
async fn what_its_handler_writes_has_room_still() {
    let server = server("drop").await;
    let mut slow = audience(&server, "all", 1).await.pop().unwrap();
    let mut fast = audience(&server, "all", 1).await;
    let mut publisher = server.connect("/t").await;
    let dropped = r#"socklet_topic_dropped_total{handler="t"}"#;
    publish_until(&server, dropped, &mut publisher, &mut fast).await;
    // Each of these is a write into a queue that deliveries have filled as far as they may.
    for number in 0..5 {
        slow.send(format!("write {number} {}", "x".repeat(1000))).await;
        publish(&mut publisher, &mut fast).await;
    }
    let mut own = 0;
    while own < 5 {
        if let Message::Text(text) = next(&mut slow).await {
            assert!(text.starts_with(&format!("{own} ")), "{:.20}", text.as_str());
            own += 1;
        }
    }
}

/// All of a burst in one event, which is more than half of a queue: their sessions come to
/// write meanwhile. What is beyond it fits into a socket, so that it does not depend on how
/// fast they read.
#[tokio::test]
async fn who_reads_gets_all_of_a_burst_however_few_they_are() {
    const COUNT: usize = 66;
    const LENGTH: usize = 8_000;
    for subscribers in [1, 5, 32] {
        let server = Start::with(&[("t.wasm", &PUBLISHES.bytes())]).run().await;
        let mut clients = audience(&server, "all", subscribers).await;
        let mut publisher = server.connect("/t").await;
        let reading = clients.iter_mut().map(async |client| {
            for _ in 0..COUNT {
                match next(client).await {
                    Message::Binary(message) => assert_eq!(message.len(), LENGTH),
                    other => panic!("{subscribers} subscribers, and one gets {other:?}"),
                }
            }
        });
        let reading = futures_util::future::join_all(reading);
        let (_, ()) = tokio::join!(reading, async {
            tell(&mut publisher, &format!("flood all {COUNT} {LENGTH}"), "Published").await;
        });
    }
}
