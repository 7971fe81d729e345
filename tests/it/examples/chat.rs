//! The chat, as people talk in it.

use super::{server_of, start_of};
use crate::harness::{Client, LogLine, Server, example, http, metrics};

/// Joins a room, and reads on until everyone has been told.
async fn join(server: &Server, room: &str, name: &str, there: &mut [&mut Client]) -> Client {
    let mut client = server.connect(&format!("/chat/{room}?name={name}")).await;
    let joined = format!("* {name} joined");
    while client.text().await != joined {}
    for other in there {
        assert_eq!(other.text().await, joined);
    }
    client
}

#[tokio::test]
async fn everyone_in_the_room_reads_what_one_says() {
    let server = server_of("chat").await;
    let mut ada = server.connect("/chat/blue?name=Ada").await;
    assert_eq!(ada.text().await, "* Ada joined");
    let mut bob = server.connect("/chat/blue?name=Bob").await;
    assert_eq!(bob.text().await, "* Bob joined");
    assert_eq!(ada.text().await, "* Bob joined");
    ada.send("hello, Bob").await;
    bob.send("hello, Ada").await;
    // In whichever order they came, it is the same for both.
    let seen = [ada.text().await, ada.text().await];
    assert_eq!(seen, [bob.text().await, bob.text().await]);
    let mut sorted = seen;
    sorted.sort();
    assert_eq!(sorted, ["Ada: hello, Bob", "Bob: hello, Ada"]);
}

#[tokio::test]
async fn who_stays_is_told_who_left() {
    let server = server_of("chat").await;
    let mut ada = join(&server, "blue", "Ada", &mut []).await;
    let mut bob = join(&server, "blue", "Bob", &mut [&mut ada]).await;
    assert_eq!(bob.close(1000, "").await, (vec![], Some((1000, String::new()))));
    assert_eq!(ada.text().await, "* Bob left");
    // One whose socket just ends has left as well.
    drop(join(&server, "blue", "Eve", &mut [&mut ada]).await);
    assert_eq!(ada.text().await, "* Eve left");
}

#[tokio::test]
async fn rooms_know_nothing_of_each_other() {
    let server = server_of("chat").await;
    let mut blue = join(&server, "blue", "Ada", &mut []).await;
    let mut red = join(&server, "red", "Bob", &mut []).await;
    assert_eq!(blue.ask("in blue").await, "Ada: in blue");
    assert_eq!(red.ask("in red").await, "Bob: in red");
    let mut late = server.connect("/chat/blue?name=Eve").await;
    assert_eq!(late.text().await, "Ada: in blue");
    assert_eq!(late.text().await, "* Eve joined");
    assert_eq!(blue.text().await, "* Eve joined");
}

#[tokio::test]
async fn who_joins_first_reads_the_last_fifty_lines() {
    let server = server_of("chat").await;
    let mut ada = join(&server, "blue", "Ada", &mut []).await;
    for number in 0..60 {
        assert_eq!(ada.ask(&number.to_string()).await, format!("Ada: {number}"));
    }
    let mut bob = server.connect("/chat/blue?name=Bob").await;
    for number in 10..60 {
        assert_eq!(bob.text().await, format!("Ada: {number}"));
    }
    assert_eq!(bob.text().await, "* Bob joined");
}

#[tokio::test]
async fn a_reload_finds_what_was_said() {
    let server = server_of("chat").await;
    let mut ada = join(&server, "blue", "Ada", &mut []).await;
    assert_eq!(ada.ask("still here?").await, "Ada: still here?");
    ada.close(1001, "").await;
    let mut ada = server.connect("/chat/blue?name=Ada").await;
    assert_eq!(ada.text().await, "Ada: still here?");
    assert_eq!(ada.text().await, "* Ada joined");
}

#[tokio::test]
async fn a_name_can_be_missing_and_can_look_like_no_line() {
    let server = server_of("chat").await;
    let mut guest = server.connect("/chat/blue").await;
    assert_eq!(guest.text().await, "* guest joined");
    let mut liar = server.connect("/chat/blue?name=*+Ada:+joined%0A").await;
    assert_eq!(liar.text().await, "* Ada joined joined");
    let mut jürgen = server.connect("/chat/blue?name=J%C3%BCrgen").await;
    assert_eq!(jürgen.text().await, "* Jürgen joined");
}

#[tokio::test]
async fn what_is_no_text_of_a_sensible_length_disturbs_no_one() {
    let server = server_of("chat").await;
    let mut ada = join(&server, "blue", "Ada", &mut []).await;
    let mut bob = join(&server, "blue", "Bob", &mut [&mut ada]).await;
    assert_eq!(bob.ask(&"x".repeat(1 << 20)).await, "* a text may have 65536 bytes");
    bob.send(vec![1, 2, 3]).await;
    assert_eq!(bob.closed().await, (1003, "text only".to_owned()));
    assert_eq!(ada.text().await, "* Bob left");
}

#[tokio::test]
async fn one_who_does_not_read_leaves_and_the_others_talk_on() {
    let server = server_of("chat").await;
    let mut ada = join(&server, "blue", "Ada", &mut []).await;
    let mut slow = join(&server, "blue", "Slow", &mut [&mut ada]).await;
    let slow_is_closed = server.log.message("is closed with 1013");
    let long = "x".repeat(60_000);
    let line = format!("Ada: {long}");
    // Far more than its queue and the sockets' buffers hold.
    let talk = async {
        for _ in 0..2000 {
            assert!(ada.ask(&long).await == line);
        }
        panic!("nothing was too much for one who does not read");
    };
    tokio::select! {
        _ = slow_is_closed => {}
        () = talk => {}
    }
    // The last answer may not have been read.
    ada.send("and on").await;
    loop {
        match ada.text().await {
            text if text == "Ada: and on" => break,
            text => assert!(text == line || text == "* Slow left", "{text:.40}"),
        }
    }
    let (read, close) = slow.rest().await;
    assert!(read.iter().all(|message| message.to_text().unwrap() == line));
    assert_eq!(close, Some((1013, "max-backpressure".to_owned())));
}

#[tokio::test]
async fn the_page_is_served_beside_the_chat() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/chat/page");
    let server = start_of("chat").arg(format!("--static={page}")).run().await;
    let answer = http(server.address, "GET /", &["Host: localhost"]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, include_str!("../../../examples/chat/page/index.html"));
    join(&server, "lobby", "Ada", &mut []).await;
}

/// The same component, with a custom section that makes another file of it.
fn new_version(component: &[u8], number: u8) -> Vec<u8> {
    [component, &[0, 3, 1, b'v', number]].concat()
}

#[tokio::test]
async fn a_new_version_of_the_chat_keeps_who_is_there_and_what_was_said() {
    let server = start_of("chat").arg("--admin=127.0.0.1:0").run().await;
    let mut ada = join(&server, "blue", "Ada", &mut []).await;
    let mut bob = join(&server, "blue", "Bob", &mut [&mut ada]).await;
    assert_eq!(ada.ask("one").await, "Ada: one");
    assert_eq!(bob.text().await, "Ada: one");
    for generation in 2..5 {
        server.put("chat.wasm", &new_version(&example("chat"), generation));
        let serves = |line: &LogLine| line.number("generation") == Some(generation.into());
        server.log.wait("the new version", serves).await;
        // Nobody is told of anything but this, whichever of the two versions answers.
        let said = format!("Bob: {generation}");
        assert_eq!(bob.ask(&generation.to_string()).await, said);
        assert_eq!(ada.text().await, said);
    }
    let mut eve = server.connect("/chat/blue?name=Eve").await;
    for line in ["Ada: one", "Bob: 2", "Bob: 3", "Bob: 4", "* Eve joined"] {
        assert_eq!(eve.text().await, line);
    }
    bob.close(1000, "").await;
    for line in ["* Eve joined", "* Bob left"] {
        assert_eq!(ada.text().await, line);
    }
    let metrics = metrics(&server).await;
    let moved = r#"socklet_migrations_total{handler="chat",outcome="moved"}"#;
    assert_eq!(metrics[moved], 3.0);
}
