//! What a peer and a handler agree to speak.

use crate::harness::guests::SHOWS_OPENING;
use crate::harness::{Client, Server, Start, http};

const HANDSHAKE: [&str; 5] = [
    "Host: localhost",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

async fn server(manifest: &str) -> Server {
    let files = [("chat.wasm", &SHOWS_OPENING.bytes()[..]), ("chat.toml", manifest.as_bytes())];
    Start::with(&files).run().await
}

/// The status, and what is agreed to.
async fn offer(server: &Server, offers: &[&str]) -> (u16, Option<String>) {
    let offers: Vec<_> =
        offers.iter().map(|offer| format!("Sec-WebSocket-Protocol: {offer}")).collect();
    let lines: Vec<_> = HANDSHAKE.into_iter().chain(offers.iter().map(String::as_str)).collect();
    let response = http(server.address, "GET /chat", &lines).await;
    (response.status, response.header("sec-websocket-protocol").map(str::to_owned))
}

#[tokio::test]
async fn the_first_one_of_the_handler_s_that_is_offered_is_agreed_to() {
    let server = server("subprotocols = ['chat.v2', 'chat.v1']").await;
    for (offers, expected) in [
        (&["chat.v1, chat.v2"][..], Some("chat.v2")),
        (&["chat.v1"], Some("chat.v1")),
        (&["other", "chat.v1 ,\tchat.v3"], Some("chat.v1")),
        (&["other"], None),
        (&["Chat.v1"], None),
        (&[""], None),
        (&[], None),
    ] {
        let agreed = offer(&server, offers).await;
        assert_eq!(agreed, (101, expected.map(str::to_owned)), "{offers:?}");
    }
}

#[tokio::test]
async fn the_handler_sees_what_is_agreed_to() {
    let server = server("subprotocols = ['chat.v2']").await;
    let offers = [("sec-websocket-protocol", "chat.v1, chat.v2")];
    let mut client = Client::try_connect(&server.url("/chat"), &offers).await.ok().unwrap();
    let opening = client.text().await;
    assert!(opening.contains("subprotocol Some(\"chat.v2\")"), "{opening}");
    assert!(opening.contains("sec-websocket-protocol: chat.v1, chat.v2"), "{opening}");
    let mut client = server.connect("/chat").await;
    assert!(client.text().await.contains("subprotocol None"));
}

#[tokio::test]
async fn offers_that_are_no_tokens_or_not_unique_are_400() {
    let server = server("subprotocols = ['chat']").await;
    for offers in [&["chat, chat"][..], &["chat", "chat"], &["a b"], &["chat;q=1"], &["\"chat\""]] {
        assert_eq!(offer(&server, offers).await, (400, None), "{offers:?}");
    }
}

#[tokio::test]
async fn a_handler_may_allow_further_origins() {
    let server = server("allow-origins = ['https://app.example']").await;
    let from = async |origin: &str| {
        let connected = Client::try_connect(&server.url("/chat"), &[("origin", origin)]).await;
        connected.err().map_or(101, |status| status.as_u16())
    };
    assert_eq!(from("https://app.example").await, 101);
    assert_eq!(from("https://APP.example").await, 101);
    assert_eq!(from("https://evil.example").await, 403);
    assert_eq!(from("http://app.example").await, 403);
}
