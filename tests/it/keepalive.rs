//! Pings, and peers that vanish.

use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::guests::{FLOODS_ON_MESSAGE, REPORTS_CLOSE};
use crate::harness::{Start, frame, upgraded, within};

#[tokio::test]
async fn a_silent_peer_is_pinged_and_lives_while_it_answers() {
    let server = Start::with(&[("reports.wasm", &REPORTS_CLOSE.bytes())])
        .arg("--ping-interval=50ms")
        .arg("--pong-timeout=10s")
        .run()
        .await;
    let mut client = server.connect("/reports").await;
    client.text().await;
    for _ in 0..5 {
        // tungstenite answers it.
        assert_eq!(client.next().await.unwrap().unwrap(), Message::Ping(Default::default()));
    }
    assert_eq!(client.ask("alive").await, "alive");
}

#[tokio::test]
async fn a_vanished_peer_is_1001_and_on_close_runs() {
    let server = Start::with(&[("reports.wasm", &REPORTS_CLOSE.bytes())])
        .arg("--ping-interval=100ms")
        .arg("--pong-timeout=400ms")
        .run()
        .await;
    // By hand, because a client library would answer the pings.
    let mut socket = upgraded(server.address, "/reports").await;
    let mut bytes = Vec::new();
    within("the end of the socket", socket.read_to_end(&mut bytes)).await.unwrap();
    let text = String::from_utf8_lossy(&bytes);
    // The last frame: FIN and close, a length, and 1001.
    let close = bytes.windows(4).rposition(|frame| frame[0] == 0x88 && frame[2..] == [0x03, 0xE9]);
    assert!(close.is_some() && text.ends_with("(pong-timeout)"), "{text}");
    // A ping came before that.
    assert!(bytes.windows(2).any(|frame| frame == [0x89, 0]), "{text}");
    server.log.message(r#"pong-timeout" after 0 messages"#).await;
}

#[tokio::test]
async fn a_part_of_a_frame_is_a_sign_of_life() {
    let args = ["--ping-interval=500ms", "--pong-timeout=1s"];
    let server = args.into_iter().fold(Start::embedded(), Start::arg).run().await;
    let mut socket = upgraded(server.address, "/echo").await;
    // One frame, far slower than the timeout; nothing else says that the peer lives.
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    for byte in frame(1, &[b'x'; 125]) {
        pace.tick().await;
        socket.write_u8(byte).await.unwrap();
    }
    let mut answer = [0; 127];
    within("the echo", socket.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer[..3], [0x81, 125, b'x']);
}

#[tokio::test]
async fn a_peer_that_the_server_does_not_read_from_is_not_given_up() {
    let server = Start::with(&[("floods.wasm", &FLOODS_ON_MESSAGE.bytes())])
        .arg("--ping-interval=50ms")
        .arg("--pong-timeout=200ms")
        .arg("--write-timeout=1s")
        .arg("--max-backpressure=16MiB")
        .run()
        .await;
    let mut client = server.connect("/floods").await;
    // Its queue stays more than half full: reading is paused, and it is the
    // write timeout that ends it.
    client.send("try 15 1000000").await;
    server.log.message(r#"closed: Host 1008 "write-timeout""#).await;
    drop(client);
}
