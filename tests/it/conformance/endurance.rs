//! Large messages for long: no instance grows with what has passed through it.

use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;

use super::stage::{Peer, Stage, Unknown};

super::cases! {
    Duration::from_secs(15 * 60),
    rounds = "5,000 rounds of 64 KiB",
}

const SIZE: usize = 64 * 1024;
/// From where on it may not grow.
const SETTLED: usize = 500;
/// What the host itself may come to hold meanwhile: the memory is that of its process,
/// in which this is the only instance.
const HOSTS_KIB: u64 = 2 * 1024;

/// As many as `SOCKLET_CONFORMANCE_ROUNDS` says, or 5,000.
async fn rounds(stage: &Stage) -> Result<(), Unknown> {
    let rounds = std::env::var("SOCKLET_CONFORMANCE_ROUNDS");
    let rounds = rounds.map_or(5000, |text| text.parse().unwrap());
    let server = stage.serve().await;
    let before = server.resident();
    let mut peer = Peer::of(&server, "/c/x").await;
    let text: String = (0..SIZE).map(|at| char::from(b' ' + (at % 95) as u8)).collect();
    let text = "x".to_owned() + &text[1..];
    let bytes: Vec<u8> = (0..SIZE).map(|at| (at * 31) as u8).collect();
    let mut settled = 0;
    for round in 0..rounds {
        if round % 2 == 0 {
            peer.send(Message::binary(bytes.clone())).await;
            assert!(peer.binary().await? == bytes, "round {round}: other bytes");
        } else {
            assert!(peer.ask(&text).await? == text, "round {round}: another text");
        }
        if round == SETTLED {
            settled = server.resident().saturating_sub(before);
        }
    }
    let after = server.resident().saturating_sub(before);
    println!("{rounds} rounds: {settled} KiB after {SETTLED}, {after} KiB at the end");
    assert!(
        after <= settled + settled / 4 + HOSTS_KIB,
        "{settled} KiB after {SETTLED} rounds, {after} KiB after {rounds}"
    );
    Ok(())
}
