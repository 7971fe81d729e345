//! What the Rust SDK's rooms promise their members.

use crate::harness::guests::RELAYS;
use crate::harness::{Client, Server, Start};

async fn server(args: &[&str]) -> Server {
    let manifest = b"route = \"/relays/{room}\"\nscope = \"path\"\n";
    let start = Start::with(&[("relays.wasm", &RELAYS.bytes()), ("relays.toml", manifest)]);
    args.iter().fold(start, |start, arg| start.arg(*arg)).run().await
}

/// Joins a room that so many joined before: the client, and its id.
async fn join(server: &Server, before: u64) -> (Client, String) {
    let mut client = server.connect("/relays/a").await;
    assert_eq!(client.text().await, before.to_string());
    let ids = client.ask("who").await;
    let id = ids.rsplit(' ').next().unwrap().to_owned();
    (client, id)
}

#[tokio::test]
async fn members_are_those_who_are_there() {
    let server = server(&[]).await;
    let (mut first, one) = join(&server, 0).await;
    let (mut second, two) = join(&server, 1).await;
    let (mut third, three) = join(&server, 2).await;
    assert_eq!(first.ask("who").await, format!("{one} {two} {three}"));
    second.close(1000, "").await;
    assert_eq!(first.text().await, format!("{two} left with 1000"));
    assert_eq!(third.text().await, format!("{two} left with 1000"));
    assert_eq!(third.ask("who").await, format!("{one} {three}"));
}

#[tokio::test]
async fn a_broadcast_that_is_too_large_reaches_no_one_and_closes_no_one() {
    let server = server(&["--max-message-size=50000"]).await;
    let (mut first, one) = join(&server, 0).await;
    let (mut second, _) = join(&server, 1).await;
    // It may come in; with an id before it, it may not leave.
    first.send("x".repeat(50_000)).await;
    server.log.message("a broadcast reaches nobody: a message was over max-message-size").await;
    assert_eq!(first.ask("still there?").await, format!("{one}: still there?"));
    assert_eq!(second.text().await, format!("{one}: still there?"));
}

#[tokio::test]
async fn a_panic_ends_the_room_and_the_next_to_come_opens_it_anew() {
    let server = server(&[]).await;
    let (mut first, _) = join(&server, 0).await;
    let (mut second, _) = join(&server, 1).await;
    first.send("panic").await;
    assert_eq!(first.closed().await.0, 1011);
    assert_eq!(second.closed().await.0, 1011);
    server.log.message("as it was told").await;
    join(&server, 0).await;
}
