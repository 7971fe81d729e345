//! What becomes of a request whose handler changes, or goes, under it.

use super::{allowing, outcome};
use crate::harness::guests::FETCHES;
use crate::harness::{Client, Server, Upstream};

/// A client whose guest has begun to get an answer of the upstream.
async fn begun(server: &Server, upstream: &Upstream) -> (Client, crate::harness::Call) {
    let mut client = server.connect("/f").await;
    client.send(format!("get {}", upstream.url())).await;
    let mut call = upstream.call().await;
    call.begin().await;
    call.piece("before").await;
    assert_eq!([client.text().await, client.text().await], ["status 200", "before"]);
    (client, call)
}

/// The same component, with a custom section that makes another file of it.
fn next_version() -> Vec<u8> {
    [FETCHES.bytes(), vec![0, 3, 1, b'v', 2]].concat()
}

#[tokio::test]
async fn a_request_outlives_a_swap_where_its_connection_does() {
    let upstream = Upstream::start().await;
    let server = allowing(&[&upstream.address.to_string()], "").run().await;
    let (mut client, mut call) = begun(&server, &upstream).await;
    server.put("f.wasm", &next_version());
    server.log.wait("generation 2", |line| line.number("generation") == Some(2)).await;
    call.piece("after").await;
    assert_eq!(client.text().await, "after");
    call.end().await;
    assert_eq!(client.text().await, "end");
}

#[tokio::test]
async fn a_swap_that_closes_connections_ends_their_requests() {
    let upstream = Upstream::start().await;
    let address = upstream.address.to_string();
    let server =
        allowing(&[&address], "swap = \"restart\"").arg("--event-wall-time=8s").run().await;
    let (mut client, mut call) = begun(&server, &upstream).await;
    server.put("f.wasm", &next_version());
    assert_eq!(client.closed().await.0, 1012);
    call.closed().await;
}

#[tokio::test]
async fn a_handler_that_is_removed_takes_its_requests_along() {
    let upstream = Upstream::start().await;
    let address = upstream.address.to_string();
    let server = allowing(&[&address], "").arg("--event-wall-time=8s").run().await;
    let (mut client, mut call) = begun(&server, &upstream).await;
    std::fs::remove_file(server.file("f.wasm")).unwrap();
    std::fs::remove_file(server.file("f.toml")).unwrap();
    assert_eq!(client.closed().await.0, 1001);
    call.closed().await;
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_request() {
    let upstream = Upstream::start().await;
    let address = upstream.address.to_string();
    let server = allowing(&[&address], "").arg("--event-wall-time=2s").run().await;
    let (client, mut call) = begun(&server, &upstream).await;
    drop(client);
    call.closed().await;
}

#[tokio::test]
async fn a_swap_to_fewer_hosts_holds_for_new_connections() {
    let upstream = Upstream::start().await;
    let server = allowing(&[&upstream.address.to_string()], "").run().await;
    let (mut old, mut call) = begun(&server, &upstream).await;
    server.put("f.toml", b"[capabilities]\nallowed-hosts = [\"example.com\"]");
    server.log.wait("generation 2", |line| line.number("generation") == Some(2)).await;
    let mut new = server.connect("/f").await;
    let get = format!("get {}", upstream.url());
    assert_eq!(outcome(&mut new, &get).await, "error Denied");
    call.end().await;
    assert_eq!(old.text().await, "end");
    // And none at all is no manifest to swap to.
    server.put("f.toml", b"");
    server.log.message("f.wasm: imports wasi:http, and no host is allowed").await;
    assert_eq!(outcome(&mut new, &get).await, "error Denied");
    // What is loaded is still the one from before.
    server.put("f.wasm", &FETCHES.bytes());
}
