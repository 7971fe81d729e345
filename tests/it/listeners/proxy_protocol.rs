//! The PROXY protocol: sockets that begin with a header that says whom they are for.

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_tungstenite::tungstenite::http::StatusCode;

use crate::harness::{Client, Server, Start, run, within};
use crate::tls;

/// What each address on the wire is followed by: our own, and both ports.
const REST: [u8; 8] = [10, 0, 0, 1, 0x12, 0x34, 0, 80];
const REQUEST: &[u8] = b"GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A server whose one listener wants headers.
fn start() -> Start {
    Start::embedded().arg("--proxy-protocol=127.0.0.1:0").arg("--log=debug")
}

fn line(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 10.0.0.1 4660 80\r\n").into()
}

fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, rest].concat()
}

fn ipv4(client: [u8; 4]) -> Vec<u8> {
    binary(0x21, 0x11, &[&client[..], &REST].concat())
}

/// A socket that has begun with these bytes, and its own address.
async fn begun(server: &Server, bytes: &[u8]) -> (TcpStream, String) {
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    socket.write_all(bytes).await.unwrap();
    (socket, address)
}

async fn connect(
    server: &Server,
    header: &[u8],
    route: &str,
    headers: &[(&'static str, &str)],
) -> Result<Client<TcpStream>, StatusCode> {
    let (socket, _) = begun(server, header).await;
    Client::over(socket, &format!("ws://localhost{route}"), headers).await
}

/// The remote address that a handler is told of.
async fn remote_address(server: &Server, header: &[u8]) -> String {
    let mut client = connect(server, header, "/whoami", &[]).await.unwrap();
    named_in(&client.text().await)
}

fn named_in(told: &str) -> String {
    let address = told.lines().find_map(|line| line.strip_prefix("remote address: "));
    address.unwrap().to_owned()
}

/// Whatever comes until the socket ends, by whichever end.
async fn rest(socket: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = within("the end of a socket", socket.read_to_end(&mut bytes)).await;
    bytes
}

#[tokio::test]
async fn the_client_that_a_header_names_is_the_remote_address() {
    let server = start().run().await;
    let v6 = "PROXY TCP6 2001:db8::7 ::1 4660 80\r\n".into();
    let with_more = binary(0x21, 0x11, &[&[203, 0, 113, 7][..], &REST, &[4, 0, 1, 0]].concat());
    let mut v6_binary = [0; 36];
    v6_binary[..4].copy_from_slice(&[0x20, 1, 0x0d, 0xb8]);
    (v6_binary[15], v6_binary[33]) = (7, 80);
    for (header, client) in [
        (line("203.0.113.7"), "203.0.113.7:4660"),
        (v6, "[2001:db8::7]:4660"),
        (ipv4([203, 0, 113, 7]), "203.0.113.7:4660"),
        (with_more, "203.0.113.7:4660"),
        (binary(0x21, 0x21, &v6_binary), "[2001:db8::7]:80"),
    ] {
        assert_eq!(remote_address(&server, &header).await, client);
        let opened = |line: &crate::harness::LogLine| {
            line.message() == "opened" && line.field("peer").is_some_and(|peer| peer == client)
        };
        server.log.wait("the client", opened).await;
    }
    let table = server.stdout();
    assert!(table.contains(&format!("  {} (/echo)\n", server.address)), "{table}");
    assert!(!table.contains("://"), "{table}");
}

#[tokio::test]
async fn a_header_that_names_nobody_leaves_the_sockets_own_address() {
    let server = start().run().await;
    for header in [
        binary(0x20, 0, &[]),
        binary(0x20, 0x11, &[&[203, 0, 113, 7][..], &REST].concat()),
        binary(0x21, 0, &[]),
        binary(0x21, 0x31, &[b'/'; 216]),
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY UNKNOWN 203.0.113.7 10.0.0.1 1 2\r\n".to_vec(),
    ] {
        let (socket, own) = begun(&server, &header).await;
        let mut client = Client::over(socket, "ws://localhost/whoami", &[]).await.unwrap();
        assert_eq!(named_in(&client.text().await), own, "{}", header.escape_ascii());
    }
}

#[tokio::test]
async fn the_limits_of_an_address_are_those_of_the_client() {
    let server = start().arg("--max-connections-per-address=1").run().await;
    let (v1, v2) = (line("203.0.113.7"), ipv4([203, 0, 113, 7]));
    let first = connect(&server, &v1, "/echo", &[]).await.unwrap();
    assert_eq!(connect(&server, &v2, "/echo", &[]).await.err().unwrap(), 429);
    assert!(connect(&server, &line("203.0.113.8"), "/echo", &[]).await.is_ok());
    drop(first);
    while connect(&server, &v1, "/echo", &[]).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn handshakes_in_progress_are_those_of_the_client() {
    const MAX: usize = 256;
    let server = start().arg("--handshake-timeout=1h").run().await;
    let mut silent = Vec::new();
    for _ in 0..=MAX {
        silent.push(begun(&server, &line("203.0.113.7")).await.0);
    }
    server.log.message("closed unheard: too many handshakes of its address").await;
    assert_eq!(remote_address(&server, &line("203.0.113.8")).await, "203.0.113.8:4660");
    drop(silent);
    // Their places are free again, each as its socket's end is seen.
    loop {
        let (mut socket, _) = begun(&server, &line("203.0.113.7")).await;
        let _ = socket.write_all(REQUEST).await;
        if rest(&mut socket).await.starts_with(b"HTTP/1.1 426 ") {
            break;
        }
    }
}

#[tokio::test]
async fn what_does_not_begin_with_a_header_is_closed_without_an_answer() {
    let server = start().arg("--handshake-timeout=1h").run().await;
    for bytes in [
        REQUEST,
        b"G",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 4660\r\n",
        b"PROXY nonsense here\r\n",
        &[b"PROXY UNKNOWN ".as_slice(), &[b'x'; 200]].concat(),
        &binary(0x21, 0x11, &[0; 5]),
        &binary(0x22, 0x11, &[0; 12]),
        &[&binary(0x21, 0x11, &[0; 4081]), REQUEST].concat(),
    ] {
        let (mut socket, own) = begun(&server, bytes).await;
        assert_eq!(rest(&mut socket).await, b"", "{}", bytes.escape_ascii());
        let told = server.log.wait("why", |line| {
            line.message().contains("PROXY protocol")
                && line.field("peer").is_some_and(|peer| *peer == *own)
        });
        assert_eq!(told.await.level(), "DEBUG");
    }
}

#[tokio::test]
async fn a_header_may_come_byte_by_byte_and_takes_nothing_of_what_follows() {
    let server = start().run().await;
    for header in [line("203.0.113.7"), ipv4([203, 0, 113, 7])] {
        let (mut socket, _) = begun(&server, b"").await;
        socket.set_nodelay(true).unwrap();
        for byte in &header {
            socket.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut client = Client::over(socket, "ws://localhost/whoami", &[]).await.unwrap();
        assert_eq!(named_in(&client.text().await), "203.0.113.7:4660");
        // All at once.
        let (mut socket, _) = begun(&server, &[&header, REQUEST].concat()).await;
        assert!(rest(&mut socket).await.starts_with(b"HTTP/1.1 426 "));
    }
}

#[tokio::test]
async fn a_header_that_does_not_come_costs_a_handshake_s_time() {
    let server = start().arg("--handshake-timeout=300ms").run().await;
    for begin in [&b""[..], b"PROXY TCP4 203", &ipv4([203, 0, 113, 7])[..20]] {
        let (mut socket, own) = begun(&server, begin).await;
        assert_eq!(rest(&mut socket).await, b"");
        let told = server.log.wait("the timeout", |line| {
            line.message().contains("handshake-timeout")
                && line.field("peer").is_some_and(|peer| *peer == *own)
        });
        told.await;
    }
}

#[tokio::test]
async fn tls_follows_the_header() {
    let folder = TempDir::new().unwrap();
    let identity = tls::identity();
    tls::write(folder.path(), &identity);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let server = start()
        .arg(format!("--tls-cert={}", file("cert.pem")))
        .arg(format!("--tls-key={}", file("key.pem")))
        .run()
        .await;
    for header in [line("203.0.113.7"), ipv4([203, 0, 113, 7])] {
        let (socket, _) = begun(&server, &header).await;
        let stream = within("TLS", tls::secure(socket, &identity, None)).await.unwrap();
        let mut client = Client::over(stream, "ws://localhost/whoami", &[]).await.unwrap();
        assert_eq!(named_in(&client.text().await), "203.0.113.7:4660");
    }
}

#[tokio::test]
async fn only_the_listener_that_was_named_wants_headers() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socklet.sock");
    let address = format!("unix:{}", path.display());
    let server = Start::embedded()
        .arg(format!("--listen={address}"))
        .arg(format!("--proxy-protocol={address}"))
        .arg("--trusted-proxy=unix")
        .run()
        .await;
    assert_eq!(server.connect("/echo").await.ask("no header").await, "no header");
    let mut socket = UnixStream::connect(&path).await.unwrap();
    socket.write_all(&line("203.0.113.7")).await.unwrap();
    // The client may have made this up: the proxy speaks by its header alone.
    let forwarded = [("x-forwarded-for", "198.51.100.1")];
    let mut client = Client::over(socket, "ws://localhost/whoami", &forwarded).await.unwrap();
    assert_eq!(named_in(&client.text().await), "203.0.113.7:4660");
}

#[tokio::test]
async fn localhost_is_not_the_own_name_of_a_listener_behind_a_proxy() {
    let server = start().run().await;
    let client = line("203.0.113.7");
    let origin = [("origin", "http://localhost")];
    assert_eq!(connect(&server, &client, "/echo", &origin).await.err().unwrap(), 403);
    let page = b"GET /echo HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n";
    let (mut socket, _) = begun(&server, &[&client, &page[..]].concat()).await;
    assert!(rest(&mut socket).await.starts_with(b"HTTP/1.1 426 "));
}

#[tokio::test]
async fn an_address_that_is_no_listeners_is_an_error_that_names_those() {
    let (status, _, stderr) =
        run(&["--listen=127.0.0.1:0", "--proxy-protocol=127.0.0.1:9000"]).await;
    assert_eq!(status.code(), Some(1));
    for said in ["--proxy-protocol=127.0.0.1:9000", "--listen", "there are 127.0.0.1:0"] {
        assert!(stderr.contains(said), "{said}: {stderr}");
    }
}
