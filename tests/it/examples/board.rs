//! The board, as people draw on it.

use tokio_tungstenite::tungstenite::Message;

use super::server_of;
use crate::harness::{Client, Server};

/// A line from a corner to a point.
fn stroke(colour: u8, to: u16) -> Vec<u8> {
    let to = to.to_be_bytes();
    [&[colour, 3, 0, 2, 0, 0, 0, 0][..], &to, &to].concat()
}

async fn seen(client: &mut Client) -> Vec<u8> {
    match client.next().await {
        Some(Ok(Message::Binary(strokes))) => strokes.to_vec(),
        other => panic!("expected strokes, got {other:?}"),
    }
}

/// Comes to a board: the client, and what was drawn there.
async fn join(server: &Server, board: &str) -> (Client, Vec<u8>) {
    let mut client = server.connect(&format!("/board/{board}")).await;
    let drawn = seen(&mut client).await;
    (client, drawn)
}

#[tokio::test]
async fn the_others_see_each_stroke_and_who_comes_later_sees_them_all() {
    let server = server_of("board").await;
    let (mut ada, drawn) = join(&server, "sketch").await;
    assert!(drawn.is_empty());
    let (mut bob, _) = join(&server, "sketch").await;
    ada.send(stroke(1, 100)).await;
    assert_eq!(seen(&mut bob).await, stroke(1, 100));
    let two = [stroke(2, 200), stroke(3, 300)].concat();
    bob.send(two.clone()).await;
    // Her own stroke didn't come back to her.
    assert_eq!(seen(&mut ada).await, two);
    let (_eve, drawn) = join(&server, "sketch").await;
    assert_eq!(drawn, [stroke(1, 100), two].concat());
    let (_eve, elsewhere) = join(&server, "other").await;
    assert!(elsewhere.is_empty());
}

#[tokio::test]
async fn a_drawing_keeps_its_latest_strokes() {
    let server = server_of("board").await;
    let (mut ada, _) = join(&server, "sketch").await;
    let (mut bob, _) = join(&server, "sketch").await;
    let many = stroke(1, 7).repeat(1300);
    for _ in 0..20 {
        ada.send(many.clone()).await;
        assert_eq!(seen(&mut bob).await.len(), many.len());
    }
    ada.send(stroke(9, 9)).await;
    assert_eq!(seen(&mut bob).await, stroke(9, 9));
    let (_eve, drawn) = join(&server, "sketch").await;
    assert!((190 << 10..=256 << 10).contains(&drawn.len()), "{}", drawn.len());
    assert_eq!(drawn.len() % stroke(1, 7).len(), 0);
    assert!(drawn.ends_with(&stroke(9, 9)));
}

#[tokio::test]
async fn what_is_no_stroke_is_told_to_its_sender_and_reaches_no_one() {
    let server = server_of("board").await;
    let (mut ada, _) = join(&server, "sketch").await;
    for (nonsense, code) in [
        (Message::text("a line"), 1003),
        (Message::binary(stroke(1, 1)[..11].to_vec()), 1007),
        (Message::binary(stroke(1, 1).repeat(2000)), 1009),
    ] {
        let (mut eve, drawn) = join(&server, "sketch").await;
        assert!(drawn.is_empty());
        eve.send(nonsense).await;
        assert_eq!(eve.closed().await.0, code);
    }
    let (mut bob, _) = join(&server, "sketch").await;
    bob.send(stroke(1, 1)).await;
    assert_eq!(seen(&mut ada).await, stroke(1, 1));
}
