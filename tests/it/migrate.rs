//! Swaps that carry state: a live connection goes on in an instance of the next
//! generation, with what the old one knew.

use std::time::Duration;

use crate::harness::guests::{
    ANSWERS_A, KEEPS_A, KEEPS_B, KEEPS_ROOM_A, KEEPS_ROOM_B, RINGS_A, RINGS_B,
};
use crate::harness::{Client, LogLine, Operator, Server, Start, within};

const ROOMS: &[u8] = b"route = \"/room/{name}\"\nscope = \"path\"\n";

/// One text at a time to a guest that counts them, `keeps` or a room's.
struct Speaker {
    client: Client,
    count: u64,
}

impl Speaker {
    async fn of(server: &Server, route: &str) -> Self {
        Self { client: server.connect(route).await, count: 0 }
    }

    /// Says something, which has to be counted as the next one. Returns which version has
    /// answered, and the rest.
    async fn say(&mut self, text: &str) -> (String, String) {
        let answer = self.client.ask(text).await;
        let (version, rest) = answer.split_once(':').unwrap();
        let (count, rest) = rest.split_once(' ').unwrap();
        self.count += 1;
        assert_eq!(count, self.count.to_string(), "{answer}");
        (version.to_owned(), rest.to_owned())
    }

    /// Speaks on until a version answers.
    async fn until(&mut self, version: &str) -> String {
        loop {
            let (answerer, rest) = self.say("still").await;
            if answerer == version {
                return rest;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn connections() -> (Server, Speaker) {
    let server = Start::with(&[("x.wasm", &KEEPS_A.bytes())]).arg("--admin=127.0.0.1:0");
    let server = server.run().await;
    let speaker = Speaker::of(&server, "/x").await;
    (server, speaker)
}

async fn rooms() -> (Server, Speaker) {
    let files = [("x.wasm", &*KEEPS_ROOM_A.bytes()), ("x.toml", ROOMS)];
    let server = Start::with(&files).arg("--admin=127.0.0.1:0").run().await;
    let speaker = Speaker::of(&server, "/room/1").await;
    (server, speaker)
}

/// Replaces the file, and waits until that is served.
async fn swap(server: &Server, bytes: &[u8], generation: u64) {
    server.put("x.wasm", bytes);
    let serves = move |line: &LogLine| {
        line.message().contains(": serves /") && line.number("generation") == Some(generation)
    };
    server.log.wait(&format!("generation {generation}"), serves).await;
}

async fn says(server: &Server, reason: &str) {
    server.log.message(reason).await;
}

#[tokio::test]
async fn a_connection_goes_on_in_the_next_generation_with_its_state() {
    let (server, mut speaker) = connections().await;
    assert_eq!(speaker.say("hi").await, ("a".into(), "new hi".into()));
    swap(&server, &KEEPS_B.bytes(), 2).await;
    assert_eq!(speaker.until("b").await, "kept still");
    // And back, which is a swap like any other.
    swap(&server, &KEEPS_A.bytes(), 3).await;
    assert_eq!(speaker.until("a").await, "kept still");
    let count = speaker.count;
    let (rest, close) = speaker.client.close(4000, "bye").await;
    assert!(rest.is_empty());
    assert_eq!(close.unwrap().0, 4000);
    server.log.message(&format!("left a with {count}: 4000")).await;
    let text = server.log.text();
    assert_eq!(text.matches("1 came to /x").count(), 1, "{text}");
    assert_eq!(text.matches("1 left ").count(), 1, "{text}");
}

#[tokio::test]
async fn a_room_goes_on_with_all_its_members() {
    let (server, mut one) = rooms().await;
    let mut two = server.connect("/room/1").await;
    let (version, rest) = one.say("hi").await;
    assert_eq!((version.as_str(), rest.as_str()), ("a", "new hi by 1 as its 1"));
    assert_eq!(two.text().await, "a:1 new hi by 1 as its 1");
    swap(&server, &KEEPS_ROOM_B.bytes(), 2).await;
    let rest = one.until("b").await;
    let sent = one.count;
    assert_eq!(rest, format!("kept still by 1 as its {sent}"));
    for count in 2..sent {
        assert!(two.text().await.starts_with(&format!("a:{count} new still by 1")));
    }
    assert_eq!(two.text().await, format!("b:{sent} kept still by 1 as its {sent}"));
    // A third one comes to the same room.
    let mut three = server.connect("/room/1").await;
    let answer = three.ask("me too").await;
    assert_eq!(answer, format!("b:{} kept me too by 3 as its 1", sent + 1));
    assert_eq!(one.client.text().await, answer);
    assert_eq!(two.text().await, answer);
    // Others of the next generation know nothing of it.
    assert!(server.connect("/room/2").await.ask("hi").await.starts_with("b:1 new hi by 4"));
}

/// What keeps the old instance, how the log says it, and that it says so in the status.
const STAYS: &[(&str, &str)] = &[
    ("suspend fail", "suspend gave none: not today"),
    ("suspend large", "suspend gave 5242"),
    ("resume fail", "resume did not take it: not here"),
    ("resume trap", "resume failed: trapped"),
    (
        "resume loop",
        "resume failed: used more than 100ms of CPU time in one event (event-cpu-time)",
    ),
];

async fn stays((server, mut speaker): (Server, Speaker), fixed: &[u8], broken: &[u8]) {
    let operator = Operator::of(&server).await;
    let mut generation = 1;
    for (wish, why) in STAYS {
        speaker.say(&format!("wish {wish}")).await;
        generation += 1;
        swap(&server, broken, generation).await;
        says(&server, &format!("could not move to generation {generation}: {why}")).await;
        let (version, _) = speaker.say("wish nothing").await;
        assert_eq!(version, "a", "{wish}");
        let status = operator.handler("x").await;
        let old = &status["generations"][0];
        assert_eq!(old["state"], "draining", "{status}");
        assert!(old["stays"].as_str().unwrap().starts_with(why), "{status}");
        // The next one that can take the state does.
        generation += 1;
        swap(&server, fixed, generation).await;
        let settled = async {
            loop {
                let status = operator.handler("x").await;
                if status["generations"].as_array().unwrap().len() == 1 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        crate::harness::within("the old generation's end", settled).await;
        assert_eq!(speaker.say("hi").await.0, "a");
    }
}

#[tokio::test]
async fn a_connection_whose_state_can_not_be_moved_stays_and_its_status_says_why() {
    let files = [("x.wasm", &*KEEPS_A.bytes())];
    let server = Start::with(&files).arg("--admin=127.0.0.1:0").arg("--event-cpu-time=100ms");
    let server = server.run().await;
    let speaker = Speaker::of(&server, "/x").await;
    stays((server, speaker), &KEEPS_A.bytes(), &KEEPS_B.bytes()).await;
}

#[tokio::test]
async fn a_room_whose_state_can_not_be_moved_stays_and_its_status_says_why() {
    let files = [("x.wasm", &*KEEPS_ROOM_A.bytes()), ("x.toml", ROOMS)];
    let server = Start::with(&files).arg("--admin=127.0.0.1:0").arg("--event-cpu-time=100ms");
    let server = server.run().await;
    let speaker = Speaker::of(&server, "/room/1").await;
    stays((server, speaker), &KEEPS_ROOM_A.bytes(), &KEEPS_ROOM_B.bytes()).await;
}

#[tokio::test]
async fn who_joins_a_room_that_stays_joins_it_there() {
    let (server, mut one) = rooms().await;
    one.say("wish resume fail").await;
    swap(&server, &KEEPS_ROOM_B.bytes(), 2).await;
    says(&server, "could not move to generation 2").await;
    let mut two = server.connect("/room/1").await;
    assert_eq!(two.ask("hi").await, "a:2 new hi by 2 as its 1");
    assert!(server.connect("/room/2").await.ask("hi").await.starts_with("b:1 new hi"));
}

#[tokio::test]
async fn an_instance_that_traps_while_it_is_asked_has_failed() {
    for (server, mut speaker) in [connections().await, rooms().await] {
        speaker.say("wish suspend trap").await;
        server.put(
            "x.wasm",
            &if server.file("x.toml").exists() { KEEPS_ROOM_B.bytes() } else { KEEPS_B.bytes() },
        );
        assert_eq!(speaker.client.closed().await, (1011, "the handler failed".into()));
        assert!(!server.log.text().contains("left a"));
    }
}

#[tokio::test]
async fn a_manifest_can_have_connections_drain_or_restart_all_the_same() {
    let (server, mut speaker) = connections().await;
    server.put("x.toml", b"swap = \"drain\"\n");
    swap(&server, &KEEPS_B.bytes(), 2).await;
    assert_eq!(server.connect("/x").await.ask("hi").await, "b:1 new hi");
    assert_eq!(speaker.say("hi").await.0, "a");
    server.put("x.toml", b"swap = \"restart\"\n");
    let mut other = server.connect("/x").await;
    swap(&server, &KEEPS_A.bytes(), 3).await;
    assert_eq!(other.closed().await.0, 1012);
    // What drained before drains on.
    assert_eq!(speaker.say("hi").await.0, "a");
}

#[tokio::test]
async fn without_a_snapshot_on_both_sides_connections_drain() {
    let (server, mut speaker) = connections().await;
    swap(&server, &ANSWERS_A.bytes(), 2).await;
    assert_eq!(speaker.say("hi").await.0, "a");
    let mut other = server.connect("/x").await;
    swap(&server, &KEEPS_B.bytes(), 3).await;
    assert_eq!(other.ask("hi").await, "a:hi");
    // The one that can be moved is.
    speaker.until("b").await;
}

#[tokio::test]
async fn where_the_scope_changes_a_room_is_not_moved() {
    let (server, mut speaker) = rooms().await;
    speaker.say("hi").await;
    server.put("x.toml", b"route = \"/room/{name}\"\nscope = \"handler\"\n");
    assert_eq!(speaker.client.closed().await.0, 1012);
}

#[tokio::test]
async fn topics_and_the_session_of_a_connection_outlive_its_instance() {
    // Both are the connection's, and no instance's: what an admin publishes reaches it.
    let (server, mut speaker) = connections().await;
    let operator = Operator::of(&server).await;
    swap(&server, &KEEPS_B.bytes(), 2).await;
    speaker.until("b").await;
    let (status, _) = operator.send("POST /connections/1", &[], b"from outside").await;
    assert_eq!(status, 202);
    assert_eq!(speaker.client.text().await, "from outside");
}

#[tokio::test]
async fn instances_in_long_events_keep_no_others_from_moving() {
    let files: [(&str, &[u8]); 2] = [("busy.wasm", &RINGS_A.bytes()), ("x.wasm", &KEEPS_A.bytes())];
    let server = Start::with(&files).endless_events().run().await;
    let mut quiet = server.connect("/busy").await;
    assert_eq!(quiet.ask("count").await, "0 have gone off");
    let mut other = Speaker::of(&server, "/x").await;
    other.say("hi").await;
    // More than may move at a time, of one handler and of all.
    let mut busy = Vec::new();
    for _ in 0..20 {
        let mut client = server.connect("/busy").await;
        client.send("spin 10000000").await;
        busy.push(client);
    }
    server.put("busy.wasm", &RINGS_B.bytes());
    server.log.wait("the new version", |line| line.number("generation") == Some(2)).await;
    server.put("x.wasm", &KEEPS_B.bytes());
    other.until("b").await;
    moves(&mut quiet).await;
}

/// Has a `rings_…` guest's timer go off until it is the new version that hears of it.
async fn moves(client: &mut Client) {
    let moves = async {
        loop {
            assert_eq!(client.ask("after 10 x").await, "set x");
            match &*client.text().await {
                "a rings x" => {}
                other => break assert_eq!(other, "b rings x"),
            }
        }
    };
    within("the new version to hear of a timer", moves).await;
}

#[tokio::test]
async fn more_instances_in_long_events_than_may_move_at_a_time_move_when_these_have_ended() {
    let files: [(&str, &[u8]); 1] = [("x.wasm", &RINGS_A.bytes())];
    let server = Start::with(&files).endless_events().run().await;
    let mut busy = Vec::new();
    for _ in 0..12 {
        let mut client = server.connect("/x").await;
        client.send("spin 200").await;
        busy.push(client);
    }
    server.put("x.wasm", &RINGS_B.bytes());
    server.log.wait("the new version", |line| line.number("generation") == Some(2)).await;
    for client in &mut busy {
        assert_eq!(client.text().await, "spun");
        moves(client).await;
    }
    assert!(!server.log.text().contains("could not move"));
}
