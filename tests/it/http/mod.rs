//! Requests of guests to upstreams: what comes in pieces leaves in pieces, and the
//! connection lives on meanwhile.

mod grants;
mod hostile;
mod limits;
mod swap;

use tokio_tungstenite::tungstenite::Message;

use crate::harness::guests::FETCHES;
use crate::harness::{Client, Server, Start, Upstream};

/// A handler `/f` that may send requests to an upstream.
fn start(upstream: &Upstream) -> Start {
    allowing(&[&upstream.address.to_string()], "")
}

/// A handler `/f` that may send requests to these hosts, with more at the start of its
/// manifest.
fn allowing(hosts: &[&str], more: &str) -> Start {
    let manifest = format!("{more}\n[capabilities]\nallowed-hosts = {hosts:?}\n");
    Start::with(&[("f.wasm", &FETCHES.bytes()), ("f.toml", manifest.as_bytes())])
}

async fn with_args(upstream: &Upstream, args: &[&str]) -> Server {
    args.iter().fold(start(upstream), |start, arg| start.arg(*arg)).run().await
}

/// Has a guest get a URL; the answer is what it tells last.
async fn outcome(client: &mut Client, command: &str) -> String {
    client.send(command).await;
    loop {
        let text = client.text().await;
        if text == "end" || text.starts_with("error ") {
            return text;
        }
    }
}

async fn pong(client: &mut Client, payload: &'static [u8]) {
    client.ping(payload).await;
    match client.next().await {
        Some(Ok(Message::Pong(got))) => assert_eq!(got, payload),
        other => panic!("expected a pong, got {other:?}"),
    }
}

/// Each piece has come before the next one is sent.
async fn streams(server: &Server, upstream: &Upstream) {
    let mut client = server.connect("/f").await;
    client.send(format!("get {}", upstream.url())).await;
    let mut call = upstream.call().await;
    pong(&mut client, b"before the head").await;
    call.begin().await;
    assert_eq!(client.text().await, "status 200");
    for piece in ["one", "two", "three", "four"] {
        pong(&mut client, b"while it waits").await;
        call.piece(piece).await;
        assert_eq!(client.text().await, piece);
    }
    // What comes in meanwhile waits for its turn.
    client.send("after").await;
    pong(&mut client, b"while one waits").await;
    call.end().await;
    assert_eq!(client.text().await, "end");
    assert_eq!(client.text().await, "after");
    call.closed().await;
}

#[tokio::test]
async fn an_answer_that_comes_in_pieces_leaves_in_pieces() {
    let upstream = Upstream::start().await;
    let server = start(&upstream).run().await;
    streams(&server, &upstream).await;
}

#[tokio::test]
async fn so_it_does_where_connections_share_an_instance() {
    let upstream = Upstream::start().await;
    let address = upstream.address.to_string();
    let server = allowing(&[&address], "scope = \"handler\"").run().await;
    let mut other = server.connect("/f").await;
    assert_eq!(other.ask("here").await, "here");
    streams(&server, &upstream).await;
    assert_eq!(other.ask("still").await, "still");
}

#[tokio::test]
async fn requests_are_sent_from_every_event() {
    let upstream = Upstream::start().await;
    let server = start(&upstream).run().await;
    let address = upstream.address;
    let url = format!("/f?gate=http://{address}/gate&ready=http://{address}/ready");
    let answer = async || {
        let mut call = upstream.call().await;
        let path = call.head.split(' ').nth(1).unwrap().to_owned();
        call.answer(&path).await;
        path
    };
    let (mut client, asked) = tokio::join!(server.connect(&url), answer());
    assert_eq!(asked, "/gate");
    assert_eq!(client.text().await, "gate /gate");
    assert_eq!(answer().await, "/ready");
    assert_eq!(
        [client.text().await, client.text().await, client.text().await],
        ["status 200", "/ready", "end"]
    );
    assert_eq!(client.ask(&format!("bye http://{address}/close")).await, "end");
    let (_, asked) = tokio::join!(client.close(1000, ""), answer());
    assert_eq!(asked, "/close");
    server.log.message("bye Ok(\"/close\")").await;
}

#[tokio::test]
async fn a_request_is_as_the_guest_made_it_and_the_answer_as_it_came() {
    let upstream = Upstream::start().await;
    let server = start(&upstream).run().await;
    let mut client = server.connect("/f").await;
    client.send(format!("post {}path?query#fragment 300000", upstream.url())).await;
    let mut call = upstream.call().await;
    assert!(call.head.starts_with("post /path?query http/1.1\r\n"), "{}", call.head);
    assert!(call.head.contains(&format!("\r\nhost: {}\r\n", upstream.address)), "{}", call.head);
    assert_eq!(call.body, "x".repeat(300_000));
    call.answer("taken").await;
    assert_eq!([client.text().await, client.text().await], ["taken", "end"]);

    client.send(format!("head {}", upstream.url())).await;
    let mut call = upstream.call().await;
    assert!(call.head.starts_with("head / http/1.1\r\n"), "{}", call.head);
    assert!(call.head.contains("\r\nx-thing: of the guest\r\n"), "{}", call.head);
    call.say("HTTP/1.1 200 OK\r\nX-Two: a\r\nX-Two: b\r\nConnection: close\r\n\r\n").await;
    assert_eq!(
        [client.text().await, client.text().await, client.text().await],
        ["header x-two: a", "header x-two: b", "end"]
    );
}

#[tokio::test]
async fn a_redirect_is_the_guests_to_follow() {
    let upstream = Upstream::start().await;
    let elsewhere = Upstream::start().await;
    let server = start(&upstream).run().await;
    let mut client = server.connect("/f").await;
    client.send(format!("get {}", upstream.url())).await;
    let location = elsewhere.url();
    let mut call = upstream.call().await;
    call.say(&format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"))
        .await;
    assert_eq!([client.text().await, client.text().await], ["status 302", "end"]);
    assert_eq!(outcome(&mut client, &format!("get {location}")).await, "error Denied");
    assert!(!elsewhere.is_asked());
}

#[tokio::test]
async fn what_breaks_off_is_told() {
    let upstream = Upstream::start().await;
    let server = start(&upstream).run().await;
    let mut client = server.connect("/f").await;
    let url = upstream.url();
    for (answer, said) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "Connection("),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "Other("),
        ("", "Connection("),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "Other("),
    ] {
        client.send(format!("get {url}")).await;
        let mut call = upstream.call().await;
        call.say(answer).await;
        drop(call);
        let told = loop {
            let text = client.text().await;
            if text.starts_with("error ") {
                break text;
            }
        };
        assert!(told.starts_with(&format!("error {said}")), "{answer:?}: {told}");
    }
    drop(upstream);
    let told = outcome(&mut client, &format!("get {url}")).await;
    assert_eq!(told, "error Connection(\"refused\")");
    assert_eq!(client.ask("still").await, "still");
}
