//! The gate.

use super::stage::{Manifest, Peer, Stage, Unknown};
use crate::harness::{Client, Response, Server, Upstream, http_bytes};

super::cases! {
    super::PATIENCE,
    accepts = "accepts",
    refuses = "refuses",
    attaches = "attaches",
    agrees = "agrees",
    asks = "asks",
}

/// The whole answer to a handshake that offers two subprotocols.
async fn asked(server: &Server, path: &str) -> Response {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: v1, v2\r\n\r\n"
    );
    http_bytes(server.address, request.as_bytes()).await
}

/// Without a gate, what each acceptance has is not there.
pub(super) async fn gated(stage: &Stage) -> Result<Server, Unknown> {
    let manifest = Manifest { top: "subprotocols = ['v2']", ..Manifest::default() };
    let server = stage.serve_with(&manifest).await;
    let response = asked(&server, "/c/x").await;
    assert_eq!(response.status, 101);
    match response.header("x-conformance") {
        None => Err(Unknown),
        Some(header) => {
            assert_eq!(header, "accepted");
            Ok(server)
        }
    }
}

async fn accepts(stage: &Stage) -> Result<(), Unknown> {
    let server = gated(stage).await?;
    let mut peer = Peer::of(&server, "/c/x?a=b").await;
    peer.tell("/attachment", "none").await?;
    peer.tell("/query", "a=b").await
}

async fn refuses(stage: &Stage) -> Result<(), Unknown> {
    let server = gated(stage).await?;
    for status in [400, 403, 429, 503, 599] {
        let response = asked(&server, &format!("/c/x?refuse={status}")).await;
        assert_eq!((response.status, &*response.body), (status, "refused"));
        assert_eq!(response.header("x-conformance"), Some("refused"));
    }
    Ok(())
}

async fn attaches(stage: &Stage) -> Result<(), Unknown> {
    let server = gated(stage).await?;
    Peer::of(&server, "/c/x?attach=team+7:+%C3%A9").await.tell("/attachment", "team 7: é").await?;
    // An empty one is one.
    Peer::of(&server, "/c/x?attach=").await.tell("/attachment", "").await
}

async fn agrees(stage: &Stage) -> Result<(), Unknown> {
    let server = gated(stage).await?;
    let response = asked(&server, "/c/x?agree=v1").await;
    let agreed = response.header("sec-websocket-protocol");
    assert_eq!((response.status, agreed), (101, Some("v1")));
    let offer = [("sec-websocket-protocol", "v1, v2")];
    Peer::with(&server, "/c/x?agree=v1", &offer).await.tell("/subprotocol", "v1").await?;
    // The host's own choice stands where the gate has none.
    Peer::with(&server, "/c/x", &offer).await.tell("/subprotocol", "v2").await?;
    // What was not offered can't be agreed to.
    let status = Client::try_connect(&server.url("/c/x?agree=v3"), &offer).await.err();
    assert_eq!(status.map(|status| status.as_u16()), Some(500));
    Ok(())
}

async fn asks(stage: &Stage) -> Result<(), Unknown> {
    gated(stage).await?;
    let upstream = Upstream::start().await;
    let manifest = Manifest { upstream: upstream.address.to_string(), ..Manifest::default() };
    let server = stage.serve_with(&manifest).await;
    // What is not decoded is no URL.
    let path = format!("/c/x?ask=http%3A%2F%2F{}%2Fpath%3Fa=b&attach=other", upstream.address);
    // Bodies that nobody reads: one that is all there, one that does not end, one that is none.
    let whole = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone";
    let begun = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n";
    let none = "HTTP/1.1 204 No Content\r\n\r\n";
    for (answer, status) in [(whole, "404"), (begun, "200"), (none, "204")] {
        let (mut peer, _call) = tokio::join!(Peer::of(&server, &path), async {
            let mut call = upstream.call().await;
            assert!(call.head.starts_with("get /path?a=b http/1.1\r\n"), "{}", call.head);
            call.say(answer).await;
            // Its socket is open until the gate has decided.
            call
        });
        peer.tell("/attachment", status).await?;
        peer.tell("on", "on").await?;
    }
    // What can't be asked, or does not answer.
    Peer::of(&server, "/c/x?ask=nonsense").await.tell("/attachment", "error").await?;
    Peer::of(&server, "/c/x?ask=http://example.com/").await.tell("/attachment", "error").await?;
    let (mut peer, ()) = tokio::join!(Peer::of(&server, &path), async {
        drop(upstream.accept().await);
    });
    peer.tell("/attachment", "error").await?;
    // A refusal comes first, and asks nobody.
    let response = asked(&server, &format!("{path}&refuse=403")).await;
    assert_eq!(response.status, 403);
    assert!(!upstream.is_asked());
    Ok(())
}
