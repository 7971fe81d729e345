//! A host that is killed while connections move: nothing that a peer has been told is
//! taken back, and the next host finds everything in its place.

use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::guests::{KEEPS_A, KEEPS_B};
use crate::harness::{Client, LogLine, Server, Start};

const PEERS: usize = 20;
const ROUNDS: u32 = 12;

/// Speaks until the socket ends, and is answered with what comes next each time.
async fn speak(mut client: Client) {
    let mut count = 0_u64;
    while client.try_send("hi").await.is_ok() {
        let Some(Ok(Message::Text(text))) = client.next().await else { break };
        count += 1;
        let (version, rest) = text.split_once(':').unwrap();
        assert!(matches!(version, "a" | "b"), "{text}");
        assert!(rest.starts_with(&format!("{count} ")), "{text}, and not {count}");
    }
}

async fn peers(server: &Server) -> Vec<JoinHandle<()>> {
    let mut peers = Vec::new();
    for _ in 0..PEERS {
        peers.push(tokio::spawn(speak(server.connect("/x").await)));
    }
    peers
}

async fn start(state: &TempDir, directory: Option<TempDir>) -> Server {
    let start = match directory {
        None => Start::with(&[("x.wasm", &KEEPS_A.bytes())]),
        Some(directory) => Start::again(directory),
    };
    start.state(state.path()).run().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_host_that_is_killed_while_connections_move_loses_no_more_than_they() {
    let state = TempDir::new().unwrap();
    let mut server = start(&state, None).await;
    let (a, b) = (KEEPS_A.bytes(), KEEPS_B.bytes());
    let mut serves_a = true;
    for round in 0..ROUNDS {
        let all = peers(&server).await;
        let log = server.log.len();
        server.put("x.wasm", if serves_a { &b } else { &a });
        // Before the new version serves, or at some point of the moves that follow.
        if round % 4 > 0 {
            let serves = |line: &LogLine| line.message().contains(": serves /x");
            server.log.wait_from(log, "the new version", serves).await;
        }
        tokio::time::sleep(Duration::from_micros(400 * u64::from(round))).await;
        let directory = server.end(Signal::KILL).await;
        for peer in all {
            peer.await.unwrap();
        }
        // The file is whole; where it is not, what was served last is there.
        if round % 3 == 2 {
            std::fs::write(directory.path().join("x.wasm"), b"garbage").unwrap();
        }
        server = start(&state, Some(directory)).await;
        let answer = server.connect("/x").await.ask("hi").await;
        serves_a = answer.starts_with("a:1 ");
        assert!(serves_a || answer.starts_with("b:1 "), "{answer}");
    }
}
