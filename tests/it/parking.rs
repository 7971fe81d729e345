//! Instances with nothing to do are parked: their state is kept, and their connections
//! stay open without them.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::guests::{ANSWERS_A, KEEPS_A, KEEPS_B, KEEPS_ROOM_A, KEEPS_ROOM_B};
use crate::harness::{Client, Operator, Server, Start, metrics, within};

const SOON: &[u8] = b"park-after = \"1s\"\n";
const ROOMS: &[u8] = b"park-after = \"1s\"\nroute = \"/room/{name}\"\nscope = \"path\"\n";

async fn server(component: &[u8], manifest: &[u8]) -> (Server, Operator) {
    let files = [("x.wasm", component), ("x.toml", manifest)];
    let server = Start::with(&files).arg("--admin=127.0.0.1:0").run().await;
    let operator = Operator::of(&server).await;
    (server, operator)
}

/// Waits until so many instances are parked, and so many live.
async fn parked(operator: &Operator, parked: u64, live: u64) {
    let settled = async {
        loop {
            let status = operator.handler("x").await;
            if status["parked"] == parked && status["instances"] == live {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within(&format!("{parked} parked and {live} live"), settled).await;
}

#[tokio::test]
async fn a_connection_is_parked_and_goes_on_with_its_state() {
    let (server, operator) = server(&KEEPS_A.bytes(), SOON).await;
    let mut client = server.connect("/x").await;
    for count in 1..4 {
        assert_eq!(client.ask("hi").await, format!("a:{count} new hi"));
        parked(&operator, 1, 0).await;
    }
    // The time without an event is no event's.
    let metrics = metrics(&server).await;
    let asking = r#"socklet_event_duration_seconds_sum{export="suspend",handler="x"}"#;
    assert!(metrics[asking] < 0.5, "{}", metrics[asking]);
    client.close(1000, "").await;
    server.log.message("1 left a with 3: 1000").await;
    assert_eq!(server.log.text().matches("1 came to").count(), 1);
}

#[tokio::test]
async fn what_is_for_the_peer_only_wakes_nobody() {
    let (server, operator) = server(&KEEPS_A.bytes(), SOON).await;
    let mut client = server.connect("/x").await;
    assert_eq!(client.ask("subscribe news").await, "a:1 new subscribe news");
    parked(&operator, 1, 0).await;
    let before = operator.handler("x").await;
    client.ping(b"there?").await;
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong(b"there?".to_vec().into()));
    operator.send("POST /connections/1", &[], b"from outside").await;
    assert_eq!(client.text().await, "from outside");
    let (status, answer) = operator.send("POST /topics/news?handler=x", &[], b"news").await;
    assert_eq!(status, 202, "{answer}");
    assert_eq!(client.text().await, "news");
    let after = operator.handler("x").await;
    assert_eq!((&after["parked"], &after["instances"]), (&Value::from(1), &Value::from(0)));
    assert_eq!(after["generation"], before["generation"]);
    assert_eq!(client.ask("hi").await, "a:2 new hi");
}

#[tokio::test]
async fn a_room_is_parked_with_all_its_members() {
    let (server, operator) = server(&KEEPS_ROOM_A.bytes(), ROOMS).await;
    let mut one = server.connect("/room/1").await;
    let mut two = server.connect("/room/1").await;
    assert_eq!(one.ask("hi").await, "a:1 new hi by 1 as its 1");
    assert_eq!(two.text().await, "a:1 new hi by 1 as its 1");
    parked(&operator, 1, 0).await;
    // Whoever joins wakes it, and so does who leaves.
    let mut three = server.connect("/room/1").await;
    server.log.message("3 joined a").await;
    parked(&operator, 1, 0).await;
    two.close(1000, "").await;
    server.log.message("2 left a: 1000").await;
    parked(&operator, 1, 0).await;
    assert_eq!(one.ask("hi").await, "a:2 new hi by 1 as its 2");
    assert_eq!(three.text().await, "a:2 new hi by 1 as its 2");
    assert_eq!(three.ask("hi").await, "a:3 new hi by 3 as its 1");
}

#[tokio::test]
async fn a_room_that_nobody_is_in_lingers_and_ends() {
    let manifest = [ROOMS, b"linger = \"2s\"\n"].concat();
    let (server, operator) = server(&KEEPS_ROOM_A.bytes(), &manifest).await;
    let mut one = server.connect("/room/1").await;
    assert_eq!(one.ask("hi").await, "a:1 new hi by 1 as its 1");
    parked(&operator, 1, 0).await;
    one.close(1000, "").await;
    server.log.message("1 left a: 1000").await;
    let mut two = server.connect("/room/1").await;
    assert_eq!(two.ask("hi").await, "a:2 new hi by 2 as its 1");
    two.close(1000, "").await;
    parked(&operator, 0, 0).await;
    let mut three = server.connect("/room/1").await;
    assert_eq!(three.ask("hi").await, "a:1 new hi by 3 as its 1");
}

#[tokio::test]
async fn a_swap_has_the_next_generation_take_a_parked_state_up() {
    let cases =
        [(KEEPS_A, KEEPS_B, SOON, "/x", ""), (KEEPS_ROOM_A, KEEPS_ROOM_B, ROOMS, "/room/1", " by")];
    for (old, new, manifest, route, by) in cases {
        let (server, operator) = server(&old.bytes(), manifest).await;
        let mut client = server.connect(route).await;
        assert!(client.ask("hi").await.starts_with("a:1 new hi"));
        parked(&operator, 1, 0).await;
        server.put("x.wasm", &new.bytes());
        server.log.wait("2", |line| line.number("generation") == Some(2)).await;
        assert!(client.ask("hi").await.starts_with(&format!("b:2 kept hi{by}")));
        // And one that does not take it up leaves it to the old one.
        assert!(client.ask("wish resume fail").await.starts_with("b:3 kept"));
        parked(&operator, 1, 0).await;
        server.put("x.wasm", &old.bytes());
        server.log.wait("3", |line| line.number("generation") == Some(3)).await;
        let answer = client.ask("hi").await;
        assert!(answer.starts_with("b:4"), "{answer}");
        server.log.message("could not move to generation 3: resume did not take it").await;
        // It is not forgotten there: what ends the handler ends it as well.
        let status = operator.handler("x").await;
        assert_eq!(status["generations"][0]["connections"], 1, "{status}");
        std::fs::remove_file(server.file("x.wasm")).unwrap();
        std::fs::remove_file(server.file("x.toml")).unwrap();
        assert_eq!(client.closed().await.0, 1001);
    }
}

#[tokio::test]
async fn a_state_that_nobody_takes_up_any_more_ends_its_connections() {
    for (component, manifest, route) in [(KEEPS_A, SOON, "/x"), (KEEPS_ROOM_A, ROOMS, "/room/1")] {
        let (server, operator) = server(&component.bytes(), manifest).await;
        let mut client = server.connect(route).await;
        client.ask("wish restore trap").await;
        parked(&operator, 1, 0).await;
        client.send("hi").await;
        assert_eq!(client.closed().await, (1011, "the handler failed: parked".into()));
        let said = "was parked, and its state is lost: resume failed: trapped";
        server.log.message(said).await;
        assert!(!server.log.text().contains("1 left"));
        parked(&operator, 0, 0).await;
    }
}

#[tokio::test]
async fn an_instance_that_gives_no_state_stays() {
    for (component, manifest, route) in [(KEEPS_A, SOON, "/x"), (KEEPS_ROOM_A, ROOMS, "/room/1")] {
        let (server, operator) = server(&component.bytes(), manifest).await;
        let mut client = server.connect(route).await;
        client.ask("wish suspend fail").await;
        server.log.message("could not be parked: suspend gave none: not today").await;
        assert!(client.ask("hi").await.starts_with("a:2 new hi"));
        parked(&operator, 0, 1).await;
    }
}

#[tokio::test]
async fn a_full_pool_parks_before_it_refuses() {
    let start = Start::with(&[("x.wasm", &KEEPS_A.bytes()), ("y.wasm", &ANSWERS_A.bytes())]);
    let server = start.arg("--admin=127.0.0.1:0").arg("--max-instances=8").run().await;
    let operator = Operator::of(&server).await;
    let mut clients = Vec::new();
    for _ in 0..32 {
        let mut client = loop {
            // Who has only just had an event is not at rest.
            match Client::try_connect(&server.url("/x"), &[]).await {
                Ok(client) => break client,
                Err(status) => assert_eq!(status, 503),
            }
        };
        assert_eq!(client.ask("hi").await, "a:1 new hi");
        clients.push(client);
    }
    let status = operator.handler("x").await;
    assert!(status["parked"].as_u64() >= Some(24), "{status}");
    assert_eq!(status["connections"], 32);
    for round in 2..4 {
        join_all(clients.iter_mut().map(async |client| {
            assert_eq!(client.ask("hi").await, format!("a:{round} new hi"));
        }))
        .await;
    }
}

#[tokio::test]
async fn who_has_no_snapshot_is_never_parked() {
    let manifest: &[u8] = SOON;
    let files: [(&str, &[u8]); 4] = [
        ("x.wasm", &KEEPS_A.bytes()),
        ("x.toml", manifest),
        ("y.wasm", &ANSWERS_A.bytes()),
        ("y.toml", manifest),
    ];
    let server = Start::with(&files).arg("--admin=127.0.0.1:0").run().await;
    let operator = Operator::of(&server).await;
    let mut other = server.connect("/y").await;
    assert_eq!(other.ask("hi").await, "a:hi");
    let mut client = server.connect("/x").await;
    assert_eq!(client.ask("hi").await, "a:1 new hi");
    parked(&operator, 1, 0).await;
    let status = operator.handler("y").await;
    assert_eq!((&status["parked"], &status["instances"]), (&Value::from(0), &Value::from(1)));
}

#[tokio::test]
async fn many_more_than_there_are_instances_take_turns_and_each_has_its_state() {
    const CONNECTIONS: usize = 300;
    let files: [(&str, &[u8]); 1] = [("x.wasm", &KEEPS_A.bytes())];
    let start = Start::with(&files).arg("--max-instances=16").arg("--admin=127.0.0.1:0");
    let server = start.run().await;
    let mut clients = Vec::new();
    for number in 0..CONNECTIONS {
        let mut client = server.connect("/x").await;
        for count in 1..=number % 3 {
            assert_eq!(client.ask("hi").await, format!("a:{count} new hi"));
        }
        clients.push(client);
    }
    // All at once, twice over.
    for round in 1..=2 {
        for client in &mut clients {
            client.send("hi").await;
        }
        for (number, client) in clients.iter_mut().enumerate() {
            let answer = client.text().await;
            let count = number % 3 + round;
            assert!(answer.starts_with(&format!("a:{count} ")), "{answer}, and not {count}");
        }
    }
    let handler = Operator::of(&server).await.handler("x").await;
    assert_eq!(handler["connections"], CONNECTIONS);
    assert!(handler["instances"].as_u64().unwrap() <= 16, "{handler}");
}
