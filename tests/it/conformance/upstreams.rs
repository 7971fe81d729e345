//! Requests to upstreams, and the manifest's variables.

use super::stage::{Manifest, Peer, Stage, Unknown};
use crate::harness::{Server, Upstream};

super::cases! {
    super::PATIENCE,
    fetch = "fetch",
    fetch_fails = "fetch fails",
    stream = "stream",
    environment = "environment",
}

async fn serve(stage: &Stage, upstream: &Upstream) -> Server {
    let upstream = upstream.address.to_string();
    stage.serve_with(&Manifest { upstream, ..Manifest::default() }).await
}

/// Whether it sends requests at all: one that is refused is answered.
async fn fetches(server: &Server) -> Result<(), Unknown> {
    Peer::of(server, "/c/probe").await.tell("/fetch http://127.0.0.1:1/", "error").await
}

async fn fetch(stage: &Stage) -> Result<(), Unknown> {
    let upstream = Upstream::start().await;
    let server = serve(stage, &upstream).await;
    fetches(&server).await?;
    let mut peer = Peer::of(&server, "/c/x").await;
    let long = "é".repeat(100_000);
    for body in ["Hello, Ada!", "", &long] {
        peer.send(format!("/fetch {}path?query=1", upstream.url())).await;
        let mut call = upstream.call().await;
        assert!(call.head.starts_with("get /path?query=1 http/1.1\r\n"), "{}", call.head);
        call.answer(body).await;
        let got = peer.text().await?;
        assert!(got == format!("200 {body}"), "{got:.100}");
    }
    peer.send(format!("/fetch {}", upstream.url())).await;
    let mut call = upstream.call().await;
    call.say("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone").await;
    assert_eq!(peer.text().await?, "404 none");
    Ok(())
}

async fn fetch_fails(stage: &Stage) -> Result<(), Unknown> {
    let upstream = Upstream::start().await;
    let server = serve(stage, &upstream).await;
    fetches(&server).await?;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.tell("/fetch nonsense", "error").await?;
    peer.tell("/fetch http://example.com/", "error").await?;
    peer.send(format!("/fetch {}", upstream.url())).await;
    drop(upstream.accept().await);
    assert_eq!(peer.text().await?, "error");
    peer.tell("on", "on").await
}

async fn stream(stage: &Stage) -> Result<(), Unknown> {
    let upstream = Upstream::start().await;
    let server = serve(stage, &upstream).await;
    fetches(&server).await?;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.send(format!("/stream {}", upstream.url())).await;
    let asked = async { Ok(upstream.call().await) };
    let mut call = tokio::select! {
        call = asked => call,
        // Nothing can have come, unless it does not know how.
        text = peer.text() => text.map(|text| panic!("{text}")),
    }?;
    call.begin().await;
    // Each has come before the next one is sent.
    for piece in ["one", "zwei, drei", "é"] {
        call.piece(piece).await;
        assert_eq!(peer.text().await?, piece);
    }
    call.end().await;
    assert_eq!(peer.text().await?, "end");
    Ok(())
}

async fn environment(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.tell("/environment GREETING", "Hello, Ada!").await?;
    peer.tell("/environment HOME", "none").await
}
