//! The API: what it tells of handlers and connections, and what it does to them.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::guests::{ANSWERS_A, ANSWERS_B, PUBLISHES, REPORTS_CLOSE, TRAPS_ON_MESSAGE};
use crate::harness::{Client, Operator, Server, Start, http_bytes, within};

const BINARY: &str = "Content-Type: application/octet-stream";

async fn reports(args: &[&str]) -> (Server, Operator) {
    let start = Start::with(&[("reports.wasm", &REPORTS_CLOSE.bytes())]);
    let start = start.arg("--admin=127.0.0.1:0");
    let server = args.iter().fold(start, |start, arg| start.arg(*arg)).run().await;
    let operator = Operator::of(&server).await;
    (server, operator)
}

/// A client of `reports`, and the id of its connection.
async fn connected(server: &Server) -> (Client, u64) {
    let mut client = server.connect("/reports").await;
    let id = client.text().await.parse().unwrap();
    (client, id)
}

#[tokio::test]
async fn a_message_is_written_beside_the_handlers() {
    let (server, operator) = reports(&[]).await;
    let (mut client, id) = connected(&server).await;
    let (mut other, _) = connected(&server).await;
    let request = format!("POST /connections/{id}");
    let queued = (202, json!({"outcome": "queued"}));
    assert_eq!(operator.send(&request, &[], "grüße".as_bytes()).await, queued);
    assert_eq!(client.text().await, "grüße");
    assert_eq!(operator.send(&request, &[BINARY], b"\xff\0").await, queued);
    assert_eq!(client.next().await.unwrap().unwrap(), Message::binary(vec![0xff, 0]));
    assert_eq!(operator.send(&request, &[], b"").await, queued);
    assert_eq!(client.text().await, "");
    // In the chunks of HTTP, as streaming clients send.
    let token = &operator.token;
    let chunked = format!(
        "{request} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    );
    assert_eq!(http_bytes(operator.admin, chunked.as_bytes()).await.status, 202);
    assert_eq!(client.text().await, "onetwo");
    // The handler goes on as before, and nobody else has heard of it.
    assert_eq!(client.ask("and you?").await, "and you?");
    assert_eq!(other.ask("nothing").await, "nothing");
}

#[tokio::test]
async fn what_cannot_be_written_is_said_in_the_words_of_the_handlers() {
    let (server, operator) = reports(&["--max-message-size=1000"]).await;
    let (mut client, id) = connected(&server).await;
    let request = format!("POST /connections/{id}");
    let (status, problem) = operator.send(&request, &[], &[b'x'; 1001]).await;
    assert_eq!((status, &problem["outcome"]), (413, &json!("too-large")));
    assert_eq!(operator.send(&request, &[], &[b'x'; 1000]).await.0, 202);
    assert_eq!(client.text().await.len(), 1000);
    // Far more, announced or not, is answered and not kept.
    for head in ["Content-Length: 100000000", "Transfer-Encoding: chunked"] {
        let token = &operator.token;
        let mut bytes = format!(
            "{request} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{head}\r\n\r\n"
        )
        .into_bytes();
        for _ in 0..1000 {
            bytes.extend_from_slice(b"400\r\n");
            bytes.extend_from_slice(&[b'x'; 1024]);
            bytes.extend_from_slice(b"\r\n");
        }
        assert_eq!(http_bytes(operator.admin, &bytes).await.status, 413, "{head}");
    }
    assert_eq!(operator.send(&request, &[], b"\xff").await.0, 400);
    assert_eq!(operator.send(&format!("{request}?x=1"), &[], b"x").await.0, 400);
    for id in ["0", "999999", "-1", "x", "18446744073709551616", "%20"] {
        let (status, _) = operator.send(&format!("POST /connections/{id}"), &[], b"x").await;
        assert_eq!(status, 404, "{id}");
    }
    assert_eq!(client.ask("still here").await, "still here");
}

#[tokio::test]
async fn a_connection_that_takes_nothing_is_full() {
    let (server, operator) = reports(&["--max-backpressure=1MiB"]).await;
    let (mut client, id) = connected(&server).await;
    let request = format!("POST /connections/{id}");
    let (mut written, mut waited) = (0, 0);
    let message = vec![b'x'; 1024 * 1024];
    loop {
        let (status, answer) = operator.send(&request, &[], &message).await;
        if status == 202 {
            written += 1;
            assert!(written < 100, "no end to what a silent peer takes");
            continue;
        }
        assert_eq!((status, &answer["outcome"]), (503, &json!("full")));
        // It may have been so for a moment only, until the session came to write.
        let (_, page) = operator.ask("GET /connections").await;
        let waits = page["connections"][0]["buffered_amount"].as_u64().unwrap();
        if waits > 0 && waits == std::mem::replace(&mut waited, waits) {
            break;
        }
    }
    // What was queued has not been lost, and nothing else has come in between.
    for _ in 0..written {
        assert_eq!(client.text().await.len(), message.len());
    }
    assert_eq!(client.ask("done").await, "done");
}

#[tokio::test]
async fn the_operator_closes_a_connection_and_the_handler_hears_of_it() {
    let (server, operator) = reports(&[]).await;
    let (mut client, id) = connected(&server).await;
    let request = format!("DELETE /connections/{id}");
    for bad in ["code=1005", "code=1006", "code=999", "code=5000", "code=x", "code=65536", "cod=1"]
    {
        assert_eq!(operator.ask(&format!("{request}?{bad}")).await.0, 400, "{bad}");
    }
    let long = "%C3%A9".repeat(62);
    assert_eq!(operator.ask(&format!("{request}?reason={long}")).await.0, 400);
    assert_eq!(operator.ask("DELETE /connections/12345").await.0, 404);
    assert_eq!(client.ask("still here").await, "still here");

    operator.send(&format!("POST /connections/{id}"), &[], b"goodbye").await;
    let (status, closing) = operator.ask(&format!("{request}?code=4001&reason=h%C3%A9+you")).await;
    assert_eq!((status, closing), (202, json!({"outcome": "closing"})));
    assert_eq!(client.text().await, "goodbye");
    assert_eq!(client.closed().await, (4001, "hé you".to_owned()));
    server.log.message(r#"closed: Host 4001 "hé you" "admin" after 1 messages"#).await;
    let closed = async { while operator.ask(&request).await.0 != 404 {} };
    within("the end of the connection", closed).await;

    let (mut client, id) = connected(&server).await;
    assert_eq!(operator.ask(&format!("DELETE /connections/{id}")).await.0, 202);
    assert_eq!(client.closed().await, (1000, String::new()));
}

#[tokio::test]
async fn a_connection_that_is_closing_is_gone() {
    let (server, operator) = reports(&["--close-timeout=1h"]).await;
    let mut socket = crate::harness::upgraded(server.address, "/reports").await;
    let mut first = [0; 3];
    within("its id", tokio::io::AsyncReadExt::read_exact(&mut socket, &mut first)).await.unwrap();
    let request = format!("connections/{}", char::from(first[2]));
    // Whoever does not answer the close frame is closing for an hour.
    assert_eq!(operator.ask(&format!("DELETE /{request}")).await.0, 202);
    for method in ["DELETE", "POST"] {
        let (status, problem) = operator.ask(&format!("{method} /{request}")).await;
        assert_eq!((status, &problem["outcome"]), (410, &json!("closed")), "{method}");
    }
}

#[tokio::test]
async fn what_the_operator_publishes_reaches_who_is_subscribed() {
    let manifest = b"[capabilities]\ntopics = { publish = [], subscribe = [\"news\"] }\n";
    let server = Start::with(&[
        ("one.wasm", &PUBLISHES.bytes()),
        ("one.toml", manifest),
        ("two.wasm", &PUBLISHES.bytes()),
        ("two.toml", manifest),
    ])
    .arg("--admin=127.0.0.1:0")
    .arg("--max-message-size=1000")
    .run()
    .await;
    let operator = Operator::of(&server).await;
    let mut one = server.connect("/one").await;
    let mut two = server.connect("/two").await;
    for client in [&mut one, &mut two] {
        for topic in ["a/b", "shared:news"] {
            assert_eq!(client.ask(&format!("subscribe {topic}")).await, "Subscribed");
        }
    }
    let publish = |topic: &str, handler: &str| format!("POST /topics/{topic}?handler={handler}");
    let published = (202, json!({"outcome": "published"}));
    assert_eq!(operator.send(&publish("a%2Fb", "one"), &[], b"for one").await, published);
    assert_eq!(one.text().await, "for one");
    // A topic that they share needs no grant to publish, and reaches both; what went to
    // the one's own has not reached the other.
    let shared = publish("shared%3Anews", "one");
    assert_eq!(operator.send(&shared, &[BINARY], b"\xff").await, published);
    for client in [&mut one, &mut two] {
        assert_eq!(client.next().await.unwrap().unwrap(), Message::binary(vec![0xff]));
    }
    assert_eq!(operator.send(&publish("nobody-listens", "one"), &[], b"x").await, published);
    for (request, status) in [
        ("POST /topics/x", 400),
        ("POST /topics/x?handler=nobody", 404),
        ("POST /topics/?handler=one", 400),
        ("POST /topics/%00?handler=one", 400),
        ("POST /topics/%ff?handler=one", 400),
        ("POST /topics/x?handler=one&to=two", 400),
    ] {
        assert_eq!(operator.send(request, &[], b"x").await.0, status, "{request}");
    }
    let long = format!("POST /topics/{}?handler=one", "x".repeat(257));
    assert_eq!(operator.send(&long, &[], b"x").await.0, 400);
    let (status, problem) = operator.send(&shared, &[], &[b'x'; 1001]).await;
    assert_eq!((status, &problem["outcome"]), (413, &json!("too-large")));
    assert_eq!(operator.send(&shared, &[], b"\xff").await.0, 400);
}

#[tokio::test]
async fn connections_are_listed_a_page_at_a_time() {
    let server = Start::with(&[
        ("reports.wasm", &REPORTS_CLOSE.bytes()),
        ("room/one.wasm", &ANSWERS_A.bytes()),
    ])
    .arg("--admin=127.0.0.1:0")
    .run()
    .await;
    let operator = Operator::of(&server).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(connected(&server).await);
    }
    let mut other = server.connect("/room/one").await;
    assert_eq!(other.ask("x").await, "a:x");
    let all: Vec<u64> = clients.iter().map(|(_, id)| *id).collect();
    let (mut listed, mut after) = (Vec::new(), 0);
    loop {
        let request = format!("GET /connections?handler=reports&limit=2&after={after}");
        let (_, page) = operator.ask(&request).await;
        let ids = page["connections"].as_array().unwrap().iter();
        listed.extend(ids.map(|connection| connection["id"].as_u64().unwrap()));
        if listed.len() == 2 {
            // Who goes and who comes meanwhile moves nobody else to another page.
            drop(clients.remove(0));
            let gone = format!("DELETE /connections/{}", all[0]);
            within("its end", async { while operator.ask(&gone).await.0 != 404 {} }).await;
            clients.push(connected(&server).await);
        }
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    let new = clients.last().unwrap().1;
    assert_eq!(listed, [&all[..], &[new]].concat());

    let (_, page) = operator.ask("GET /connections?handler=room%2Fone").await;
    let one = &page["connections"][0];
    assert_eq!(
        (&one["handler"], &one["path"], &one["generation"]),
        (&json!("room/one"), &json!("/room/one"), &json!(1))
    );
    assert!(one["remote_address"].as_str().unwrap().starts_with("127.0.0.1:"), "{one}");
    assert_eq!((page["connections"].as_array().unwrap().len(), &page["next"]), (1, &Value::Null));
    assert_eq!(
        operator.ask("GET /connections").await.1["connections"].as_array().unwrap().len(),
        6
    );
    for bad in ["limit=0", "limit=1001", "limit=x", "after=-1", "page=2", "limit=1&limit=2"] {
        assert_eq!(operator.ask(&format!("GET /connections?{bad}")).await.0, 400, "{bad}");
    }
    assert_eq!(operator.ask("GET /connections?handler=nobody").await.0, 404);
}

#[tokio::test]
async fn handlers_show_what_they_are_and_why_a_load_failed() {
    let server = Start::with(&[
        ("good.wasm", &ANSWERS_A.bytes()),
        ("a room.wasm", &ANSWERS_A.bytes()),
        ("traps.wasm", &TRAPS_ON_MESSAGE.bytes()),
        ("broken.wasm", b"garbage"),
    ])
    .arg("--admin=127.0.0.1:0")
    .run()
    .await;
    let operator = Operator::of(&server).await;
    let broken = operator.handler("broken").await;
    assert_eq!((&broken["state"], &broken["generation"]), (&json!("failed"), &Value::Null));
    let complaint = broken["complaint"].as_str().unwrap();
    assert!(complaint.contains("broken.wasm: is not WebAssembly"), "{complaint}");
    assert_eq!(operator.handler("a room").await["route"], "/a%20room");

    let mut client = server.connect("/good").await;
    assert_eq!(client.ask("x").await, "a:x");
    let good = operator.handler("good").await;
    for (key, value) in [
        ("route", json!("/good")),
        ("host", Value::Null),
        ("scope", json!("connection")),
        ("state", json!("serving")),
        ("generation", json!(1)),
        ("complaint", Value::Null),
        ("connections", json!(1)),
        ("instances", json!(1)),
        (
            "generations",
            json!([{"generation": 1, "state": "serving", "connections": 1, "stays": null}]),
        ),
        ("parked", json!(0)),
    ] {
        assert_eq!(good[key], value, "{key}");
    }
    for (counter, value) in [("opened", 1), ("messages_in", 1), ("message_bytes_out", 3)] {
        assert_eq!(good["counters"][counter], value, "{counter}: {good}");
    }

    // A swap that fails says why while the old generation serves on, until one goes well.
    server.put("good.wasm", b"\0asm\x01\0\0\0");
    server.log.message("is a core module").await;
    let good = operator.handler("good").await;
    assert!(good["complaint"].as_str().unwrap().contains("is a core module"), "{good}");
    assert_eq!((&good["state"], &good["generation"]), (&json!("serving"), &json!(1)));
    server.put("good.wasm", &ANSWERS_B.bytes());
    let loaded = async { while operator.handler("good").await["generation"] != 2 {} };
    within("generation 2", loaded).await;
    assert_eq!(operator.handler("good").await["complaint"], Value::Null);
    // So does the file that served all the time, put back.
    server.put("good.wasm", b"garbage");
    server.log.message("good.wasm: is not WebAssembly").await;
    server.put("good.wasm", &ANSWERS_B.bytes());
    let back = async { while operator.handler("good").await["complaint"] != Value::Null {} };
    within("no complaint", back).await;
    assert_eq!(operator.handler("good").await["generation"], 2);

    for _ in 0..5 {
        let mut client = server.connect("/traps").await;
        client.send("trap").await;
        client.closed().await;
    }
    let held_back = async { while operator.handler("traps").await["state"] != "held-back" {} };
    within("a pause", held_back).await;
    assert_eq!(operator.ask("GET /handlers?x=1").await.0, 400);
}

/// All that the document says can be met with, but for what takes a server that is just
/// starting or ending.
#[tokio::test]
async fn the_server_answers_as_its_document_says() {
    let (server, operator) = reports(&["--max-message-size=2MiB"]).await;
    let (mut client, id) = connected(&server).await;
    let one = format!("/connections/{id}");
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/handlers", "/connections"] {
        assert_eq!(operator.ask(&format!("GET {path}")).await.0, 200, "{path}");
        operator.try_send(&format!("GET {path}"), &["Origin: http://x"], b"").await;
        operator.try_send(&format!("GET {path}"), &[], b"").await;
    }
    let rollback = "POST /handlers/reports/rollback";
    operator.ask(rollback).await;
    server.put("reports.wasm", &ANSWERS_B.bytes());
    let loaded = async { while operator.ask(rollback).await.0 != 200 {} };
    within("something to go back to", loaded).await;
    for topic in ["x?handler=reports", "x?handler=nobody", "x"] {
        operator.ask(&format!("POST /topics/{topic}")).await;
    }
    let large = vec![b'x'; 3 << 20];
    operator.send("POST /topics/x?handler=reports", &[], &large).await;
    let all = [
        "POST /topics/x",
        "POST /handlers/nobody/rollback",
        "POST /handlers/%ff/rollback",
        "GET /handlers?x",
        "GET /connections?limit=0",
        "GET /connections?handler=nobody",
        "POST /connections/0",
        "DELETE /connections/0",
        &format!("POST {one}?x"),
        &format!("DELETE {one}?code=1"),
    ];
    for request in all {
        operator.ask(request).await;
        operator.try_send(request, &[], b"").await;
        operator.try_send(request, &["Origin: http://x"], b"").await;
    }
    let write = format!("POST {one}");
    operator.send(&write, &[], &large).await;
    operator.send(&write, &[], b"one").await;
    assert_eq!(client.text().await, "one");
    let message = vec![b'x'; 1 << 20];
    while operator.send(&write, &[], &message).await.0 == 202 {}
    operator.ask(&format!("DELETE {one}")).await;
    operator.ask(&format!("DELETE {one}")).await;
    operator.ask(&write).await;

    let elsewhere = [
        ("/readyz", "get", 503),
        ("/handlers/{name}/rollback", "post", 503),
        ("/topics/{topic}", "post", 503),
    ];
    let mut described = operator.described();
    for (path, method, status) in elsewhere {
        assert!(described.remove(&(path.to_owned(), method.to_owned(), status)), "{path}");
    }
    assert_eq!(operator.seen(), described);
}
