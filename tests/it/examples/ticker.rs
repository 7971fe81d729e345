//! The ticker, with prices from the outside.

use super::{server_of, start_of};
use crate::harness::Operator;

#[tokio::test]
async fn what_is_pushed_reaches_those_who_follow_it() {
    let server = start_of("ticker").arg("--admin=127.0.0.1:0").run().await;
    let operator = Operator::of(&server).await;
    let push = async |topic: &str, price: &str| {
        let request = format!("POST /topics/{topic}?handler=ticker");
        let (status, answer) = operator.send(&request, &[], price.as_bytes()).await;
        assert_eq!(status, 202, "{answer}");
    };
    let mut ada = server.connect("/ticker?topic=oil").await;
    assert_eq!(ada.text().await, "* subscribed to oil");
    let mut bob = server.connect("/ticker?topic=oil&topic=gold").await;
    assert_eq!(bob.text().await, "* subscribed to oil");
    assert_eq!(bob.text().await, "* subscribed to gold");
    push("gold", "2000.5").await;
    push("oil", "71.05").await;
    push("tin", "30000").await;
    push("oil", "71.10").await;
    assert_eq!(
        [bob.text().await, bob.text().await, bob.text().await],
        ["2000.5", "71.05", "71.10"]
    );
    assert_eq!([ada.text().await, ada.text().await], ["71.05", "71.10"]);
    assert_eq!(ada.ask("unsubscribe oil").await, "* unsubscribed from oil");
    push("oil", "71.20").await;
    assert_eq!(bob.text().await, "71.20");
    assert_eq!(ada.ask("subscribe tin").await, "* subscribed to tin");
    push("tin", "30001").await;
    assert_eq!(ada.text().await, "30001");
}

#[tokio::test]
async fn a_peer_names_its_topics_in_the_query_and_by_text() {
    let server = server_of("ticker").await;
    let mut client = server.connect("/ticker?topic=oil&topic=r%26d&other=x").await;
    assert_eq!(client.text().await, "* subscribed to oil");
    assert_eq!(client.text().await, "* subscribed to r&d");
    assert_eq!(client.ask("subscribe gold").await, "* subscribed to gold");
    assert_eq!(client.ask("unsubscribe oil").await, "* unsubscribed from oil");
}

#[tokio::test]
async fn what_a_peer_may_not_or_can_not_follow_is_told() {
    let server = server_of("ticker").await;
    let mut client = server.connect("/ticker").await;
    let usage = "* say subscribe NAME or unsubscribe NAME";
    assert_eq!(client.ask("oil").await, usage);
    client.send(vec![1, 2, 3]).await;
    assert_eq!(client.text().await, usage);
    for (topic, reason) in [
        ("", "its name must have 1 to 256 bytes"),
        ("a\tb", "its name must have 1 to 256 bytes"),
        ("shared:news", "a shared topic needs a grant"),
    ] {
        let answer = client.ask(&format!("subscribe {topic}")).await;
        assert!(answer.starts_with(&format!("* not subscribed: {reason}")), "{answer}");
    }
    // The host's bound of one connection's topics.
    for number in 0..64 {
        let answer = client.ask(&format!("subscribe {number}")).await;
        assert_eq!(answer, format!("* subscribed to {number}"));
    }
    let answer = client.ask("subscribe 64").await;
    assert!(answer.starts_with("* not subscribed: there are too many"), "{answer}");
}
