//! 500 connections in 20 rooms talk without a pause while their handler is replaced 30
//! times, each time with the rooms' state, and every fifth time by a version that traps
//! when it is to take that up. And 200 connections with instances of their own, which have
//! several messages under way and hear of a topic, likewise.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::harness::guests::{KEEPS_A, KEEPS_B, KEEPS_ROOM_A, KEEPS_ROOM_B, KEEPS_ROOM_BROKEN};
use crate::harness::{Client, LogLine, Operator, Server, Start, within};

const ROOMS: usize = 20;
const MEMBERS: usize = 25;
const SWAPS: usize = 30;
const MANIFEST: &[u8] = b"route = \"/room/{name}\"\nscope = \"path\"\n";

/// What a room tells all its members of one message.
struct Line {
    version: String,
    /// Which message of the room it is.
    count: u64,
    sender: String,
    /// Which of the sender's it is, as the room has counted, and as the sender has.
    sent: u64,
    number: u64,
}

/// `VERSION:COUNT HOW NUMBER by SENDER as its SENT`.
fn line(text: &str) -> Line {
    let words: Vec<_> = text.split(' ').collect();
    let [first, _, number, "by", sender, "as", "its", sent] = words[..] else { panic!("{text}") };
    let (version, count) = first.split_once(':').unwrap();
    Line {
        version: version.to_owned(),
        count: count.parse().unwrap(),
        sender: sender.to_owned(),
        sent: sent.parse().unwrap(),
        number: number.parse().unwrap(),
    }
}

struct Member {
    client: Client,
    id: String,
    /// Of the room's messages, as it has seen them.
    count: u64,
    version: String,
    took: Vec<Duration>,
}

impl Member {
    /// The next line, which is the room's next for all.
    async fn next(&mut self) -> Line {
        let line = line(&self.client.text().await);
        if self.count > 0 {
            assert_eq!(line.count, self.count + 1, "lost, repeated or reordered");
        }
        assert_eq!(line.number, line.sent, "the room has not seen all of a member's");
        self.count = line.count;
        line.version.clone_into(&mut self.version);
        line
    }

    /// Says its numbers, and how long each took to come back; one when the last one has come back, and hears everybody's.
    async fn talk(mut self, stop: Arc<AtomicBool>, progress: Arc<watch::Sender<u64>>) -> Self {
        let mut number = 0;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            let said = Instant::now();
            self.client.send(number.to_string()).await;
            loop {
                let line = self.next().await;
                if line.sender == self.id {
                    assert_eq!(line.sent, number);
                    self.took.push(said.elapsed());
                    break;
                }
            }
            progress.send_modify(|all| *all += 1);
        }
        self
    }
}

/// Replaces the component, and waits until the log says what came of it.
async fn swap(server: &Server, component: &[u8], outcome: &'static str) {
    let start = server.log.len();
    server.put("x.wasm", component);
    let told = |line: &LogLine| line.message().contains(outcome);
    server.log.wait_from(start, outcome, told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nothing_is_dropped_lost_repeated_or_reordered_and_all_is_remembered() {
    let versions = [KEEPS_ROOM_A.bytes(), KEEPS_ROOM_B.bytes()];
    let broken = KEEPS_ROOM_BROKEN.bytes();
    let server = Start::with(&[("x.wasm", &versions[0]), ("x.toml", MANIFEST)]).run().await;
    let stop = Arc::new(AtomicBool::new(false));
    let (progress, mut progressed) = watch::channel(0u64);
    let progress = Arc::new(progress);
    let mut members: Vec<JoinHandle<Member>> = Vec::new();
    for number in 0..ROOMS * MEMBERS {
        let client = server.connect(&format!("/room/{}", number % ROOMS)).await;
        // Ids are given in this order, since one handshake follows the other.
        let id = (number + 1).to_string();
        let member = Member { client, id, count: 0, version: String::new(), took: vec![] };
        members.push(tokio::spawn(member.talk(stop.clone(), progress.clone())));
    }
    let mut good = 0;
    for number in 0..SWAPS {
        if number % 5 == 3 {
            // Its `resume` traps in each room, and so it is taken back.
            swap(&server, &broken, "is rolled back by itself").await;
        } else {
            good += 1;
            swap(&server, &versions[good % 2], ": serves /room/").await;
        }
        // All rooms have been spoken in since.
        let before = *progressed.borrow_and_update();
        let enough = (ROOMS * MEMBERS) as u64;
        within("answers", progressed.wait_for(|now| *now > before + enough)).await.unwrap();
        assert!(members.iter().all(|member| !member.is_finished()), "a connection has ended");
    }
    stop.store(true, Ordering::Relaxed);
    let mut rooms = vec![Vec::new(); ROOMS];
    let mut took = Vec::new();
    for (number, member) in members.into_iter().enumerate() {
        let mut member = member.await.unwrap();
        // What the others still say while it stops.
        let (rest, close) = member.client.close(1000, "").await;
        assert_eq!(close.unwrap().0, 1000);
        for text in rest {
            let line = line(text.to_text().unwrap());
            assert_eq!(line.count, member.count + 1);
            member.count = line.count;
        }
        rooms[number % ROOMS].push(member.count);
        took.extend(member.took);
    }
    let said: u64 = rooms.iter().map(|counts| counts.iter().max().unwrap()).sum();
    assert_eq!(said, *progressed.borrow(), "each message was counted once, in one history");
    took.sort_unstable();
    let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize];
    println!(
        "answers: p50 {:?}, p99 {:?}, p99.9 {:?}, longest {:?}",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
    // None of them has been told of a join or an end in between.
    server.log.message(&format!("{} left", ROOMS * MEMBERS)).await;
    let text = server.log.text();
    assert_eq!(text.matches(" joined ").count(), ROOMS * MEMBERS);
    assert_eq!(text.matches(" left ").count(), ROOMS * MEMBERS);
}

const CONNECTIONS: usize = 200;
const DEPTH: u64 = 8;

/// Keeps several messages under way, and is answered in their order. Returns how many of
/// the topic's it has heard.
async fn pipeline(mut client: Client, stop: Arc<AtomicBool>) -> u64 {
    let (mut said, mut answered, mut news) = (1, 1, 0);
    // The last of the topic's may come after the last answer.
    while !stop.load(Ordering::Relaxed) || answered < said || news < SWAPS as u64 {
        while said < answered + DEPTH && !stop.load(Ordering::Relaxed) {
            said += 1;
            client.feed(said.to_string().as_str()).await;
        }
        client.flush().await;
        let text = client.text().await;
        if let Some(number) = text.strip_prefix("news ") {
            assert_eq!(number, news.to_string(), "lost, repeated or reordered");
            news += 1;
            continue;
        }
        answered += 1;
        let (version, rest) = text.split_once(':').unwrap();
        assert!(matches!(version, "a" | "b"), "{text}");
        assert!(rest.starts_with(&format!("{answered} ")), "{text}, and not {answered}");
        assert!(rest.ends_with(&format!(" {answered}")), "{text}, and not {answered}");
    }
    client.close(1000, "").await;
    news
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn connections_with_messages_under_way_and_a_topic_move_as_well() {
    let versions = [KEEPS_A.bytes(), KEEPS_B.bytes()];
    let start = Start::with(&[("x.wasm", &versions[0])]).arg("--admin=127.0.0.1:0");
    let server = start.run().await;
    let operator = Operator::of(&server).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut peers = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut client = server.connect("/x").await;
        assert!(client.ask("subscribe news").await.starts_with("a:1 "));
        peers.push(tokio::spawn(pipeline(client, stop.clone())));
    }
    for number in 0..SWAPS {
        swap(&server, &versions[(number + 1) % 2], ": serves /x").await;
        let news = format!("news {number}");
        let (status, _) = operator.send("POST /topics/news?handler=x", &[], news.as_bytes()).await;
        assert_eq!(status, 202);
        let moved = async {
            while operator.handler("x").await["generations"].as_array().unwrap().len() > 1 {}
        };
        within("all to move", moved).await;
    }
    stop.store(true, Ordering::Relaxed);
    for peer in peers {
        assert_eq!(peer.await.unwrap(), SWAPS as u64);
    }
    assert!(!server.log.text().contains("could not move"));
}
