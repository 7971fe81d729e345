//! Messages: what comes back is what was sent.

use tokio_tungstenite::tungstenite::Message;

use super::stage::{Peer, Stage, Unknown};
use crate::harness::Client;

super::cases! {
    super::PATIENCE,
    ready = "ready",
    texts = "texts of all sizes",
    unicode = "unicode",
    bytes = "bytes of all sizes",
    zeros = "every byte, zeros",
    like_commands = "bytes like a command",
    in_order = "many at once",
}

/// Those at which a frame's header grows, and the largest that may come.
const SIZES: [usize; 9] = [0, 1, 125, 126, 65_535, 65_536, 65_537, 300_000, 1 << 20];

async fn ready(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut client = Client::connect(&server.url("/c/caf%C3%A9%20au%20lait?query")).await;
    assert_eq!(client.text().await, "ready /c/café au lait");
    Ok(())
}

async fn texts(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    for size in SIZES {
        let text: String = (0..size).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
        let got = peer.ask(&text).await?;
        assert!(got == text, "a text of {size} bytes came back as one of {}", got.len());
    }
    Ok(())
}

async fn unicode(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    let all: String = ('\u{1}'..=char::MAX).step_by(97).collect();
    for text in ["é", "\u{0}", "a\u{0}b", "👩‍👩‍👧‍👦 عمر 李小龙", "\u{feff}mark", "\u{fffd}\u{ffff}", &all]
    {
        let got = peer.ask(text).await?;
        assert!(got == text, "{:.100} came back as {:.100}", format!("{text:?}"), got);
    }
    Ok(())
}

/// The same bytes, as a binary message.
async fn come_back(peer: &mut Peer, bytes: Vec<u8>) -> Result<(), Unknown> {
    peer.send(Message::binary(bytes.clone())).await;
    let got = peer.binary().await?;
    assert!(got == bytes, "{} bytes came back as {} others", bytes.len(), got.len());
    Ok(())
}

async fn bytes(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    for size in SIZES {
        come_back(&mut peer, (0..size).map(|at| (at * 7) as u8).collect()).await?;
    }
    Ok(())
}

async fn zeros(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    come_back(&mut peer, vec![0]).await?;
    come_back(&mut peer, vec![0; 5000]).await?;
    come_back(&mut peer, (0..=255).collect()).await
}

async fn like_commands(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    come_back(&mut peer, b"/path".to_vec()).await?;
    // And what looks like none.
    peer.tell("path", "path").await?;
    peer.tell(" /path", " /path").await
}

async fn in_order(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    for number in 0..200 {
        peer.client.feed(number.to_string()).await;
        peer.client.feed(Message::binary(vec![number as u8; number])).await;
    }
    peer.client.flush().await;
    for number in 0..200 {
        assert_eq!(peer.text().await?, number.to_string());
        assert_eq!(peer.binary().await?, vec![number as u8; number]);
    }
    Ok(())
}
