//! The close codes of the design's table.

use tokio_tungstenite::tungstenite::Message;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::guests::{CLOSES_ON_MESSAGE, FLOODS_ON_MESSAGE, REPORTS_CLOSE};
use crate::harness::{Server, Start, frame, upgraded, within};

async fn server() -> Server {
    Start::with(&[("closes.wasm", &CLOSES_ON_MESSAGE.bytes())])
        .arg("--close-timeout=300ms")
        .run()
        .await
}

#[tokio::test]
async fn a_handlers_close_follows_what_it_wrote_and_seals_the_connection() {
    let server = server().await;
    let mut client = server.connect("/closes").await;
    client.feed("4000 that is all").await;
    client.feed("never delivered").await;
    client.flush().await;
    let (messages, close) = client.rest().await;
    assert_eq!(messages, [Message::from("before")]);
    assert_eq!(close, Some((4000, "that is all".into())));
    server.log.message("closed:").await;
    assert_eq!(
        server.log.said_by(1),
        [
            "close: Closing",
            "write after: Err(Closed)",
            "close again: Closed",
            "write in on-close: Err(Closed)",
            r#"closed: Handler 4000 "that is all" """#,
        ]
    );
}

#[tokio::test]
async fn codes_and_reasons_that_must_not_be_sent_are_invalid() {
    let server = server().await;
    let long = format!("1000 {}", "x".repeat(124));
    for bad in ["999", "1004", "1005", "1006", "1015", "2999", "5000", &long] {
        let mut client = server.connect("/closes").await;
        let start = server.log.len();
        client.feed(bad).await;
        client.flush().await;
        assert_eq!(client.text().await, "before");
        // The connection is still open: what was tried next went through.
        assert_eq!(client.text().await, "after");
        assert_eq!(client.closed().await, (1000, String::new()));
        let said = "close: Invalid";
        server.log.wait_from(start, said, |line| line.message() == said).await;
    }
    let longest = "x".repeat(123);
    let mut client = server.connect("/closes").await;
    client.send(format!("1000 {longest}")).await;
    assert_eq!(client.rest().await.1, Some((1000, longest)));
}

#[tokio::test]
async fn a_peer_that_never_answers_a_close_is_left_after_the_timeout() {
    let server = server().await;
    let mut client = server.connect("/closes").await;
    client.send("1000 bye").await;
    // Not reading is not answering.
    server.log.message(r#"closed: Handler 1000 "bye" "close-timeout""#).await;
    drop(client);
}

#[tokio::test]
async fn a_message_over_the_limit_is_1009_and_one_at_the_limit_is_served() {
    let server = Start::embedded().arg("--max-message-size=1000").run().await;
    let mut client = server.connect("/echo").await;
    let largest = "x".repeat(1000);
    assert_eq!(client.ask(&largest).await, largest);
    client.send("x".repeat(1001)).await;
    let (code, reason) = client.closed().await;
    assert_eq!(code, 1009);
    assert!(reason.contains("max-message-size"), "{reason}");
}

#[tokio::test]
async fn the_close_arrives_although_the_peer_is_still_sending() {
    let server = Start::embedded().arg("--max-message-size=1000").run().await;
    let mut client = server.connect("/echo").await;
    client.feed("x".repeat(500_000)).await;
    client.flush().await;
    assert_eq!(client.closed().await.0, 1009);
}

#[tokio::test]
async fn what_was_queued_arrives_although_the_peer_breaks_the_protocol_after_the_close() {
    let server = Start::with(&[("floods.wasm", &FLOODS_ON_MESSAGE.bytes())])
        .arg("--max-backpressure=16MiB")
        .run()
        .await;
    let (mut sink, mut stream) = server.connect("/floods").await.split();
    // The queue runs full, and the SDK closes.
    sink.send("write 30 1000000".into()).await.unwrap();
    server.log.message("is closed with 1013").await;
    // Over max-message-size, and more than is discarded before the queue has drained.
    let sender = tokio::spawn(async move { sink.send("x".repeat(1_500_000).into()).await });
    let mut messages = 0;
    let close = within("the close frame", async {
        loop {
            match stream.next().await.unwrap().unwrap() {
                Message::Close(frame) => return frame.unwrap(),
                message => messages += message.len() / 1_000_000,
            }
        }
    })
    .await;
    assert!(messages >= 16, "{messages}");
    assert_eq!(u16::from(close.code), 1013);
    server.log.message("closed: Handler 1013").await;
    sender.abort();
}

#[tokio::test]
async fn a_slow_peer_gets_all_that_was_queued_before_the_close() {
    let server = Start::with(&[("floods.wasm", &FLOODS_ON_MESSAGE.bytes())])
        .arg("--max-backpressure=32MiB")
        .arg("--write-timeout=2s")
        .run()
        .await;
    let mut client = server.connect("/floods").await;
    client.send("write 50 1000000").await;
    server.log.message("is closed with 1013").await;
    // Takes something all the time, and far longer than the timeout in all.
    let mut pace = tokio::time::interval(std::time::Duration::from_millis(100));
    let mut messages = 0;
    let close = loop {
        pace.tick().await;
        match client.next().await.unwrap().unwrap() {
            Message::Close(frame) => break frame.unwrap(),
            _ => messages += 1,
        }
    };
    assert!(messages >= 32, "{messages}");
    assert_eq!(u16::from(close.code), 1013);
}

#[tokio::test]
async fn on_close_comes_in_time_although_the_peer_is_still_taking_what_was_queued() {
    let server = Start::with(&[("floods.wasm", &FLOODS_ON_MESSAGE.bytes())])
        .arg("--max-backpressure=64MiB")
        .arg("--close-timeout=1s")
        .run()
        .await;
    let mut socket = upgraded(server.address, "/floods").await;
    socket.write_all(&frame(1, b"try 30 1000000")).await.unwrap();
    server.log.message("queued=30").await;
    socket.write_all(&frame(1, b"close")).await.unwrap();
    // Nothing is taken until the handler has heard of the end.
    server.log.message(r#"closed: Handler 1000 "close-timeout""#).await;
    let mut bytes = Vec::new();
    within("the rest", socket.read_to_end(&mut bytes)).await.unwrap();
    assert!(bytes.len() > 30_000_000, "{}", bytes.len());
    assert!(bytes.ends_with(&[0x88, 2, 0x03, 0xE8]), "{:?}", &bytes[bytes.len() - 10..]);
    let said = server.log.said_by(1);
    assert_eq!(said.iter().filter(|line| line.starts_with("closed: ")).count(), 1, "{said:?}");
}

#[tokio::test]
async fn a_close_code_that_must_not_be_sent_is_a_violation() {
    let server = Start::with(&[("reports.wasm", &REPORTS_CLOSE.bytes())]).run().await;
    let mut socket = upgraded(server.address, "/reports").await;
    socket.write_all(&frame(8, &1005u16.to_be_bytes())).await.unwrap();
    let mut bytes = Vec::new();
    within("the end of the socket", socket.read_to_end(&mut bytes)).await.unwrap();
    let close = bytes.windows(4).find(|bytes| bytes[0] == 0x88).unwrap();
    assert_eq!(close[2..], 1002u16.to_be_bytes());
    server
        .log
        .message(r#"closed: Host 1002 "a close code that must not be sent" "protocol-error""#)
        .await;
}
