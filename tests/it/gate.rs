//! The handler's own gate: what it decides about a handshake, and what it can't.

use crate::harness::guests::{ADMITS, DECIDES, SHARES};
use crate::harness::{Client, Server, Start, http_bytes};

async fn server() -> Server {
    started("").run().await
}

fn started(manifest: &str) -> Start {
    let files = [("decides.wasm", &DECIDES.bytes()[..]), ("decides.toml", manifest.as_bytes())];
    Start::with(&files)
}

fn route(wish: &str) -> String {
    format!("/decides?do={}", wish.replace(' ', "+"))
}

/// What the handler says of a connection that was let in.
async fn let_in(server: &Server, wish: &str) -> String {
    server.connect(&route(wish)).await.text().await
}

/// The whole response to a handshake that offers `chat.v1` and `chat.v2`.
async fn asked(server: &Server, wish: &str) -> crate::harness::Response {
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: chat.v1, chat.v2\r\n\r\n",
        route(wish)
    );
    http_bytes(server.address, request.as_bytes()).await
}

#[tokio::test]
async fn what_it_accepts_is_opened_with_what_it_adds() {
    let server = server().await;
    assert_eq!(let_in(&server, "accept").await, "none, 0, nothing");
    assert_eq!(let_in(&server, "attach 5").await, "none, 0, 5 bytes: xxxxx");
    assert_eq!(let_in(&server, "attach 0").await, "none, 0, 0 bytes: ");
    assert_eq!(let_in(&server, "attach 65536").await[..22], *"none, 0, 65536 bytes: ");
    let response = asked(&server, "header set-cookie seen=1").await;
    assert_eq!((response.status, response.header("set-cookie")), (101, Some("seen=1")));
    let response = asked(&server, "subprotocol chat.v2").await;
    assert_eq!(response.status, 101);
    assert_eq!(response.header("sec-websocket-protocol"), Some("chat.v2"));
    let offer = [("sec-websocket-protocol", "chat.v1, chat.v2")];
    let url = server.url(&route("subprotocol chat.v2"));
    let mut client = Client::try_connect(&url, &offer).await.unwrap();
    assert_eq!(client.text().await, "chat.v2, 0, nothing");
}

#[tokio::test]
async fn what_it_rejects_gets_its_status_and_its_words_and_is_never_a_connection() {
    let server = server().await;
    for status in [400, 403, 429, 503, 599] {
        let response = asked(&server, &format!("reject {status}")).await;
        assert_eq!(response.status, status);
        assert_eq!(
            (response.body.as_str(), response.header("x-why")),
            ("not you", Some("as told"))
        );
    }
    // Nothing is left of them: the only one that was let in is the first.
    assert_eq!(let_in(&server, "accept").await, "none, 0, nothing");
}

#[tokio::test]
async fn an_answer_that_can_not_be_given_is_500_and_the_log_says_why() {
    let server = server().await;
    for (wish, why) in [
        ("reject 200", "the status 200"),
        ("reject 302", "the status 302"),
        ("body 4097", "a body over 4096 bytes"),
        ("attach 65537", "an attachment over 65536 bytes"),
        ("subprotocol chat.v3", "a subprotocol that the peer has not offered"),
        ("header connection close", "the header field connection"),
        ("header sec-websocket-accept x", "the header field sec-websocket-accept"),
        ("header x a%0D%0Ab:+c", "a header field that is not well-formed"),
    ] {
        let start = server.log.len();
        assert_eq!(asked(&server, wish).await.status, 500, "{wish}");
        let says = |line: &crate::harness::LogLine| line.message().contains(why);
        server.log.wait_from(start, why, says).await;
    }
}

#[tokio::test]
async fn it_can_ask_for_the_captures_and_can_not_write_yet() {
    let manifest = "route = \"/decides/{team}/{seat}\"\n";
    let server = started(manifest).run().await;
    let mut client = server.connect("/decides/blue/7?do=params").await;
    let params = r#"none, 0, 33 bytes: [("team", "blue"), ("seat", "7")]"#;
    assert_eq!(client.text().await, params);
    let mut client = server.connect("/decides/blue/7?do=early").await;
    assert_eq!(client.text().await, "none, 0, 18 bytes: Err(Closed) Closed");
    assert_eq!(client.ask("still open").await, "still open");
}

#[tokio::test]
async fn one_that_panics_is_500_and_one_that_takes_too_long_504() {
    let server = started("").arg("--event-cpu-time=100ms").run().await;
    assert_eq!(asked(&server, "panic").await.status, 500);
    server.log.message("handshake refused: the gate failed: trapped").await;
    assert_eq!(asked(&server, "loop").await.status, 504);
    server.log.message("100ms of CPU time").await;
    assert_eq!(let_in(&server, "accept").await, "none, 0, nothing");
}

#[tokio::test]
async fn it_is_not_asked_about_what_the_host_refuses() {
    let server = server().await;
    let foreign = [("origin", "https://evil.example")];
    let refused = Client::try_connect(&server.url(&route("accept")), &foreign).await;
    assert_eq!(refused.err().unwrap(), 403);
    assert_eq!(let_in(&server, "attach 1").await, "none, 0, 1 bytes: x");
    server.log.message("asked to attach 1").await;
    let asked = server.log.lines().into_iter().filter(|line| line.is_guests());
    assert_eq!(
        asked.map(|line| line.message().to_owned()).collect::<Vec<_>>(),
        ["asked to attach 1"]
    );
}

#[tokio::test]
async fn that_of_a_room_decides_in_the_instance_that_will_serve() {
    let server = started("scope = \"handler\"\n").arg("--event-cpu-time=100ms").run().await;
    let mut first = server.connect(&route("accept")).await;
    assert_eq!(first.text().await, "none, 0, nothing");
    assert_eq!(asked(&server, "reject 403").await.status, 403);
    assert_eq!(let_in(&server, "attach 3").await, "none, 1, 3 bytes: xxx");
    assert_eq!(asked(&server, "header connection close").await.status, 500);
    assert_eq!(first.ask("unharmed").await, "unharmed");
    assert_eq!(asked(&server, "panic").await.status, 500);
    assert_eq!(first.closed().await, (1011, "the handler failed".into()));
    let mut second = server.connect(&route("accept")).await;
    assert_eq!(second.text().await, "none, 0, nothing");
    assert_eq!(asked(&server, "loop").await.status, 504);
    assert_eq!(second.closed().await, (1011, "the handler failed: event-cpu-time".into()));
}

/// Whoever waits for the gate when its instance fails is asked about by the next one.
#[tokio::test]
async fn a_handshake_that_waits_when_the_room_fails_gets_another_one() {
    let server = started("scope = \"handler\"\n").arg("--event-cpu-time=500ms").run().await;
    let address = server.address;
    let start = server.log.len();
    let url = server.url(&route("loop"));
    let looping = tokio::spawn(async move { Client::try_connect(&url, &[]).await.err() });
    let asked = |line: &crate::harness::LogLine| line.message() == "asked to loop";
    server.log.wait_from(start, "the loop", asked).await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let url = format!("ws://{address}{}", route("accept"));
        waiting.push(tokio::spawn(async move { Client::connect(&url).await.text().await }));
    }
    assert_eq!(looping.await.unwrap().unwrap(), 504);
    let mut said = Vec::new();
    for waiting in waiting {
        said.push(waiting.await.unwrap());
    }
    said.sort();
    assert_eq!(said, ["none, 0, nothing", "none, 1, nothing", "none, 2, nothing"]);
}

#[tokio::test]
async fn a_room_that_only_let_nobody_in_does_not_linger() {
    let manifest = "route = \"/decides/{room}\"\nscope = \"path\"\nlinger = \"1h\"\n";
    let server = started(manifest).arg("--max-handler-instances=1").run().await;
    for room in 0..10 {
        let url = server.url(&format!("/decides/{room}?do=reject+403"));
        let status = loop {
            match Client::try_connect(&url, &[]).await.err().unwrap() {
                // The room before has not ended yet.
                status if status == 503 => {}
                status => break status,
            }
        };
        assert_eq!(status, 403);
    }
}

#[tokio::test]
async fn a_gate_of_another_version_is_refused_and_not_left_out() {
    let (known, other) = (b"socklet:websocket/gate@0.1.0", b"socklet:websocket/gate@0.2.0");
    let mut bytes = DECIDES.bytes();
    let found: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(known)).collect();
    assert!(!found.is_empty());
    for at in found {
        bytes[at..at + other.len()].copy_from_slice(other);
    }
    let server = Start::with(&[("decides.wasm", &bytes)]).run().await;
    let said = "decides.wasm: exports socklet:websocket/gate@0.2.0, which this host does not know";
    server.log.message(said).await;
    let refused = Client::try_connect(&server.url(&route("accept")), &[]).await;
    assert_eq!(refused.err().unwrap(), 500);
}

const ROOMS: &str = "route = \"/room/{room}\"\nscope = \"path\"\nswap = \"drain\"\n";

/// Asks for a place in a room.
async fn enter(server: &Server, path: &str) -> Result<Client, u16> {
    let connected = Client::try_connect(&server.url(path), &[]).await;
    connected.map_err(|status| status.as_u16())
}

#[tokio::test]
async fn a_room_has_its_gate_which_knows_who_is_there() {
    let files = [("x.wasm", &ADMITS.bytes()[..]), ("x.toml", ROOMS.as_bytes())];
    let server = Start::with(&files).run().await;
    assert_eq!(enter(&server, "/room/a").await.err(), Some(403));
    let mut ada = enter(&server, "/room/a?name=ada").await.ok().unwrap();
    assert_eq!(ada.text().await, "ada of a");
    let mut ben = enter(&server, "/room/a?name=ben").await.ok().unwrap();
    assert_eq!((ada.text().await, ben.text().await), ("ben of a".into(), "ben of a".into()));
    // It is asked where those are who are there: of another room it knows nothing.
    assert_eq!(enter(&server, "/room/a?name=eve").await.err(), Some(503));
    let mut eve = enter(&server, "/room/b?name=eve").await.ok().unwrap();
    assert_eq!((eve.text().await, eve.ask("who").await), ("eve of b".into(), "eve of b".into()));
    // Whoever was turned away was never in the room.
    assert_eq!(ada.ask("who").await, "ada of a, ben of a");
    ben.close(1000, "").await;
    assert_eq!(ada.text().await, "ben of a left");
    let mut eve = enter(&server, "/room/a?name=eve").await.ok().unwrap();
    assert_eq!(eve.text().await, "eve of a");
    assert_eq!(ada.text().await, "eve of a");
}

#[tokio::test]
async fn nobody_joins_a_room_that_drains_past_a_gate_that_has_come() {
    let files = [("x.wasm", &SHARES.bytes()[..]), ("x.toml", ROOMS.as_bytes())];
    let server = Start::with(&files).run().await;
    let mut old = enter(&server, "/room/a").await.ok().unwrap();
    assert_eq!(old.ask("here").await, "1");
    server.put("x.wasm", &ADMITS.bytes());
    let second = |line: &crate::harness::LogLine| line.number("generation") == Some(2);
    server.log.wait("generation 2", second).await;
    // Its room is still there, and was open to everybody.
    assert_eq!(enter(&server, "/room/a").await.err(), Some(403));
    let mut new = enter(&server, "/room/a?name=ada").await.ok().unwrap();
    assert_eq!((new.text().await, new.ask("who").await), ("ada of a".into(), "ada of a".into()));
    assert_eq!(old.ask("here").await, "1");
    // Nor once the last of the old room has left.
    old.close(1000, "").await;
    assert_eq!(enter(&server, "/room/a").await.err(), Some(403));
}
