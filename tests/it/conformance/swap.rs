//! Swaps that carry state.

use super::gate::gated;
use super::stage::{Peer, Stage, Unknown, moved};
use crate::harness::Server;
use crate::harness::guests::KEEPS_SCHEMA_ZERO;

super::cases! {
    super::PATIENCE,
    counts_on = "count goes on",
    under_way = "none is lost under way",
    opening = "opening stays",
    timers = "timers go on",
    subscriptions = "subscriptions go on",
    refuses = "suspend refused",
    unknown_schema = "unknown schema",
}

/// Whether it has a state to hand over at all.
async fn keeps(server: &Server) -> Result<(), Unknown> {
    Peer::of(server, "/c/probe").await.tell("/refuse-suspend", "refusing").await
}

async fn counts_on(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    keeps(&server).await?;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.tell("/count", "1").await?;
    peer.tell("two", "two").await?;
    stage.swap(&server);
    moved(&server, 1).await;
    peer.tell("/count", "3").await?;
    // It is told of its end by the next generation.
    peer.client.close(4000, "bye").await;
    server.log.message("closed origin=peer code=4000 detail= reason=bye").await;
    Ok(())
}

async fn under_way(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    keeps(&server).await?;
    let mut peer = Peer::of(&server, "/c/x").await;
    let mut count = 0;
    stage.swap(&server);
    let moved = moved(&server, 1);
    tokio::pin!(moved);
    loop {
        count += 1;
        peer.tell("/count", &count.to_string()).await?;
        tokio::select! {
            biased;
            () = &mut moved => break,
            () = tokio::task::yield_now() => {}
        }
    }
    peer.tell("/count", &(count + 1).to_string()).await
}

async fn opening(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    keeps(&server).await?;
    let mut peer = Peer::of(&server, "/c/x?attach=team+7").await;
    let (id, attached) = (peer.id().await?, peer.ask("/attachment").await?);
    stage.swap(&server);
    moved(&server, 1).await;
    assert_eq!(peer.id().await?, id);
    peer.tell("/attachment", &attached).await?;
    peer.tell("/capture name", "x").await
}

async fn timers(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    keeps(&server).await?;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.tell("/every 50 tick tock", "set").await?;
    stage.swap(&server);
    moved(&server, 1).await;
    // One may have been on its way.
    for _ in 0..30 {
        assert_eq!(peer.text().await?, "alarm tick tock");
    }
    peer.send("/cancel").await;
    loop {
        match &*peer.text().await? {
            "alarm tick tock" => {}
            other => break assert_eq!(other, "cancelled"),
        }
    }
    peer.tell("/after 20 anew", "set").await?;
    assert_eq!(peer.text().await?, "alarm anew");
    Ok(())
}

async fn subscriptions(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    keeps(&server).await?;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.tell("/subscribe news", "subscribed").await?;
    stage.swap(&server);
    moved(&server, 1).await;
    Peer::of(&server, "/c/y").await.tell("/publish news still", "published").await?;
    assert_eq!(peer.text().await?, "still");
    Ok(())
}

async fn refuses(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.tell("/refuse-suspend", "refusing").await?;
    stage.swap(&server);
    let why = server.log.message("could not move to generation 2").await;
    assert!(why.message().contains("as asked"), "{}", why.message());
    // The old instance is as it was.
    peer.tell("/count", "2").await
}

async fn unknown_schema(stage: &Stage) -> Result<(), Unknown> {
    // That one has a gate, and only what has one as well can take over from it.
    keeps(&gated(stage).await?).await?;
    let server = stage.serve_other(&KEEPS_SCHEMA_ZERO.bytes()).await;
    let mut client = server.connect("/c/x").await;
    assert_eq!(client.ask("who?").await, "schema 0");
    stage.put(&server);
    let why = server.log.message("could not move to generation 2").await;
    assert!(why.message().contains("unknown-schema"), "{}", why.message());
    assert_eq!(client.ask("still?").await, "schema 0");
    Ok(())
}
