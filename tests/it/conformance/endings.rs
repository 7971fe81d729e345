//! How connections end, and what the handler is told of it.

use super::stage::{Peer, Stage, Unknown};
use crate::harness::Server;

super::cases! {
    super::PATIENCE,
    close = "close",
    close_with_code = "close with a code",
    close_refused = "close refused",
    after_close = "after close",
    by_the_peer = "closed by the peer",
    by_the_network = "closed by the network",
    by_the_host = "closed by the host",
    fail = "fail",
}

/// Waits for what is logged of a connection's end.
async fn logged(server: &Server, start: &str) {
    server.log.wait(start, |line| line.is_guests() && line.message().starts_with(start)).await;
}

async fn close(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.send("before").await;
    assert_eq!(peer.text().await?, "before");
    assert_eq!(peer.ends("/close").await?, (1000, String::new()));
    logged(&server, "closed origin=handler code=1000 detail= reason=").await;
    Ok(())
}

async fn close_with_code(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let longest = "é".repeat(61) + "x";
    for (code, reason) in
        [(1000, ""), (1001, "away"), (1008, "no  way "), (1013, "é"), (3000, "x"), (4999, &longest)]
    {
        let mut peer = Peer::of(&server, "/c/x").await;
        let command = match reason {
            "" => format!("/close {code}"),
            reason => format!("/close {code} {reason}"),
        };
        assert_eq!(peer.ends(&command).await?, (code, reason.to_owned()));
        logged(&server, &format!("closed origin=handler code={code} detail= reason={reason}"))
            .await;
    }
    Ok(())
}

async fn close_refused(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    for code in [999, 1004, 1005, 1006, 1015, 2999, 5000] {
        peer.tell(&format!("/close {code} no"), "close invalid").await?;
    }
    peer.tell(&format!("/close 4000 {}", "é".repeat(62)), "close invalid").await?;
    peer.tell("still here", "still here").await
}

async fn after_close(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    assert_eq!(peer.ends("/after-close").await?, (1000, String::new()));
    logged(&server, "after close write=closed close=closed").await;
    logged(&server, "closed origin=handler code=1000").await;
    Ok(())
}

async fn by_the_peer(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    for (code, reason) in [(1000, ""), (4321, "grüße, all")] {
        let mut peer = Peer::of(&server, "/c/x").await;
        let (rest, close) = peer.client.close(code, reason).await;
        assert_eq!((rest.len(), close.map(|(code, _)| code)), (0, Some(code)));
        logged(&server, &format!("closed origin=peer code={code} detail= reason={reason}")).await;
    }
    Ok(())
}

async fn by_the_network(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    drop(Peer::of(&server, "/c/x").await);
    logged(&server, "closed origin=network code=1006 detail= reason=").await;
    Ok(())
}

async fn by_the_host(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    let _ = peer.client.try_send(vec![0; (1 << 20) + 1]).await;
    assert_eq!(peer.client.closed().await.0, 1009);
    logged(&server, "closed origin=host code=1009 detail=message-too-big reason=").await;
    Ok(())
}

async fn fail(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut other = Peer::of(&server, "/c/other").await;
    let mut peer = Peer::of(&server, "/c/x").await;
    assert_eq!(peer.ends("/fail no seat  7: é").await?.0, 1011);
    let told = "the failure's text, as an error";
    let line = |line: &crate::harness::LogLine| {
        line.level() == "ERROR" && line.message().contains("no seat  7: é")
    };
    server.log.wait(told, line).await;
    other.tell("unharmed", "unharmed").await?;
    Peer::of(&server, "/c/x").await.tell("/count", "1").await
}
