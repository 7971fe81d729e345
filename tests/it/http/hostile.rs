//! A guest that asks for much and reads nothing costs no one but itself.

use super::{allowing, outcome, start};
use crate::harness::{Upstream, metrics};

#[tokio::test]
async fn a_flood_of_requests_is_as_many_as_there_may_be() {
    let upstream = Upstream::start().await;
    let server = start(&upstream).arg("--admin=127.0.0.1:0").run().await;
    let mut hostile = server.connect("/f").await;
    let mut other = server.connect("/f").await;
    let url = upstream.url();
    assert_eq!(hostile.ask(&format!("flood {url} 100")).await, "end");
    let mut calls = Vec::new();
    for _ in 0..8 {
        calls.push(upstream.call().await);
    }
    let refused = "socklet_http_requests_total{handler=\"f\",outcome=\"max-http-requests\"}";
    let samples = metrics(&server).await;
    assert_eq!(samples[refused], 92.0);
    assert_eq!(samples["socklet_http_requests{handler=\"f\"}"], 8.0);
    // It is told of in a few lines.
    server.log.message("max-http-requests").await;
    let lines = server.log.lines();
    let told = lines.iter().filter(|line| line.message().contains("max-http-requests"));
    assert!((1..=92).contains(&told.count()));
    assert_eq!(outcome(&mut hostile, &format!("get {url}")).await, "error TooMany");
    assert!(!upstream.is_asked());
    // It reads nothing of what they say, however much that is.
    for call in &mut calls {
        call.begin().await;
        call.piece(&"x".repeat(64 * 1024)).await;
    }
    other.send(format!("get {url}")).await;
    upstream.call().await.answer("fine").await;
    assert_eq!(other.text().await, "status 200");
    // Letting go of them ends them.
    assert_eq!(hostile.ask("release").await, "end");
    for call in &mut calls {
        call.closed().await;
    }
}

#[tokio::test]
async fn an_instance_that_takes_too_much_is_ended_and_so_are_its_requests() {
    let (upstream, sound) = (Upstream::start().await, Upstream::start().await);
    let hosts = [&upstream, &sound].map(|upstream| upstream.address.to_string());
    let server = allowing(&[&hosts[0], &hosts[1]], "").run().await;
    let mut hostile = server.connect("/f").await;
    let mut other = server.connect("/f").await;
    hostile.send(format!("flood {} 100000", upstream.url())).await;
    assert_eq!(hostile.closed().await.0, 1011);
    // Those that had been begun are no more than there may be at a time.
    let mut begun = 0;
    while upstream.is_asked() {
        begun += 1;
    }
    assert!(begun <= 8, "{begun}");
    other.send(format!("get {}", sound.url())).await;
    sound.call().await.answer("fine").await;
    assert_eq!(other.text().await, "status 200");
}

#[tokio::test]
async fn pieces_of_a_byte_are_handed_on_together() {
    let upstream = Upstream::start().await;
    let server = start(&upstream).run().await;
    let mut client = server.connect("/f").await;
    client.send(format!("get {}", upstream.url())).await;
    let mut call = upstream.call().await;
    call.begin().await;
    call.say(&"1\r\nx\r\n".repeat(20_000)).await;
    call.end().await;
    assert_eq!(client.text().await, "status 200");
    let mut pieces = Vec::new();
    while pieces.last().is_none_or(|last| last != "end") {
        pieces.push(client.text().await);
    }
    pieces.pop();
    assert_eq!(pieces.concat(), "x".repeat(20_000));
    assert!(pieces.len() < 200, "{} pieces", pieces.len());
}
