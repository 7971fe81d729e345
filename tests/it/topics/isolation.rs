//! Promise 7: another handler's topics and connections are out of reach, and a shared
//! topic needs a grant.

use super::tell;
use crate::harness::guests::{KEEPS_A, PUBLISHES};
use crate::harness::{Client, Operator, Server, Start, within};

const NONE: &str = "";

/// Two handlers, `/a` and `/b`, with these manifests.
async fn two(a: &str, b: &str) -> Server {
    let guest = PUBLISHES.bytes();
    Start::with(&[
        ("a.wasm", &guest),
        ("a.toml", a.as_bytes()),
        ("b.wasm", &guest),
        ("b.toml", b.as_bytes()),
    ])
    .run()
    .await
}

async fn both(server: &Server) -> (Client, Client) {
    (server.connect("/a").await, server.connect("/b").await)
}

fn granted(publish: &str, subscribe: &str) -> String {
    format!("[capabilities]\ntopics = {{ publish = {publish}, subscribe = {subscribe} }}\n")
}

#[tokio::test]
async fn a_hostile_handler_reaches_nothing_of_anothers() {
    let server = two(NONE, NONE).await;
    let (mut victim, mut intruder) = both(&server).await;
    let id = victim.ask("id").await;
    tell(&mut victim, "subscribe news", "Subscribed").await;

    // Neither by the topic's name, in whatever form,
    for name in ["news", "a/news", "a:news", "/a/news", "a.news"] {
        tell(&mut intruder, &format!("count {name}"), "0").await;
        tell(&mut intruder, &format!("publish {name} intruder"), "Published").await;
    }
    for name in ["shared:news", "shared:a/news", "shared:shared:news"] {
        tell(&mut intruder, &format!("subscribe {name}"), "Denied").await;
        tell(&mut intruder, &format!("publish {name} intruder"), "Denied").await;
        tell(&mut intruder, &format!("count {name}"), "0").await;
        tell(&mut intruder, &format!("unsubscribe {name}"), "false").await;
    }
    // nor by the connection's id.
    tell(&mut intruder, &format!("raw-subscribe {id} news"), "SubscribeOutcome::Closed").await;
    let answer = "UnsubscribeOutcome::NotSubscribed";
    tell(&mut intruder, &format!("raw-unsubscribe {id} news"), answer).await;

    // And nothing of the victim's reaches it.
    tell(&mut intruder, "subscribe news", "Subscribed").await;
    tell(&mut victim, "count news", "1").await;
    tell(&mut intruder, "count news", "1").await;
    victim.send("publish news mine").await;
    let mut heard = [victim.text().await, victim.text().await];
    heard.sort();
    assert_eq!(heard, ["Published", "mine"]);
    tell(&mut intruder, "count news", "1").await;
}

#[tokio::test]
async fn another_instances_connection_can_t_be_subscribed() {
    let server = two(NONE, NONE).await;
    let mut one = server.connect("/a").await;
    let mut other = server.connect("/a").await;
    let id = one.ask("id").await;
    tell(&mut other, &format!("raw-subscribe {id} news"), "SubscribeOutcome::Closed").await;
    tell(&mut one, "subscribe news", "Subscribed").await;
    let answer = "UnsubscribeOutcome::NotSubscribed";
    tell(&mut other, &format!("raw-unsubscribe {id} news"), answer).await;
    let answer = "PublishOutcome::Published";
    tell(&mut other, &format!("raw-except {id} news heard all the same"), answer).await;
    assert_eq!(one.text().await, "heard all the same");
}

#[tokio::test]
async fn a_shared_topic_is_for_those_that_are_granted_it() {
    let publisher = granted(r#"["news.*"]"#, "[]");
    let subscriber = granted("[]", r#"["news.sport", "weather"]"#);
    let server = two(&publisher, &subscriber).await;
    let (mut publisher, mut subscriber) = both(&server).await;
    tell(&mut subscriber, "subscribe shared:news.sport", "Subscribed").await;
    tell(&mut publisher, "count shared:news.sport", "1").await;
    tell(&mut publisher, "publish shared:news.sport goal", "Published").await;
    assert_eq!(subscriber.text().await, "goal");

    tell(&mut publisher, "subscribe shared:news.sport", "Denied").await;
    tell(&mut publisher, "publish shared:weather rain", "Denied").await;
    tell(&mut publisher, "count shared:weather", "0").await;
    tell(&mut subscriber, "publish shared:news.sport foul", "Denied").await;
    tell(&mut subscriber, "subscribe shared:news.local", "Denied").await;

    // What is granted is the shared one: each has an own one of that name.
    tell(&mut subscriber, "subscribe news.sport", "Subscribed").await;
    tell(&mut publisher, "count news.sport", "0").await;
    tell(&mut publisher, "publish news.sport unheard", "Published").await;
    tell(&mut subscriber, "count news.sport", "1").await;

    // Nobody's connection is another handler's to leave out.
    let id = subscriber.ask("id").await;
    let answer = "PublishOutcome::Published";
    tell(&mut publisher, &format!("raw-except {id} shared:news.sport heard"), answer).await;
    assert_eq!(subscriber.text().await, "heard");
    tell(&mut subscriber, "unsubscribe shared:news.sport", "true").await;
    tell(&mut publisher, "count shared:news.sport", "0").await;
}

#[tokio::test]
async fn a_connection_that_moves_keeps_what_the_new_version_is_granted() {
    let first = granted("[]", r#"["a", "b"]"#);
    let files: [(&str, &[u8]); 2] = [("x.wasm", &KEEPS_A.bytes()), ("x.toml", first.as_bytes())];
    let server = Start::with(&files).arg("--admin=127.0.0.1:0").run().await;
    let operator = Operator::of(&server).await;
    let mut client = server.connect("/x").await;
    for (count, topic) in ["shared:a", "shared:b", "own"].iter().enumerate() {
        let answer = client.ask(format!("subscribe {topic}").as_str()).await;
        assert!(answer.starts_with(&format!("a:{} ", count + 1)), "{answer}");
    }
    server.put("x.toml", granted("[]", r#"["b"]"#).as_bytes());
    server.log.wait("the new generation", |line| line.number("generation") == Some(2)).await;
    let moved =
        async { while operator.handler("x").await["generations"].as_array().unwrap().len() > 1 {} };
    within("the connection to move", moved).await;
    for topic in ["shared:a", "shared:b", "own"] {
        let path = format!("POST /topics/{topic}?handler=x");
        let (status, answer) = operator.send(&path, &[], topic.as_bytes()).await;
        assert_eq!(status, 202, "{answer}");
    }
    assert_eq!(client.text().await, "shared:b");
    assert_eq!(client.text().await, "own");
}
