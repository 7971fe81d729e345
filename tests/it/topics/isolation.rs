//! Promise 7: another handler's topics and connections are out of reach, and a shared
//! topic needs a grant.

use super::tell;
use crate::harness::guests::PUBLISHES;
use crate::harness::{Client, Server, Start};

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
