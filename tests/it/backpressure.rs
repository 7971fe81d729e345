//! Promise 4: a bounded queue, and a reader that is slow slows its own connection.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::guests::FLOODS_ON_MESSAGE;
use crate::harness::{Client, LogLine, Server, Start};

async fn server(args: &[&str]) -> Server {
    let start = Start::with(&[("floods.wasm", &FLOODS_ON_MESSAGE.bytes())]);
    args.iter().fold(start, |start, arg| start.arg(*arg)).run().await
}

/// The numbers in a line like `queued=3 full=0`.
fn numbers(line: &LogLine) -> Vec<u64> {
    let words = line.message().split(' ');
    words.map(|word| word.split_once('=').unwrap().1.parse().unwrap()).collect()
}

async fn flood(server: &Server, client: &mut Client, command: &str) -> Vec<u64> {
    let start = server.log.len();
    client.send(command).await;
    let line =
        server.log.wait_from(start, "outcomes", |l| l.message().starts_with("queued=")).await;
    numbers(&line)
}

/// Writes more than the queue and the sockets' buffers hold while nothing is read:
/// how many were queued. The edge itself is a matter of bytes, and tested beside
/// the queue; here a tick may let some of it leave at any time.
async fn overflow(max_backpressure: u64, count: u64, size: u64) {
    let args = [format!("--max-backpressure={max_backpressure}"), "--write-timeout=1h".into()];
    let server = server(&[&args[0], &args[1]]).await;
    let mut client = server.connect("/floods").await;
    let outcomes = flood(&server, &mut client, &format!("try {count} {size}")).await;
    let [queued, full, closed, too_large, buffered] = outcomes[..] else { panic!("{outcomes:?}") };
    assert_eq!((queued + full, closed, too_large), (count, 0, 0));
    assert!(queued > 0 && full > 0, "{outcomes:?}");
    // A frame's header has at most ten bytes.
    assert!(buffered < max_backpressure + size + 10, "{outcomes:?}");
    for _ in 0..queued {
        let message = client.next().await.unwrap().unwrap();
        assert_eq!(message, Message::binary(vec![7; size as usize]));
    }
    // There is room again, and nothing of what was refused was ever sent.
    assert_eq!(client.ask("room?").await, "room?");
}

#[tokio::test]
async fn a_write_is_refused_whole_once_the_queue_is_full() {
    overflow(10_000, 40_000, 996).await;
}

#[tokio::test]
async fn a_queue_exceeds_its_bound_by_one_message_at_most() {
    overflow(1000, 800, 50_000).await;
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_as_too_large() {
    let server = server(&["--max-message-size=50000"]).await;
    let mut client = server.connect("/floods").await;
    assert_eq!(flood(&server, &mut client, "try 1 50001").await, [0, 0, 0, 1, 0]);
    assert_eq!(flood(&server, &mut client, "try 1 50000").await[..4], [1, 0, 0, 0]);
    assert_eq!(client.next().await.unwrap().unwrap().len(), 50_000);
    // What is far too large is not even looked at: copying it would take too long.
    client.send("try 1 1000000").await;
    assert_eq!(client.closed().await.0, 1011);
}

#[tokio::test]
async fn a_handler_that_writes_once_an_event_is_never_refused() {
    let server = server(&["--max-backpressure=64KiB"]).await;
    let client = server.connect("/floods").await;
    // Far more than the queue and the sockets' buffers hold, while nothing is read.
    const MESSAGES: usize = 2000;
    let (mut sink, mut stream) = client.split();
    let sender = tokio::spawn(async move {
        for number in 0..MESSAGES {
            let message = format!("{number} {}", "x".repeat(32_000));
            sink.feed(message.into()).await.unwrap();
        }
        sink.flush().await.unwrap();
    });
    for number in 0..MESSAGES {
        let message = crate::harness::within("an echo", stream.next()).await.unwrap().unwrap();
        let text = message.into_text().unwrap();
        assert!(text.starts_with(&format!("{number} ")), "{}", &text[..20]);
    }
    crate::harness::within("the sender", sender).await.unwrap();
}

#[tokio::test]
async fn a_slow_reader_costs_no_more_than_its_queue() {
    let server = server(&["--max-backpressure=64KiB", "--write-timeout=1h"]).await;
    let mut slow = server.connect("/floods").await;
    let mut other = server.connect("/floods").await;
    let before = server.resident();
    // Writes until the socket takes no more; the server has stopped reading then.
    let message = "x".repeat(32_000);
    let stuck = tokio::time::timeout(std::time::Duration::from_secs(2), async {
        loop {
            slow.send(message.as_str()).await;
        }
    })
    .await;
    assert!(stuck.is_err());
    let grown = server.resident().saturating_sub(before);
    assert!(grown < 8 * 1024, "grew by {grown} KiB");
    assert_eq!(other.ask("fine").await, "fine");
}

#[tokio::test]
async fn the_sdks_write_on_a_full_queue_closes_with_1013() {
    let server = server(&["--max-backpressure=10000"]).await;
    let mut client = server.connect("/floods").await;
    // More than the sockets' buffers hold as well.
    client.send("write 40000 996").await;
    server.log.message("is closed with 1013").await;
    let (messages, close) = client.rest().await;
    assert!(!messages.is_empty());
    assert_eq!(close.unwrap().0, 1013);
    server.log.message("closed: Handler 1013").await;
}

#[tokio::test]
async fn no_progress_for_the_write_timeout_is_1008() {
    let server = server(&["--write-timeout=500ms", "--max-backpressure=16MiB"]).await;
    let mut client = server.connect("/floods").await;
    client.send("try 10 1000000").await;
    server.log.message(r#"(write-timeout)"#).await;
    // A peer that reads again gets what was queued, and then the close.
    let (messages, close) = client.rest().await;
    assert_eq!(messages.len(), 10);
    let (code, reason) = close.unwrap();
    assert_eq!(code, 1008);
    assert!(reason.contains("write-timeout"), "{reason}");
    server.log.message(r#"closed: Host 1008 "write-timeout""#).await;
}

#[tokio::test]
async fn a_peer_that_never_reads_again_is_dropped() {
    let args = ["--write-timeout=300ms", "--close-timeout=300ms", "--max-backpressure=16MiB"];
    let server = server(&args).await;
    let mut client = server.connect("/floods").await;
    client.send("try 10 1000000").await;
    server.log.message(r#"closed: Host 1008 "write-timeout""#).await;
    drop(client);
}

#[tokio::test]
async fn buffered_amount_goes_back_to_nothing() {
    let server = server(&[]).await;
    let mut client = server.connect("/floods").await;
    flood(&server, &mut client, "try 3 1000").await;
    for _ in 0..3 {
        client.next().await.unwrap().unwrap();
    }
    assert_eq!(client.ask("amount").await, "0");
}

#[tokio::test]
async fn a_peer_that_vanishes_while_its_queue_is_full_leaves_nothing_behind() {
    let server = server(&["--max-backpressure=16MiB"]).await;
    let mut client = server.connect("/floods").await;
    client.feed("try 15 1000000").await;
    client.feed("waits in the mailbox").await;
    client.flush().await;
    server.log.message("queued=15").await;
    drop(client);
    server.log.message(r#"closed: Network 1006"#).await;
}
