//! Sockets that were bound before the server was started, as systemd passes them.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::net::UnixStream;

use crate::harness::{Client, Server, Start};

/// Where it listens for clients, by its log.
fn addresses(server: &Server) -> Vec<String> {
    let lines = server.log.lines().into_iter().filter(|line| line.message() == "listening");
    lines.map(|line| line.field("address").unwrap().as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_socket_that_was_passed_is_the_only_listener() {
    let passed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = passed.local_addr().unwrap();
    let server = Start::embedded().without_listen().pass(passed.into(), "$$").run().await;
    assert_eq!(addresses(&server), [address.to_string()]);
    assert_eq!(server.connect("/echo").await.ask("passed").await, "passed");
}

#[tokio::test]
async fn a_unix_socket_that_was_passed_is_served_beside_what_is_named_and_its_file_stays() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("passed.sock");
    let passed = UnixListener::bind(&path).unwrap();
    let mut server = Start::embedded().pass(passed.into(), "$$").run().await;
    let named = server.address.to_string();
    assert_eq!(addresses(&server), [named, format!("unix:{}", path.display())]);
    let stream = UnixStream::connect(&path).await.unwrap();
    let mut client = Client::over(stream, "ws://localhost/whoami", &[]).await.unwrap();
    assert!(client.text().await.contains("remote address: unix\n"));
    assert_eq!(server.connect("/echo").await.ask("named").await, "named");
    server.signal(Signal::TERM);
    assert_eq!(client.closed().await.0, 1001);
    assert!(server.exit().await.success());
    assert!(path.exists());
}

#[tokio::test]
async fn a_socket_for_another_process_is_not_taken() {
    let passed = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Start::embedded().pass(passed.into(), "1").run().await;
    assert_eq!(addresses(&server), [server.address.to_string()]);
}

#[tokio::test]
async fn what_does_not_listen_for_streams_is_an_error() {
    use rustix::net::{AddressFamily, SocketType, socket};
    let file = tempfile::tempfile().unwrap();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    let (connected, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    for (passed, why) in [
        (file.into(), "neither a TCP nor a Unix stream socket"),
        (datagrams.into(), "neither a TCP nor a Unix stream socket"),
        (silent, "a TCP socket that does not listen"),
        (connected.into(), "a Unix socket that does not listen"),
    ] {
        let (status, stderr) = Start::embedded().pass(passed, "$$").fail().await;
        assert_eq!(status.code(), Some(1), "{why}");
        for said in ["LISTEN_FDS", "file descriptor 3", why, "Accept=no"] {
            assert!(stderr.contains(said), "{said}: {stderr}");
        }
    }
}
