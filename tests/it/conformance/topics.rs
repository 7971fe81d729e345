//! Topics.

use super::stage::{Manifest, Peer, Stage, Unknown};

super::cases! {
    super::PATIENCE,
    publish = "publish",
    publish_others = "publish to others",
    unsubscribe = "unsubscribe",
    subscribers = "subscribers",
    refused = "refused",
}

/// The next two texts, in whichever order they come.
async fn both(peer: &mut Peer) -> Result<[String; 2], Unknown> {
    let mut both = [peer.text().await?, peer.text().await?];
    both.sort();
    Ok(both)
}

async fn publish(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let (mut one, mut two) = (Peer::of(&server, "/c/1").await, Peer::of(&server, "/c/2").await);
    one.tell("/subscribe news", "subscribed").await?;
    two.tell("/subscribe news", "subscribed").await?;
    one.send("/publish news of é,  all").await;
    assert_eq!(both(&mut one).await?, ["of é,  all", "published"]);
    assert_eq!(two.text().await?, "of é,  all");
    // Nobody hears of another topic.
    two.tell("/publish weather rain", "published").await?;
    one.tell("on", "on").await?;
    two.tell("on", "on").await
}

async fn publish_others(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let (mut one, mut two) = (Peer::of(&server, "/c/1").await, Peer::of(&server, "/c/2").await);
    one.tell("/subscribe news", "subscribed").await?;
    two.tell("/subscribe news", "subscribed").await?;
    one.tell("/publish-others news for you only", "published").await?;
    assert_eq!(two.text().await?, "for you only");
    two.tell("/publish-others news an answer", "published").await?;
    assert_eq!(one.text().await?, "an answer");
    two.tell("on", "on").await
}

async fn unsubscribe(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.tell("/subscribe news", "subscribed").await?;
    peer.tell("/unsubscribe news", "unsubscribed").await?;
    peer.tell("/unsubscribe news", "not-subscribed").await?;
    peer.tell("/publish news to nobody", "published").await?;
    peer.tell("on", "on").await
}

async fn subscribers(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let (mut one, mut two) = (Peer::of(&server, "/c/1").await, Peer::of(&server, "/c/2").await);
    one.tell("/subscribers news", "0").await?;
    one.tell("/subscribe news", "subscribed").await?;
    one.tell("/subscribe news", "subscribed").await?;
    one.tell("/subscribers news", "1").await?;
    two.tell("/subscribe news", "subscribed").await?;
    one.tell("/subscribers news", "2").await
}

async fn refused(stage: &Stage) -> Result<(), Unknown> {
    let tables = "[limits]\nmax-subscriptions = 4";
    let server = stage.serve_with(&Manifest { tables, ..Manifest::default() }).await;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.tell("/subscribe shared:news", "denied").await?;
    peer.tell("/publish shared:news x", "denied").await?;
    let long = "x".repeat(257);
    peer.tell(&format!("/subscribe {long}"), "invalid").await?;
    peer.tell(&format!("/publish {long} x"), "invalid").await?;
    for number in 0..4 {
        peer.tell(&format!("/subscribe topic-{number}"), "subscribed").await?;
    }
    peer.tell("/subscribe one-more", "full").await
}
