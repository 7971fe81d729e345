//! Topics: what is published to one reaches whoever is subscribed, and nobody else.

mod direct;
mod isolation;
mod slow;

use tokio_tungstenite::tungstenite::Message;

use crate::harness::guests::{BROADCASTS, PUBLISHES};
use crate::harness::{Client, Server, Start, metrics, within};

async fn server(args: &[&str]) -> Server {
    let start = Start::with(&[("t.wasm", &PUBLISHES.bytes())]);
    args.iter().fold(start, |start, arg| start.arg(*arg)).run().await
}

/// Connections that are subscribed to this topic.
async fn audience(server: &Server, topic: &str, count: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(server.connect(&format!("/t?{topic}")).await);
    }
    // Its answer comes after its `on-ready`.
    for client in &mut clients {
        client.ask("id").await;
    }
    clients
}

/// Sends a command and expects this answer.
async fn tell(client: &mut Client, command: &str, answer: &str) {
    assert_eq!(client.ask(command).await, answer, "{command}");
}

async fn next(client: &mut Client) -> Message {
    client.next().await.expect("a message").expect("a message")
}

/// Waits until so many are subscribed: a connection ends on the server a moment after
/// its client has seen the end.
async fn until_subscribed(client: &mut Client, topic: &str, count: usize) {
    let expected = count.to_string();
    let counted = async { while client.ask(&format!("count {topic}")).await != expected {} };
    within(&format!("{count} subscribers"), counted).await;
}

#[tokio::test]
async fn what_one_says_all_others_hear_as_the_kind_it_is() {
    let server = Start::with(&[("x.wasm", &BROADCASTS.bytes())]).run().await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(server.connect("/x").await);
    }
    // Each of them hears those that came before it, so it is subscribed by then.
    for number in 0..3 {
        clients[number].send(format!("from {number}")).await;
        clients[number].send(Message::binary(vec![number as u8; 70_000])).await;
        for other in (0..3).filter(|other| *other != number) {
            assert_eq!(clients[other].text().await, format!("from {number}"));
            let bytes = next(&mut clients[other]).await;
            assert_eq!(bytes, Message::binary(vec![number as u8; 70_000]));
        }
    }
}

/// Two publish at once, to so many.
async fn order(subscribers: usize) {
    const MESSAGES: u64 = 3000;
    let server = server(&[]).await;
    let mut clients = audience(&server, "all", subscribers).await;
    let mut publishers = [server.connect("/t").await, server.connect("/t").await];
    for publisher in &mut publishers {
        publisher.send(format!("burst all {MESSAGES}")).await;
    }
    for client in &mut clients {
        let mut seen = std::collections::BTreeMap::<String, u64>::new();
        for _ in 0..2 * MESSAGES {
            let text = client.text().await;
            let (id, number) = text.split_once(' ').unwrap();
            let expected = seen.entry(id.to_owned()).or_default();
            assert_eq!(number.parse(), Ok(*expected), "of {id}");
            *expected += 1;
        }
        assert_eq!(seen.len(), 2);
    }
    for publisher in &mut publishers {
        assert_eq!(publisher.text().await, "Published");
    }
}

#[tokio::test]
async fn few_get_each_publishers_messages_in_order() {
    order(3).await;
}

#[tokio::test]
async fn many_get_each_publishers_messages_in_order() {
    order(40).await;
}

#[tokio::test]
async fn a_subscription_begins_and_ends_as_it_is_told() {
    let server = server(&[]).await;
    let [mut one, mut two] = [server.connect("/t").await, server.connect("/t").await];
    tell(&mut one, "count news", "0").await;
    tell(&mut one, "publish news to-nobody", "Published").await;
    tell(&mut one, "subscribe news", "Subscribed").await;
    tell(&mut one, "subscribe news", "Subscribed").await;
    tell(&mut two, "count news", "1").await;
    tell(&mut two, "publish news once", "Published").await;
    assert_eq!(one.text().await, "once");
    tell(&mut one, "unsubscribe news", "true").await;
    tell(&mut one, "unsubscribe news", "false").await;
    tell(&mut one, "unsubscribe other", "false").await;
    tell(&mut two, "publish news unheard", "Published").await;
    tell(&mut two, "count news", "0").await;
    tell(&mut one, "subscribe other", "Subscribed").await;
    tell(&mut two, "publish other again", "Published").await;
    assert_eq!(one.text().await, "again");
}

#[tokio::test]
async fn one_may_be_left_out() {
    let server = server(&[]).await;
    for others in [1, 40] {
        let mut clients = audience(&server, "all", others + 1).await;
        let mut publisher = clients.pop().unwrap();
        tell(&mut publisher, "except all hello", "Published").await;
        publisher.send("publish all bye").await;
        for client in &mut clients {
            assert_eq!(client.text().await, "hello");
            assert_eq!(client.text().await, "bye");
        }
        let mut texts = [publisher.text().await, publisher.text().await];
        texts.sort();
        assert_eq!(texts, ["Published", "bye"]);
    }
}

#[tokio::test]
async fn a_subscription_ends_with_its_connection_however_that_ends() {
    let server = server(&[]).await;
    let mut watcher = server.connect("/t").await;
    let mut clients = audience(&server, "all", 4).await;
    tell(&mut watcher, "count all", "4").await;
    drop(clients.pop());
    server.log.message("closed: Network 1006 \"\", 3 left").await;
    clients.pop().unwrap().close(1000, "").await;
    server.log.message("closed: Peer 1000 \"\", 2 left").await;
    let mut closed = clients.pop().unwrap();
    closed.send("close").await;
    server.log.message("after its close: Closed").await;
    tell(&mut watcher, "count all", "1").await;
    assert_eq!(closed.closed().await.0, 1000);
    server.log.message("closed: Handler 1000 \"\", 1 left").await;
    server.log.message("after its end: Closed").await;
    tell(&mut watcher, "publish all still", "Published").await;
    assert_eq!(clients[0].text().await, "still");
}

#[tokio::test]
async fn large_messages_and_small_ones_keep_their_order() {
    let server = server(&["--max-backpressure=8MiB"]).await;
    for count in [2, 40] {
        let mut clients = audience(&server, "all", count).await;
        let mut publisher = server.connect("/t").await;
        let sizes = [10, 2000, 5000, 100, 1 << 20, 300_000];
        for size in sizes {
            tell(&mut publisher, &format!("binary all {size}"), "Published").await;
            tell(&mut publisher, &format!("publish all after-{size}"), "Published").await;
        }
        for client in &mut clients {
            // What the handler writes comes in between, and whole.
            client.send("write own").await;
            let mut own = 0;
            let mut rest = Vec::new();
            while rest.len() < 2 * sizes.len() || own == 0 {
                match next(client).await {
                    Message::Text(text) if text == "own" => own += 1,
                    message => rest.push(message),
                }
            }
            for (size, pair) in sizes.iter().zip(rest.chunks(2)) {
                assert_eq!(pair[0], Message::binary(vec![7; *size]));
                assert_eq!(pair[1], Message::text(format!("after-{size}")));
            }
        }
        drop(clients);
        until_subscribed(&mut publisher, "all", 0).await;
    }
}

#[tokio::test]
async fn names_messages_and_subscriptions_are_bounded() {
    let server = server(&["--max-message-size=50000"]).await;
    let mut client = server.connect("/t").await;
    let longest = "x".repeat(256);
    tell(&mut client, &format!("subscribe {longest}"), "Subscribed").await;
    for bad in [String::new(), "x".repeat(257), "a\tb".into(), "shared:".into()] {
        tell(&mut client, &format!("subscribe {bad}"), "Invalid").await;
        tell(&mut client, &format!("publish {bad} x"), "Invalid").await;
        tell(&mut client, &format!("count {bad}"), "0").await;
    }
    tell(&mut client, "binary all 50001", "TooLarge").await;
    tell(&mut client, "binary all 50000", "Published").await;
    for number in 1..64 {
        tell(&mut client, &format!("subscribe topic {number}"), "Subscribed").await;
    }
    tell(&mut client, "subscribe one-more", "Full").await;
    tell(&mut client, "subscribe topic 7", "Subscribed").await;
    tell(&mut client, "unsubscribe topic 7", "true").await;
    tell(&mut client, "subscribe one-more", "Subscribed").await;
}

#[tokio::test]
async fn how_many_topics_and_subscriptions_there_are_is_up_to_operator_and_manifest() {
    let component = PUBLISHES.bytes();
    let server = Start::with(&[
        ("flags.wasm", &component),
        ("manifest.wasm", &component),
        ("manifest.toml", b"[limits]\nmax-subscriptions = 3\nmax-topics = 4"),
    ])
    .arg("--max-subscriptions=2")
    .arg("--max-topics=3")
    .run()
    .await;
    for (route, subscriptions, topics) in [("/flags", 2, 3), ("/manifest", 3, 4)] {
        let mut one = server.connect(route).await;
        for number in 0..subscriptions {
            tell(&mut one, &format!("subscribe topic {number}"), "Subscribed").await;
        }
        tell(&mut one, "subscribe topic x", "Full").await;
        let mut other = server.connect(route).await;
        for number in subscriptions..topics {
            tell(&mut other, &format!("subscribe topic {number}"), "Subscribed").await;
        }
        tell(&mut other, "subscribe topic x", "Full").await;
        // Not too many for it, but for the handler: one that is there can be had.
        tell(&mut other, "subscribe topic 0", "Subscribed").await;
    }
}

#[tokio::test]
async fn topics_are_the_handlers_over_all_its_generations() {
    let server = Start::with(&[("t.wasm", &PUBLISHES.bytes())]).run().await;
    let mut old = audience(&server, "all", 1).await.pop().unwrap();
    server.put("t.wasm", &BROADCASTS.bytes());
    let second = |line: &crate::harness::LogLine| {
        line.message().contains("serves /t") && line.number("generation") == Some(2)
    };
    server.log.wait("generation 2", second).await;
    let mut new = server.connect("/t").await;
    new.send("from the new one").await;
    assert_eq!(old.text().await, "from the new one");
    tell(&mut old, "except all from-the-old-one", "Published").await;
    assert_eq!(new.text().await, "from-the-old-one");
    tell(&mut old, "count all", "2").await;
    tell(&mut old, "unsubscribe all", "true").await;
    tell(&mut old, "count all", "1").await;
}

#[tokio::test]
async fn what_is_published_and_delivered_is_counted() {
    let server = server(&["--admin=127.0.0.1:0"]).await;
    let mut clients = audience(&server, "all", 40).await;
    let mut publisher = server.connect("/t").await;
    tell(&mut publisher, "publish nobody hello", "Published").await;
    tell(&mut publisher, "publish all hello", "Published").await;
    for client in &mut clients {
        assert_eq!(client.text().await, "hello");
    }
    let now = metrics(&server).await;
    for (name, value) in [
        (r#"socklet_topic_published_total{handler="t"}"#, 2.0),
        (r#"socklet_topic_delivered_total{handler="t"}"#, 40.0),
        (r#"socklet_topic_dropped_total{handler="t"}"#, 0.0),
        // With the answers to each one's first question, and the publisher's.
        (r#"socklet_messages_total{direction="out",handler="t"}"#, 40.0 + 40.0 + 2.0),
    ] {
        assert_eq!(now.get(name), Some(&value), "{name}: {now:#?}");
    }
}
