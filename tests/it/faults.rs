//! Peers and sockets that fail in the middle of something.

use rustix::net::sockopt::set_socket_linger;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::guests::{FLOODS_ON_MESSAGE, REPORTS_CLOSE};
use crate::harness::{Start, frame, upgraded, within};

#[tokio::test]
async fn a_peer_that_vanishes_in_the_middle_of_a_frame_has_ended() {
    let server = Start::with(&[("reports.wasm", &REPORTS_CLOSE.bytes())]).run().await;
    let whole = frame(1, b"never finished");
    for part in [1, 2, 5, whole.len() - 1] {
        let start = server.log.len();
        let mut socket = upgraded(server.address, "/reports").await;
        socket.write_all(&whole[..part]).await.unwrap();
        drop(socket);
        let ended = r#"closed: Network 1006 "" "" after 0 messages"#;
        server.log.wait_from(start, ended, |line| line.message() == ended).await;
    }
}

#[tokio::test]
async fn a_socket_that_is_reset_while_it_is_written_to_has_ended() {
    let server = Start::with(&[("floods.wasm", &FLOODS_ON_MESSAGE.bytes())])
        .arg("--max-backpressure=16MiB")
        .run()
        .await;
    let mut other = server.connect("/floods").await;
    let mut socket = upgraded(server.address, "/floods").await;
    socket.write_all(&frame(1, b"try 15 1000000")).await.unwrap();
    server.log.message("queued=15").await;
    // Closing resets it then, with what it has not read.
    set_socket_linger(&socket, Some(Duration::ZERO)).unwrap();
    drop(socket);
    server.log.message("closed: Network 1006").await;
    assert_eq!(other.ask("fine").await, "fine");
}

#[tokio::test]
async fn handshakes_that_never_finish_hold_up_nobody_and_end_in_time() {
    let server = Start::embedded().arg("--handshake-timeout=2s").run().await;
    let mut unfinished = Vec::new();
    for number in 0..500 {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        // Each stops somewhere else.
        let request = b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n";
        socket.write_all(&request[..number % request.len()]).await.unwrap();
        unfinished.push(socket);
    }
    let mut honest = server.connect("/echo").await;
    for mut socket in unfinished {
        let mut response = Vec::new();
        within("the end", socket.read_to_end(&mut response)).await.unwrap();
        assert!(response.starts_with(b"HTTP/1.1 408 "), "{}", response.escape_ascii());
    }
    assert_eq!(honest.ask("fine").await, "fine");
}
