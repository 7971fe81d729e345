//! Each limit of a request ends that request, or the event that waits for it, and is named.

use std::time::Duration;

use super::{outcome, pong, with_args};
use crate::harness::{Client, Server, Upstream, metrics};

/// An upstream, a server with this argument, and a client of it.
async fn trio(args: &[&str]) -> (Upstream, Server, Client) {
    let upstream = Upstream::start().await;
    let server = with_args(&upstream, args).await;
    let client = server.connect("/f").await;
    (upstream, server, client)
}

#[tokio::test]
async fn an_answer_is_no_longer_than_it_may_be() {
    let args = ["--max-http-response-size=1000", "--admin=127.0.0.1:0"];
    let (upstream, server, mut client) = trio(&args).await;
    let get = format!("get {}", upstream.url());
    // One that says so is not begun.
    client.send(&*get).await;
    let mut call = upstream.call().await;
    call.say("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n").await;
    assert_eq!(client.text().await, "error TooLarge");
    call.closed().await;
    // One that doesn't is cut off.
    client.send(&*get).await;
    let mut call = upstream.call().await;
    call.begin().await;
    assert_eq!(client.text().await, "status 200");
    let half = "x".repeat(500);
    for _ in 0..2 {
        call.piece(&half).await;
        assert_eq!(client.text().await, half);
    }
    call.piece("x").await;
    assert_eq!(client.text().await, "error TooLarge");
    call.closed().await;
    server.log.message("longer than 1000 bytes (max-http-response-size)").await;
    let metrics = metrics(&server).await;
    let name = "socklet_http_requests_total{handler=\"f\",outcome=\"max-http-response-size\"}";
    assert_eq!(metrics[name], 2.0);
    assert_eq!(metrics["socklet_http_requests{handler=\"f\"}"], 0.0);
    // One that is as long as it may be passes.
    client.send(&*get).await;
    upstream.call().await.answer(&"x".repeat(1000)).await;
    assert_eq!(client.text().await, "status 200");
    while client.text().await != "end" {}
}

#[tokio::test]
async fn a_request_is_no_longer_than_it_may_be() {
    let (upstream, server, mut client) = trio(&["--max-http-request-size=1000"]).await;
    let told = outcome(&mut client, &format!("post {} 1001", upstream.url())).await;
    assert_eq!(told, "error TooLarge");
    server.log.message("longer than 1000 bytes (max-http-request-size)").await;
    assert!(!upstream.is_asked());
    client.send(format!("post {} 1000", upstream.url())).await;
    let mut call = upstream.call().await;
    assert_eq!(call.body.len(), 1000);
    call.answer("taken").await;
    assert_eq!(client.text().await, "taken");
}

#[tokio::test]
async fn an_upstream_that_says_nothing_is_given_up() {
    let (upstream, server, mut client) = trio(&["--http-timeout=200ms"]).await;
    let get = format!("get {}", upstream.url());
    client.send(&*get).await;
    let mut call = upstream.call().await;
    assert_eq!(client.text().await, "error Timeout");
    call.closed().await;
    server.log.message("the host said nothing for 200ms (http-timeout)").await;
    // Nor may it fall silent.
    client.send(&*get).await;
    let mut call = upstream.call().await;
    call.begin().await;
    call.piece("one").await;
    assert_eq!([client.text().await, client.text().await], ["status 200", "one"]);
    assert_eq!(client.text().await, "error Timeout");
    call.closed().await;
}

#[tokio::test]
async fn a_guest_may_be_less_patient() {
    let (upstream, server, mut client) = trio(&[]).await;
    client.send(format!("wait 200 {}", upstream.url())).await;
    let mut call = upstream.call().await;
    assert_eq!(client.text().await, "error Timeout");
    call.closed().await;
    assert!(!server.log.text().contains("http-timeout"));
}

#[tokio::test]
async fn a_request_takes_no_longer_than_it_may_in_all() {
    let (upstream, server, mut client) = trio(&["--http-total-time=500ms"]).await;
    client.send(format!("get {}", upstream.url())).await;
    let mut call = upstream.call().await;
    call.begin().await;
    assert_eq!(client.text().await, "status 200");
    assert_eq!(client.text().await, "error Timeout");
    call.closed().await;
    server.log.message("it took longer than 500ms (http-total-time)").await;
}

#[tokio::test]
async fn an_instance_has_so_many_at_once() {
    let (upstream, server, mut client) = trio(&["--max-http-requests=2"]).await;
    let url = upstream.url();
    let mut calls = Vec::new();
    for _ in 0..2 {
        client.send(format!("hold {url}")).await;
        let mut call = upstream.call().await;
        call.begin().await;
        calls.push(call);
        assert_eq!(client.text().await, "end");
    }
    assert_eq!(outcome(&mut client, &format!("get {url}")).await, "error TooMany");
    server.log.message("as many at once as max-http-requests allows").await;
    assert!(!upstream.is_asked());
    // Another instance has its own.
    let mut other = server.connect("/f").await;
    other.send(format!("get {url}")).await;
    upstream.call().await.answer("other").await;
    assert_eq!(other.text().await, "status 200");
    // What is let go of makes room, and one after the other there may be any number.
    assert_eq!(client.ask("release").await, "end");
    for call in &mut calls {
        call.closed().await;
    }
    for _ in 0..10 {
        client.send(format!("get {url}")).await;
        upstream.call().await.answer("again").await;
        assert_eq!(client.text().await, "status 200");
        assert_eq!([client.text().await, client.text().await], ["again", "end"]);
    }
}

#[tokio::test]
async fn a_handler_has_so_many_at_once() {
    let (upstream, server, mut client) = trio(&["--max-handler-http-requests=1"]).await;
    let url = upstream.url();
    client.send(format!("hold {url}")).await;
    let mut call = upstream.call().await;
    call.begin().await;
    assert_eq!(client.text().await, "end");
    let mut other = server.connect("/f").await;
    assert_eq!(outcome(&mut other, &format!("get {url}")).await, "error TooMany");
    server.log.message("as many at once as max-handler-http-requests allows").await;
    // An instance that has gone holds none.
    client.close(1000, "").await;
    call.closed().await;
    other.send(format!("get {url}")).await;
    upstream.call().await.answer("room").await;
    assert_eq!(other.text().await, "status 200");
}

#[tokio::test]
async fn an_event_that_waits_for_ever_is_ended_and_its_request_with_it() {
    let args = ["--event-wall-time=500ms", "--http-timeout=1h", "--http-total-time=1h"];
    let (upstream, server, mut client) = trio(&args).await;
    let mut other = server.connect("/f").await;
    client.send(format!("get {}", upstream.url())).await;
    let mut call = upstream.call().await;
    pong(&mut client, b"waiting").await;
    let (code, reason) = client.closed().await;
    assert!(code == 1011 && reason.contains("event-wall-time"), "{code} {reason}");
    call.closed().await;
    assert_eq!(other.ask("fine").await, "fine");
}

#[tokio::test]
async fn each_piece_begins_the_wall_time_anew_and_waiting_is_no_cpu_time() {
    let args = ["--event-wall-time=1s", "--event-cpu-time=200ms", "--event-cpu-warning=100ms"];
    let (upstream, server, mut client) = trio(&args).await;
    client.send(format!("get {}", upstream.url())).await;
    let mut call = upstream.call().await;
    call.begin().await;
    assert_eq!(client.text().await, "status 200");
    for piece in ["a", "b", "c", "d"] {
        tokio::time::sleep(Duration::from_millis(600)).await;
        call.piece(piece).await;
        assert_eq!(client.text().await, piece);
    }
    call.end().await;
    assert_eq!(client.text().await, "end");
    assert!(!server.log.text().contains("event-cpu"));
}
