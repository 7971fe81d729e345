//! Going back to what served before.

use std::path::Path;
use std::sync::Arc;

use crate::harness::guests::{ANSWERS_A, ANSWERS_B};
use crate::harness::{Operator, Server, Start, within};

async fn generation(server: &Server, handler: &str, number: u64) {
    let loaded = |line: &crate::harness::LogLine| {
        line.number("generation") == Some(number)
            && line.field("handler").is_some_and(|name| name == handler)
    };
    server.log.wait(&format!("generation {number} of {handler}"), loaded).await;
}

#[tokio::test]
async fn once_the_host_shuts_down_nothing_is_rolled_back_any_more() {
    let server = Start::with(&[("x.wasm", &ANSWERS_A.bytes())])
        .arg("--admin=127.0.0.1:0")
        .arg("--shutdown-timeout=1m")
        .arg("--close-timeout=1m")
        .run()
        .await;
    let operator = Operator::of(&server).await;
    server.put("x.wasm", &ANSWERS_B.bytes());
    generation(&server, "x", 2).await;
    // Nobody reads its close frame, so the host is not gone.
    let _silent = server.connect("/x").await;
    server.signal(rustix::process::Signal::TERM);
    let roll_back = "POST /handlers/x/rollback";
    let refused = async {
        loop {
            // A moment before, it still is.
            match operator.ask(roll_back).await {
                (200, _) => {}
                refused => return refused,
            }
        }
    };
    let (status, problem) = within("the loader's end", refused).await;
    assert_eq!(status, 503);
    assert!(problem["detail"].as_str().unwrap().contains("shutting down"), "{problem}");
}

#[tokio::test]
async fn a_rollback_brings_back_the_generation_before_and_holds_until_the_file_changes() {
    let server = Start::with(&[("games/chess.wasm", &ANSWERS_A.bytes())])
        .arg("--admin=127.0.0.1:0")
        .run()
        .await;
    let operator = Operator::of(&server).await;
    let roll_back = "POST /handlers/games%2Fchess/rollback";
    assert_eq!(operator.ask(roll_back).await.0, 409);
    server.put("games/chess.wasm", &ANSWERS_B.bytes());
    generation(&server, "games/chess", 2).await;
    let mut old = server.connect("/games/chess").await;
    assert_eq!(old.ask("x").await, "b:x");
    let before = operator.handler("games/chess").await;
    assert_eq!((&before["generation"], &before["previous"]), (&2.into(), &1.into()));

    let (status, done) = operator.ask(roll_back).await;
    let expected = serde_json::json!({
        "handler": "games/chess", "generation": 3, "rolled_back_to": 1,
    });
    assert_eq!((status, done), (200, expected));
    assert_eq!(server.connect("/games/chess").await.ask("x").await, "a:x");
    // Who was there stays, as with any swap.
    assert_eq!(old.ask("x").await, "b:x");
    let after = operator.handler("games/chess").await;
    assert_eq!((&after["generation"], &after["rolled_back_to"]), (&3.into(), &1.into()));
    assert_eq!(after["generations"][0]["generation"], 2);

    // Another file makes the directory be looked at, and changes nothing here.
    server.put("other.wasm", &ANSWERS_B.bytes());
    generation(&server, "other", 1).await;
    assert_eq!(server.connect("/games/chess").await.ask("x").await, "a:x");
    // A second one undoes the first.
    assert_eq!(operator.ask(roll_back).await.1["rolled_back_to"], 2);
    assert_eq!(server.connect("/games/chess").await.ask("x").await, "b:x");
    assert_eq!(operator.ask(roll_back).await.1["generation"], 5);
    assert_eq!(server.connect("/games/chess").await.ask("x").await, "a:x");
    // The file that was rolled back is news again when it is put there again.
    server.put("games/chess.wasm", &ANSWERS_B.bytes());
    generation(&server, "games/chess", 6).await;
    assert_eq!(server.connect("/games/chess").await.ask("x").await, "b:x");
    let now = operator.handler("games/chess").await;
    assert_eq!((&now["rolled_back_to"], &now["previous"]), (&serde_json::Value::Null, &5.into()));
}

#[tokio::test]
async fn the_settings_and_the_route_come_back_too_and_no_guard_is_lost() {
    let start = Start::with(&[("x.wasm", &ANSWERS_A.bytes())]);
    let server = start.arg("--admin=127.0.0.1:0").run().await;
    let operator = Operator::of(&server).await;
    let roll_back = "POST /handlers/x/rollback";
    server.put("x.toml", b"route = \"/first\"\n");
    generation(&server, "x", 2).await;
    // Back to no manifest at all would be back to no guards.
    let (status, problem) = operator.ask(roll_back).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("manifest"), "{problem}");

    server.put("x.toml", b"route = \"/second\"\nscope = \"handler\"\n");
    generation(&server, "x", 3).await;
    let second = operator.handler("x").await;
    assert_eq!((&second["route"], &second["scope"]), (&"/second".into(), &"handler".into()));
    assert_eq!(operator.ask(roll_back).await.0, 200);
    let first = operator.handler("x").await;
    assert_eq!((&first["route"], &first["scope"]), (&"/first".into(), &"connection".into()));
    assert_eq!(server.connect("/first").await.ask("x").await, "a:x");
    assert!(crate::harness::Client::try_connect(&server.url("/second"), &[]).await.is_err());
    assert_eq!(operator.ask(roll_back).await.0, 200);
    assert_eq!(server.connect("/second").await.ask("x").await, "a:x");

    // Whoever has come to claim the route since then keeps it.
    server.put("y.toml", b"route = \"/first\"\n");
    server.put("y.wasm", &ANSWERS_B.bytes());
    generation(&server, "y", 1).await;
    let (status, problem) = operator.ask(roll_back).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("/first"), "{problem}");
    assert_eq!(server.connect("/first").await.ask("x").await, "b:x");
}

#[tokio::test]
async fn there_is_nothing_to_go_back_to_at_first_and_for_strangers() {
    let server = Start::embedded().arg("--admin=127.0.0.1:0").run().await;
    let operator = Operator::of(&server).await;
    for (name, expected) in
        [("echo", 409), ("nobody", 404), ("%ff", 400), ("a%2Fb", 404), ("echo?now", 400)]
    {
        let (path, query) = name.split_once('?').unwrap_or((name, ""));
        let request = format!("POST /handlers/{path}/rollback?{query}");
        assert_eq!(operator.ask(&request).await.0, expected, "{name}");
    }
}

#[tokio::test]
async fn rollbacks_and_swaps_at_once_make_each_its_own_generation() {
    let start = Start::with(&[("x.wasm", &ANSWERS_A.bytes())]);
    let server = start.arg("--admin=127.0.0.1:0").run().await;
    server.put("x.wasm", &ANSWERS_B.bytes());
    generation(&server, "x", 2).await;
    let operator = Arc::new(Operator::of(&server).await);
    let mut made: Vec<u64> = Vec::new();
    for round in 0..10 {
        let wishes: Vec<_> = (0..4)
            .map(|_| {
                let operator = operator.clone();
                tokio::spawn(async move { operator.ask("POST /handlers/x/rollback").await })
            })
            .collect();
        let next = if round % 2 == 0 { ANSWERS_A } else { ANSWERS_B };
        server.put("x.wasm", &next.bytes());
        for wish in wishes {
            let (status, done) = within("a rollback", wish).await.unwrap();
            assert_eq!(status, 200, "{done}");
            made.push(done["generation"].as_u64().unwrap());
        }
    }
    let count = made.len();
    made.sort_unstable();
    made.dedup();
    assert_eq!(made.len(), count, "two swaps made the same generation");
    // The last word is the file's, once it changes and nothing is rolled back.
    std::fs::remove_file(server.file("x.wasm")).unwrap();
    server.log.message("/x is served no more").await;
    assert_eq!(operator.ask("POST /handlers/x/rollback").await.0, 404);
    assert!(!Path::new(&server.file("x.wasm")).exists());
}
