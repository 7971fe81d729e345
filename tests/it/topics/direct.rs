//! What the fan-out writes to sockets itself, which it does where subscribers are many:
//! with one thread to all whose queue is empty.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{audience, tell};
use crate::harness::guests::PUBLISHES;
use crate::harness::{Client, Server, Start, frame, metrics, upgraded, within};

/// More than a publish serves by itself.
const MANY: usize = 40;
const DROPPED: &str = r#"socklet_topic_dropped_total{handler="t"}"#;

async fn server(args: &[&str]) -> Server {
    let manifest = b"[topics]\noverflow = \"drop\"\n";
    let start = Start::with(&[("t.wasm", &PUBLISHES.bytes()), ("t.toml", manifest)])
        .env("TOKIO_WORKER_THREADS", "1")
        .arg("--admin=127.0.0.1:0");
    args.iter().fold(start, |start, arg| start.arg(*arg)).run().await
}

/// A message that shows where it is cut, or put together wrongly.
fn numbered(number: usize) -> String {
    format!("{number}:").repeat(2000)
}

async fn publish(publisher: &mut Client, number: usize) {
    tell(publisher, &format!("publish all {}", numbered(number)), "Published").await;
}

#[tokio::test]
async fn what_a_full_socket_takes_no_more_of_arrives_whole_and_in_order() {
    let server = server(&["--max-backpressure=200KB", "--write-timeout=1h"]).await;
    let mut slow = audience(&server, "all", 1).await.pop().unwrap();
    let mut fast = audience(&server, "all", MANY).await;
    let mut publisher = server.connect("/t").await;
    let mut published = 0;
    // Until its socket is full, and half of its queue.
    while metrics(&server).await.get(DROPPED).is_none_or(|dropped| *dropped == 0.0) {
        publish(&mut publisher, published).await;
        for client in &mut fast {
            assert!(client.text().await == numbered(published), "{published} to all others");
        }
        published += 1;
        assert!(published < 5000, "the socket takes everything");
    }
    // Its handler's answer is behind all that is queued, and what comes then behind that.
    slow.send("id").await;
    let missed = metrics(&server).await[DROPPED] as usize;
    for number in 0..published - missed {
        assert!(slow.text().await == numbered(number), "{number} of {published}, but {missed}");
    }
    slow.text().await.parse::<u64>().expect("its id");
    publish(&mut publisher, published).await;
    assert!(slow.text().await == numbered(published), "once it reads again");
}

#[tokio::test]
async fn what_its_handler_answers_keeps_its_place_among_what_is_published() {
    const ROUNDS: usize = 200;
    let server = server(&[]).await;
    let mut clients = audience(&server, "all", MANY).await;
    let mut publisher = server.connect("/t").await;
    for round in 0..ROUNDS {
        publisher.send("burst all 3").await;
        for client in &mut clients {
            client.send("count all").await;
        }
        for client in &mut clients {
            let mut expected = 0;
            let mut answers = 0;
            for _ in 0..4 {
                let text = client.text().await;
                match text.split_once(' ') {
                    Some((_, number)) => {
                        assert_eq!(number.parse(), Ok(expected), "round {round}");
                        expected += 1;
                    }
                    None => {
                        assert_eq!(text, MANY.to_string());
                        answers += 1;
                    }
                }
            }
            assert_eq!((expected, answers), (3_u64, 1), "round {round}");
        }
        assert_eq!(publisher.text().await, "Published");
    }
}

#[tokio::test]
async fn nothing_follows_a_close_frame_however_much_is_published() {
    const MESSAGES: usize = 5000;
    let server = server(&[]).await;
    let mut leaving = Vec::new();
    for _ in 0..MANY {
        leaving.push(upgraded(server.address, "/t?all").await);
    }
    let mut clients = audience(&server, "all", MANY).await;
    let mut publisher = server.connect("/t").await;
    tell(&mut publisher, "count all", &(2 * MANY).to_string()).await;
    publisher.send(format!("burst all {MESSAGES}")).await;
    for socket in &mut leaving {
        // It is in the midst of them.
        let read = within("a message", socket.read(&mut [0; 64])).await.unwrap();
        assert!(read > 0);
        socket.write_all(&frame(8, &1000_u16.to_be_bytes())).await.unwrap();
    }
    for socket in &mut leaving {
        let mut rest = Vec::new();
        within("the end", socket.read_to_end(&mut rest)).await.unwrap();
        assert!(rest.ends_with(&[0x88, 2, 0x03, 0xE8]), "{:?}", rest.last_chunk::<64>());
    }
    for client in &mut clients {
        for number in 0..MESSAGES {
            assert!(client.text().await.ends_with(&format!(" {number}")));
        }
    }
}

#[tokio::test]
async fn who_only_receives_is_not_idle_until_nothing_comes() {
    const IDLE: Duration = Duration::from_secs(1);
    let server = server(&["--idle-timeout=1s"]).await;
    let mut clients = audience(&server, "all", MANY).await;
    let mut publisher = server.connect("/t").await;
    let began = Instant::now();
    let mut number = 0;
    while began.elapsed() < 3 * IDLE {
        tokio::time::sleep(IDLE / 10).await;
        publish(&mut publisher, number).await;
        for client in &mut clients {
            assert!(client.text().await == numbered(number), "{number}");
        }
        number += 1;
    }
    for client in &mut clients {
        assert_eq!(client.closed().await.0, 1001);
    }
}

#[tokio::test]
async fn it_counts_as_sent() {
    let server = server(&[]).await;
    let mut clients = audience(&server, "all", MANY).await;
    let mut publisher = server.connect("/t").await;
    for number in 0..5 {
        publish(&mut publisher, number).await;
        for client in &mut clients {
            client.text().await;
        }
    }
    let name = r#"socklet_messages_total{direction="out",handler="t"}"#;
    let expected = (MANY + 5 * MANY + 5) as f64;
    assert_eq!(metrics(&server).await[name], expected);
}
