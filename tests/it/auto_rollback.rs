//! A generation that fails for more peers than the one before it is rolled back by itself.

use std::time::Duration;

use crate::harness::guests::{
    ANSWERS_A, KEEPS_A, KEEPS_B, KEEPS_ROOM_A, KEEPS_ROOM_B, TRAPS_ON_MESSAGE,
};
use crate::harness::{Client, LogLine, Operator, Server, Start};

const ROLLED_BACK: &str = "is rolled back by itself";
const ADMIN: &str = "--admin=127.0.0.1:0";

/// Replaces the file, and waits until that is served.
async fn swap(server: &Server, bytes: &[u8], generation: u64) {
    server.put("x.wasm", bytes);
    serves(server, generation).await;
}

async fn serves(server: &Server, generation: u64) {
    let serves = move |line: &LogLine| {
        line.message().contains(": serves /") && line.number("generation") == Some(generation)
    };
    server.log.wait(&format!("generation {generation}"), serves).await;
}

/// Connects, and has the instance trap.
async fn trap(server: &Server, route: &str) {
    trap_from(server, route, &[]).await;
}

async fn trap_from(server: &Server, route: &str, headers: &[(&'static str, &str)]) {
    let mut client = Client::try_connect(&server.url(route), headers).await.unwrap();
    client.send("trap").await;
    assert_eq!(client.closed().await, (1011, "the handler failed".into()));
}

/// Speaks until a version answers. It counts all that is said, in whatever version.
async fn until(client: &mut Client, count: &mut u64, version: &str) {
    loop {
        let answer = client.ask("still").await;
        *count += 1;
        assert!(answer[1..].starts_with(&format!(":{count} ")), "{answer} is not the {count}th");
        if answer.starts_with(version) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn it_is_brought_back_what_served_before_until_the_file_changes() {
    let server = Start::with(&[("x.wasm", &ANSWERS_A.bytes())]).arg(ADMIN).run().await;
    let operator = Operator::of(&server).await;
    swap(&server, &TRAPS_ON_MESSAGE.bytes(), 2).await;
    trap(&server, "/x").await;
    trap(&server, "/x").await;
    assert_eq!(operator.handler("x").await["generation"], 2);
    trap(&server, "/x").await;
    let line = server.log.message(ROLLED_BACK).await;
    assert_eq!((line.level(), line.number("generation")), ("ERROR", Some(3)));
    assert!(line.message().starts_with("generation 2 is rolled back by itself: "), "{line:?}");
    assert!(line.message().contains("generation 1 serves again, until "), "{line:?}");
    assert_eq!(server.connect("/x").await.ask("hi").await, "a:hi");
    let status = operator.handler("x").await;
    assert_eq!(status["generation"], 3, "{status}");
    assert_eq!(status["rolled_back_to"], 1, "{status}");
    assert_eq!(status["rolled_back_by"], "itself", "{status}");
    let why = status["rolled_back_why"].as_str().unwrap();
    assert!(why.starts_with("its instances failed for 3 peers within 30s of its swap"), "{why}");
    // Another file makes the directory be looked at, and changes nothing here.
    server.put("y.wasm", &ANSWERS_A.bytes());
    server.log.message("serves /y").await;
    assert_eq!(operator.handler("x").await["generation"], 3);
    // The same file anew is news, and on trial again.
    swap(&server, &TRAPS_ON_MESSAGE.bytes(), 4).await;
    assert_eq!(operator.handler("x").await["rolled_back_by"], serde_json::Value::Null);
    for _ in 0..3 {
        trap(&server, "/x").await;
    }
    let again = |line: &LogLine| line.number("generation") == Some(5);
    server.log.wait("the second rollback", again).await;
    assert_eq!(server.connect("/x").await.ask("hi").await, "a:hi");
    assert_eq!(server.log.text().matches(ROLLED_BACK).count(), 2);
}

#[tokio::test]
async fn connections_move_back_with_their_state_and_those_that_can_not_drain() {
    let server = Start::with(&[("x.wasm", &KEEPS_A.bytes())]).arg(ADMIN).run().await;
    let (mut client, mut count) = (server.connect("/x").await, 0);
    until(&mut client, &mut count, "a").await;
    swap(&server, &KEEPS_B.bytes(), 2).await;
    until(&mut client, &mut count, "b").await;
    let mut stays = server.connect("/x").await;
    assert_eq!(stays.ask("wish resume fail").await, "b:1 new wish resume fail");
    for _ in 0..3 {
        trap(&server, "/x").await;
    }
    server.log.message(ROLLED_BACK).await;
    until(&mut client, &mut count, "a").await;
    server.log.message("could not move to generation 3: resume did not take it").await;
    assert_eq!(stays.ask("hi").await, "b:2 new hi");
}

#[tokio::test]
async fn rooms_move_back_with_their_state() {
    let manifest = b"route = \"/room/{name}\"\nscope = \"path\"\n";
    let files = [("x.wasm", &*KEEPS_ROOM_A.bytes()), ("x.toml", manifest)];
    let server = Start::with(&files).arg(ADMIN).run().await;
    let (mut client, mut count) = (server.connect("/room/1").await, 0);
    until(&mut client, &mut count, "a").await;
    swap(&server, &KEEPS_ROOM_B.bytes(), 2).await;
    until(&mut client, &mut count, "b").await;
    for room in 2..=4 {
        trap(&server, &format!("/room/{room}")).await;
    }
    server.log.message(ROLLED_BACK).await;
    until(&mut client, &mut count, "a").await;
    // Whoever comes to the room finds it where it is by now.
    let answer = server.connect("/room/1").await.ask("me too").await;
    assert!(answer.starts_with(&format!("a:{} kept me too", count + 1)), "{answer}");
}

#[tokio::test]
async fn a_state_that_it_can_not_take_up_counts_as_well_and_costs_nobody_the_connection() {
    let server = Start::with(&[("x.wasm", &KEEPS_A.bytes())]).arg(ADMIN).run().await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = server.connect("/x").await;
        client.ask("wish resume trap").await;
        clients.push(client);
    }
    swap(&server, &KEEPS_B.bytes(), 2).await;
    let line = server.log.message(ROLLED_BACK).await;
    assert_eq!(line.number("generation"), Some(3));
    for client in &mut clients {
        assert_eq!(client.ask("hi").await, "a:2 new hi");
    }
}

#[tokio::test]
async fn a_single_address_has_nothing_rolled_back_however_often_it_comes() {
    let start = Start::with(&[("x.wasm", &KEEPS_A.bytes())]).arg(ADMIN);
    let server = start.arg("--trusted-proxy=127.0.0.0/8").run().await;
    swap(&server, &KEEPS_B.bytes(), 2).await;
    for number in 0..6 {
        // Of IPv6 a /64 is one.
        let address = format!("2001:db8::{number}");
        // Others are served meanwhile, so that nothing is held back.
        assert!(server.connect("/x").await.ask("hi").await.starts_with("b:1"));
        trap_from(&server, "/x", &[("x-forwarded-for", &*address)]).await;
    }
    trap_from(&server, "/x", &[("x-forwarded-for", "203.0.113.1")]).await;
    let operator = Operator::of(&server).await;
    assert_eq!(operator.handler("x").await["generation"], 2);
    trap_from(&server, "/x", &[("x-forwarded-for", "203.0.113.2")]).await;
    server.log.message(ROLLED_BACK).await;
}

#[tokio::test]
async fn one_that_fails_as_often_as_the_one_before_stays() {
    let server = Start::with(&[("x.wasm", &KEEPS_A.bytes())]).arg(ADMIN).run().await;
    trap(&server, "/x").await;
    swap(&server, &KEEPS_B.bytes(), 2).await;
    for _ in 0..4 {
        trap(&server, "/x").await;
        // So that it is not held back.
        assert!(server.connect("/x").await.ask("hi").await.starts_with("b:1"));
    }
    let operator = Operator::of(&server).await;
    assert_eq!(operator.handler("x").await["generation"], 2);
    // Three more than twice as many are more.
    trap(&server, "/x").await;
    server.log.message(ROLLED_BACK).await;
}

#[tokio::test]
async fn what_would_lose_a_guard_is_not_brought_back_and_the_log_says_so() {
    let server = Start::with(&[("x.wasm", &KEEPS_A.bytes())]).arg(ADMIN).run().await;
    server.put("x.toml", b"");
    serves(&server, 2).await;
    for _ in 0..4 {
        trap(&server, "/x").await;
    }
    let line = server.log.message("can't be rolled back").await;
    assert!(line.message().contains("would have no manifest any more"), "{line:?}");
    assert!(server.connect("/x").await.ask("hi").await.starts_with("a:1"));
    assert_eq!(Operator::of(&server).await.handler("x").await["generation"], 2);
    assert_eq!(server.log.text().matches("can't be rolled back").count(), 1);
}

#[tokio::test]
async fn it_can_be_turned_off_for_all_and_for_one() {
    let traps = TRAPS_ON_MESSAGE.bytes();
    for (flag, manifest) in
        [("--auto-rollback=false", ""), ("--auto-rollback", "auto-rollback = false")]
    {
        let files = [("x.wasm", &*ANSWERS_A.bytes()), ("x.toml", manifest.as_bytes())];
        let server = Start::with(&files).arg(ADMIN).arg(flag).run().await;
        swap(&server, &traps, 2).await;
        for _ in 0..5 {
            trap(&server, "/x").await;
        }
        server.log.message("its instances fail again and again").await;
        assert!(!server.log.text().contains(ROLLED_BACK));
        assert_eq!(Operator::of(&server).await.handler("x").await["generation"], 2);
    }
}
