//! 200 connections echo numbered messages without a pause while their handler is
//! replaced 50 times, every second time by a broken file, and others come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::harness::guests::{ANSWERS_A, ANSWERS_B};
use crate::harness::{Client, LogLine, Start};

const CONNECTIONS: usize = 200;
const SWAPS: u64 = 50;
const VISITORS: usize = 4;

/// Comes and goes all the time, so that some join while a swap is under way. Counts
/// the visits.
async fn visit(url: String, stop: Arc<AtomicBool>) -> u64 {
    let mut visits = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut client = Client::connect(&url).await;
        let first = client.ask("1").await;
        let answerer = first.strip_suffix(":1").unwrap().to_owned();
        assert_eq!(client.ask("2").await, format!("{answerer}:2"));
        let (rest, close) = client.close(1000, "").await;
        assert!(rest.is_empty(), "{rest:?}");
        assert_eq!(close.unwrap().0, 1000);
        visits += 1;
    }
    visits
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nothing_is_dropped_lost_repeated_or_reordered() {
    let (a, b) = (ANSWERS_A.bytes(), ANSWERS_B.bytes());
    let server = Start::with(&[("x.wasm", &a)]).run().await;
    let stop = Arc::new(AtomicBool::new(false));
    let (progress, mut progressed) = watch::channel(0u64);
    let progress = Arc::new(progress);
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut client = server.connect("/x").await;
        let (stop, progress) = (stop.clone(), progress.clone());
        clients.push(tokio::spawn(async move {
            let mut number = 0u64;
            while !stop.load(Ordering::Relaxed) {
                // A few at a time, so that there are always some under way.
                for ahead in 0..4 {
                    client.feed((number + ahead).to_string()).await;
                }
                client.flush().await;
                for ahead in 0..4 {
                    // Always of the generation it began with.
                    assert_eq!(client.text().await, format!("a:{}", number + ahead));
                }
                number += 4;
                progress.send_modify(|all| *all += 4);
            }
            let (rest, close) = client.close(1000, "").await;
            assert!(rest.is_empty(), "{rest:?}");
            assert_eq!(close.unwrap().0, 1000);
            number
        }));
    }
    let visitors: Vec<_> =
        (0..VISITORS).map(|_| tokio::spawn(visit(server.url("/x"), stop.clone()))).collect();
    let mut generation = 1;
    for swap in 0..SWAPS {
        let start = server.log.len();
        let good = if generation % 2 == 1 { &b } else { &a };
        if swap % 2 == 0 {
            // A different broken file each time: the same one is not tried again.
            server.put("x.wasm", &good[..1000 + swap as usize]);
            let said = format!("generation {generation} serves on");
            server.log.wait_from(start, &said, |line| line.message().contains(&said)).await;
        } else {
            generation += 1;
            server.put("x.wasm", good);
            let serves = |line: &LogLine| line.number("generation") == Some(generation);
            server.log.wait_from(start, "the next generation", serves).await;
        }
        // Messages were answered since the last swap, and not only between them.
        let before = *progressed.borrow_and_update();
        crate::harness::within("an answer", progressed.wait_for(|now| *now > before))
            .await
            .unwrap();
        let lives = |client: &JoinHandle<u64>| !client.is_finished();
        assert!(clients.iter().chain(&visitors).all(lives), "a connection has ended");
    }
    stop.store(true, Ordering::Relaxed);
    let mut total = 0;
    for client in clients {
        let answered = client.await.unwrap();
        assert!(answered > 0);
        total += answered;
    }
    assert_eq!(total, *progressed.borrow());
    for visitor in visitors {
        assert!(visitor.await.unwrap() > 0);
    }
    assert_eq!(generation, 1 + SWAPS / 2);
    let last = if generation % 2 == 1 { "a:last" } else { "b:last" };
    assert_eq!(server.connect("/x").await.ask("last").await, last);
}
