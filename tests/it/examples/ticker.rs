//! The ticker, with prices from the outside.

use super::server_of;

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
