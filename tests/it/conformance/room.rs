//! `conformance-room`: one instance for all connections of a path.

use tokio_tungstenite::tungstenite::Message;

use super::stage::{Stage, Unknown, moved};
use crate::harness::{Client, Server};

super::cases! {
    super::PATIENCE,
    come_and_go = "come and go",
    members = "members",
    to_all = "to all",
    others = "to others",
    count = "count",
    apart = "rooms apart",
    counts_on = "swap",
    fail = "fail",
}

/// So many members of one room, each of which has heard of those that came later.
async fn filled(server: &Server, count: usize) -> Vec<Client> {
    let mut members: Vec<Client> = Vec::new();
    for number in 1..=count {
        let mut member = server.connect("/room/1").await;
        assert_eq!(member.text().await, format!("ready {number}"));
        for earlier in &mut members {
            is_id(&earlier.text().await, '+');
        }
        members.push(member);
    }
    members
}

fn is_id(text: &str, sign: char) -> u64 {
    let id = text.strip_prefix(sign).and_then(|id| id.parse().ok());
    id.unwrap_or_else(|| panic!("not {sign}ID: {text}"))
}

async fn come_and_go(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve_room().await?;
    let mut one = server.connect("/room/1").await;
    assert_eq!(one.text().await, "ready 1");
    let mut two = server.connect("/room/1").await;
    assert_eq!(two.text().await, "ready 2");
    let id = is_id(&one.text().await, '+');
    two.close(1000, "").await;
    assert_eq!(is_id(&one.text().await, '-'), id);
    let mut three = server.connect("/room/1").await;
    assert_eq!(three.text().await, "ready 2");
    assert_ne!(is_id(&one.text().await, '+'), id);
    Ok(())
}

async fn members(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve_room().await?;
    let mut members = filled(&server, 3).await;
    assert_eq!(members[1].ask("/members").await, "3");
    // Nobody else hears of it.
    assert_eq!(members[0].ask("/members").await, "3");
    Ok(())
}

async fn to_all(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve_room().await?;
    let mut members = filled(&server, 3).await;
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    members[1].send("hello, é").await;
    members[1].send(bytes.clone()).await;
    for member in &mut members {
        assert_eq!(member.text().await, "hello, é");
        match member.next().await {
            Some(Ok(Message::Binary(got))) => assert!(got == bytes, "{} other bytes", got.len()),
            other => panic!("expected bytes, got {:.200}", format!("{other:?}")),
        }
    }
    Ok(())
}

async fn others(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve_room().await?;
    let mut members = filled(&server, 3).await;
    members[1].send("/others behind  my back").await;
    members[1].send("and now").await;
    for (number, member) in members.iter_mut().enumerate() {
        if number != 1 {
            assert_eq!(member.text().await, "behind  my back");
        }
        assert_eq!(member.text().await, "and now");
    }
    Ok(())
}

async fn count(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve_room().await?;
    let mut members = filled(&server, 2).await;
    assert_eq!(members[0].ask("/count").await, "1");
    assert_eq!(members[1].ask("/count").await, "2");
    assert_eq!(members[0].ask("/members").await, "2");
    assert_eq!(members[0].ask("/count").await, "4");
    Ok(())
}

async fn apart(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve_room().await?;
    let mut one = server.connect("/room/1").await;
    let mut two = server.connect("/room/2").await;
    assert_eq!([one.text().await, two.text().await], ["ready 1", "ready 1"]);
    assert_eq!(one.ask("hello?").await, "hello?");
    assert_eq!(two.ask("/count").await, "1");
    Ok(())
}

async fn counts_on(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve_room().await?;
    let mut members = filled(&server, 2).await;
    assert_eq!(members[0].ask("/count").await, "1");
    stage.swap_room(&server);
    moved(&server, 1).await;
    assert_eq!(members[1].ask("/count").await, "2");
    members[0].send("still here").await;
    for member in &mut members {
        assert_eq!(member.text().await, "still here");
    }
    let mut third = server.connect("/room/1").await;
    assert_eq!(third.text().await, "ready 3");
    Ok(())
}

async fn fail(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve_room().await?;
    let mut members = filled(&server, 3).await;
    let mut elsewhere = server.connect("/room/2").await;
    assert_eq!(elsewhere.text().await, "ready 1");
    members[1].send("/fail no seat 7").await;
    let (rest, close) = members[1].rest().await;
    assert_eq!((rest.len(), close.map(|(code, _)| code)), (0, Some(1011)));
    server.log.wait("its text", |line| line.message().contains("no seat 7")).await;
    match members[0].next().await {
        Some(Ok(Message::Text(text))) => {
            is_id(&text, '-');
            is_id(&members[2].text().await, '-');
            assert_eq!(members[0].ask("/members").await, "2");
        }
        Some(Ok(Message::Close(Some(frame)))) => {
            assert!(!stage.language.survives, "the whole room has ended");
            assert_eq!(u16::from(frame.code), 1011);
            assert_eq!(members[2].closed().await.0, 1011);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(elsewhere.ask("unharmed").await, "unharmed");
    Ok(())
}
