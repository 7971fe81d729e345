//! Timers.

use super::stage::{Manifest, Peer, Stage, Unknown};

super::cases! {
    super::PATIENCE,
    after = "after",
    every = "every",
    cancel = "cancel",
    several = "several",
    refused = "refused",
}

async fn after(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.tell("/after 20 the tea,  é", "set").await?;
    assert_eq!(peer.text().await?, "alarm the tea,  é");
    peer.tell("/cancel", "not-set").await
}

async fn every(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.tell("/every 20 tick tock", "set").await?;
    for _ in 0..3 {
        assert_eq!(peer.text().await?, "alarm tick tock");
    }
    peer.send("/cancel").await;
    loop {
        match &*peer.text().await? {
            "alarm tick tock" => {}
            other => break assert_eq!(other, "cancelled"),
        }
    }
    peer.tell("/cancel", "not-set").await
}

async fn cancel(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.tell("/cancel", "not-set").await?;
    peer.tell("/after 60000 never", "set").await?;
    peer.tell("/cancel", "cancelled").await?;
    peer.tell("/cancel", "not-set").await
}

async fn several(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let (mut one, mut two) = (Peer::of(&server, "/c/1").await, Peer::of(&server, "/c/2").await);
    one.tell("/after 400 last", "set").await?;
    one.tell("/after 200 second", "set").await?;
    two.tell("/after 30 the other's", "set").await?;
    one.tell("/after 30 first", "set").await?;
    for text in ["alarm first", "alarm second", "alarm last"] {
        assert_eq!(one.text().await?, text);
    }
    assert_eq!(two.text().await?, "alarm the other's");
    Ok(())
}

async fn refused(stage: &Stage) -> Result<(), Unknown> {
    let tables = "[limits]\nmax-timers = 4";
    let server = stage.serve_with(&Manifest { tables, ..Manifest::default() }).await;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.tell("/after 9 too soon", "out-of-range").await?;
    peer.tell("/every 9 too often", "out-of-range").await?;
    peer.tell("/after 31536000001 too late", "out-of-range").await?;
    for _ in 0..4 {
        peer.tell("/after 31536000000 a year", "set").await?;
    }
    peer.tell("/after 60000 one more", "full").await
}
