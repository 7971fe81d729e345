//! A host that is killed while connections move: nothing that a peer has been told is
//! taken back, and the next host finds everything in its place. A migration adds nothing to
//! what a crash costs.

use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::guests::{KEEPS_A, KEEPS_B};
use crate::harness::{Client, LogLine, Server, Start, within};

const PEERS: usize = 100;
const ROUNDS: u32 = 12;

/// Speaks until the socket ends, and is answered with what comes next each time. Returns
/// the version that has answered last.
async fn speak(mut client: Client, heard: mpsc::Sender<()>) -> String {
    let mut count = 0_u64;
    let mut last = String::new();
    while client.try_send("hi").await.is_ok() {
        let text = match client.next().await {
            Some(Ok(Message::Text(text))) => text,
            // It was killed. No close frame says so.
            Some(Ok(other)) => panic!("{other:?}"),
            Some(Err(_)) | None => break,
        };
        count += 1;
        let (version, rest) = text.split_once(':').unwrap();
        assert!(rest.starts_with(&format!("{count} ")), "{text}, and not {count}");
        if count == 1 {
            heard.send(()).await.unwrap();
        }
        version.clone_into(&mut last);
    }
    last
}

/// Peers that have been answered.
async fn peers(server: &Server) -> Vec<JoinHandle<String>> {
    let (heard, mut hears) = mpsc::channel(PEERS);
    let mut peers = Vec::new();
    for _ in 0..PEERS {
        peers.push(tokio::spawn(speak(server.connect("/x").await, heard.clone())));
    }
    for _ in 0..PEERS {
        within("a first answer", hears.recv()).await.unwrap();
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
    let (mut serves_a, mut amid) = (true, 0);
    for round in 0..ROUNDS {
        let all = peers(&server).await;
        let log = server.log.len();
        server.put("x.wasm", if serves_a { &b } else { &a });
        // Before the new version serves, or at some point of the moves that follow.
        if round % 4 > 0 {
            let serves = |line: &LogLine| line.message().contains(": serves /x");
            server.log.wait_from(log, "the new version", serves).await;
        }
        tokio::time::sleep(Duration::from_micros(700 * u64::from(round))).await;
        let directory = server.end(Signal::KILL).await;
        let new = if serves_a { "b" } else { "a" };
        let mut moved = 0;
        for peer in all {
            moved += usize::from(peer.await.unwrap() == new);
        }
        amid += u32::from((1..PEERS).contains(&moved));
        // The file is whole. Where it is not, what was served last is there; which of them
        // that is depends on whether the host came to write it down.
        let broken = round % 3 == 2;
        if broken {
            std::fs::write(directory.path().join("x.wasm"), b"garbage").unwrap();
        }
        server = start(&state, Some(directory)).await;
        let answer = server.connect("/x").await.ask("hi").await;
        let (version, rest) = answer.split_once(':').unwrap();
        assert!(rest.starts_with("1 ") && matches!(version, "a" | "b"), "{answer}");
        assert!(broken || version == new, "{answer}, and the file has {new}");
        serves_a = version == "a";
    }
    assert!(amid > 0, "no round was killed between the first move and the last");
}
