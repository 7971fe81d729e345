//! The status table of the handshake: what is refused, and with what.

use crate::harness::guests::{TRAPS_ON_MESSAGE, TRAPS_ON_READY};
use crate::harness::{Client, Start, example, http, http_bytes};
use tokio::net::TcpStream;

const HANDSHAKE: [&str; 5] = [
    "Host: localhost",
    "Upgrade: websocket",
    "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/// A handshake with one header line replaced, or left out where `line` is empty.
fn with(name: &str, line: &'static str) -> Vec<&'static str> {
    let mut headers: Vec<_> =
        HANDSHAKE.into_iter().filter(|header| !header.starts_with(name)).collect();
    headers.extend((!line.is_empty()).then_some(line));
    headers
}

#[tokio::test]
async fn a_handshake_is_answered_with_its_accept_key() {
    let server = Start::embedded().run().await;
    let response = http(server.address, "GET /echo", &HANDSHAKE).await;
    assert_eq!(response.status, 101);
    // The example of RFC 6455, section 1.3.
    assert_eq!(response.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(response.header("upgrade"), Some("websocket"));
    assert_eq!(response.header("connection"), Some("upgrade"));
    assert_eq!(response.header("sec-websocket-extensions"), None);
    assert_eq!(response.header("sec-websocket-protocol"), None);
}

#[tokio::test]
async fn a_malformed_handshake_is_400() {
    let server = Start::embedded().run().await;
    let cases = [
        ("GET /echo", with("Sec-WebSocket-Key", "")),
        ("GET /echo", with("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==")),
        ("GET /echo", with("Sec-WebSocket-Key", "Sec-WebSocket-Key: !!!!IHNhbXBsZSBub25jZQ==")),
        ("GET /echo", with("none", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")),
        ("GET /echo", with("Sec-WebSocket-Version", "")),
        ("GET /echo", with("Connection", "Connection: keep-alive")),
        ("GET /echo", with("Host", "")),
        ("GET /echo", with("none", "Host: elsewhere")),
        ("POST /echo", HANDSHAKE.to_vec()),
    ];
    for (line, headers) in cases {
        assert_eq!(http(server.address, line, &headers).await.status, 400, "{line} {headers:?}");
    }
    let old = HANDSHAKE.join("\r\n");
    let old = format!("GET /echo HTTP/1.0\r\n{old}\r\n\r\n");
    assert_eq!(http_bytes(server.address, old.as_bytes()).await.status, 400);
    assert_eq!(http_bytes(server.address, b"\x16\x03\x01 tls?\r\n\r\n").await.status, 400);
}

#[tokio::test]
async fn an_unknown_path_is_404_before_any_upgrade() {
    let server = Start::embedded().run().await;
    for line in ["GET /nothing", "GET /echo/more", "GET /Echo", "GET //echo", "GET /%2545cho"] {
        assert_eq!(http(server.address, line, &HANDSHAKE).await.status, 404, "{line}");
        assert_eq!(http(server.address, line, &["Host: localhost"]).await.status, 404, "{line}");
    }
}

#[tokio::test]
async fn encoded_slashes_and_dot_segments_are_400() {
    let server = Start::embedded().run().await;
    for path in
        ["/a%2fecho", "/..%2Fecho", "/a%5Cecho", "/x/../echo", "/./echo", "/%2e%2e/echo", "/%ff"]
    {
        let line = format!("GET {path}");
        assert_eq!(http(server.address, &line, &HANDSHAKE).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn a_path_is_decoded_once_and_may_end_in_a_slash() {
    let server = Start::embedded().run().await;
    for line in ["GET /%65cho", "GET /echo/", "GET /echo?path=/../x%2f"] {
        assert_eq!(http(server.address, line, &HANDSHAKE).await.status, 101, "{line}");
    }
}

#[tokio::test]
async fn plain_http_on_a_handlers_path_is_426() {
    let server = Start::embedded().run().await;
    for line in ["GET /echo", "HEAD /echo", "POST /echo", "OPTIONS /echo"] {
        let response = http(server.address, line, &["Host: localhost"]).await;
        assert_eq!(response.status, 426, "{line}");
        assert_eq!(response.header("upgrade"), Some("websocket"));
    }
    let other = with("Upgrade", "Upgrade: h2c");
    assert_eq!(http(server.address, "GET /echo", &other).await.status, 426);
}

#[tokio::test]
async fn another_version_is_426_and_names_13() {
    let server = Start::embedded().run().await;
    for version in ["Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 13, 8"] {
        let headers = with("Sec-WebSocket-Version", version);
        let response = http(server.address, "GET /echo", &headers).await;
        assert_eq!(response.status, 426, "{version}");
        assert_eq!(response.header("sec-websocket-version"), Some("13"));
    }
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_408() {
    let server = Start::embedded().arg("--handshake-timeout=300ms").run().await;
    assert_eq!(http_bytes(server.address, b"").await.status, 408);
    assert_eq!(http_bytes(server.address, b"GET /echo HTTP/1.1\r\nHost: lo").await.status, 408);
}

#[tokio::test]
async fn headers_that_are_too_large_or_too_many_are_431() {
    let server = Start::embedded().run().await;
    let fits = format!("X-Padding: {}", "a".repeat(30_000));
    let mut headers = HANDSHAKE.to_vec();
    headers.push(&fits);
    assert_eq!(http(server.address, "GET /echo", &headers).await.status, 101);
    let large = format!("X-Padding: {}", "a".repeat(33_000));
    headers.pop();
    headers.push(&large);
    assert_eq!(http(server.address, "GET /echo", &headers).await.status, 431);
    headers.pop();
    headers.extend(["X-More: 1"; 95]);
    assert_eq!(http(server.address, "GET /echo", &headers).await.status, 101);
    headers.push("X-More: 1");
    assert_eq!(http(server.address, "GET /echo", &headers).await.status, 431);
}

#[tokio::test]
async fn a_handshake_with_content_is_400() {
    let server = Start::embedded().run().await;
    for header in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
        let mut headers = HANDSHAKE.to_vec();
        headers.push(header);
        assert_eq!(http(server.address, "GET /echo", &headers).await.status, 400, "{header}");
    }
    let mut headers = HANDSHAKE.to_vec();
    headers.push("Content-Length: 0");
    assert_eq!(http(server.address, "GET /echo", &headers).await.status, 101);
}

#[tokio::test]
async fn a_full_server_is_503_with_retry_after_and_recovers() {
    for limit in ["max-connections", "max-instances"] {
        let server = Start::embedded().arg(format!("--{limit}=2")).run().await;
        let mut first = server.connect("/echo").await;
        let second = server.connect("/echo").await;
        let refused = http(server.address, "GET /echo", &HANDSHAKE).await;
        assert_eq!(refused.status, 503, "{limit}");
        assert!(refused.header("retry-after").is_some());
        assert!(refused.body.contains(limit), "{}", refused.body);
        server.log.message(limit).await;
        drop(second);
        assert_eq!(first.ask("still here").await, "still here");
        // The slot is free once the server has noticed the end of the socket.
        while Client::try_connect(&server.url("/echo"), &[]).await.is_err() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn too_many_from_one_address_is_429_whoever_else_there_is() {
    let server = Start::embedded()
        .arg("--max-connections-per-address=2")
        .arg("--trusted-proxy=127.0.0.0/8")
        .run()
        .await;
    let connect = async |client: &str| {
        Client::try_connect(&server.url("/whoami"), &[("x-forwarded-for", client)]).await
    };
    let mut first = connect("203.0.113.7").await.unwrap();
    assert!(first.text().await.contains("remote address: 203.0.113.7:0"));
    // The proxy appends; what a client says before that counts for nothing.
    let second = connect("198.51.100.1, 203.0.113.7").await.unwrap();
    assert_eq!(connect("203.0.113.7").await.err().unwrap(), 429);
    server.log.message("max-connections-per-address").await;
    assert!(connect("203.0.113.8").await.is_ok());
    // Loopback is not counted.
    let local = [server.connect("/echo").await, server.connect("/echo").await];
    assert!(Client::try_connect(&server.url("/echo"), &[]).await.is_ok());
    drop((second, local));
    while connect("203.0.113.7").await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn handshakes_that_come_too_fast_from_one_address_are_429() {
    let server = Start::embedded()
        .arg("--max-handshake-rate=5")
        .arg("--trusted-proxy=127.0.0.0/8")
        .arg("--proxy-header=forwarded")
        .run()
        .await;
    let connect = async |client: &str| {
        let forwarded = format!("for={client}");
        // The other header is what anybody may have sent.
        let headers = [("forwarded", &*forwarded), ("x-forwarded-for", "203.0.113.99")];
        let connected = Client::try_connect(&server.url("/whoami"), &headers).await;
        connected.err().map(|status| status.as_u16())
    };
    let mut outcomes = Vec::new();
    for _ in 0..20 {
        outcomes.push(connect("203.0.113.7").await);
    }
    assert_eq!(outcomes[..5], [None; 5]);
    assert!(outcomes.contains(&Some(429)), "{outcomes:?}");
    server.log.message("max-handshake-rate").await;
    assert_eq!(connect("203.0.113.8").await, None);
    while connect("203.0.113.7").await.is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_handler_that_is_being_compiled_is_503_with_retry_after() {
    let cache = tempfile::TempDir::new().unwrap();
    // A component of an interpreter takes seconds to compile.
    let python = example("hello-python");
    let start = Start::with(&[("slow.wasm", &python)]).cache(cache.path());
    let server = start.run_unready().await;
    let response = http(server.address, "GET /slow", &HANDSHAKE).await;
    assert_eq!(response.status, 503);
    assert!(response.header("retry-after").is_some());
    server.log.wait("ready", |line| line.message() == "ready").await;
    assert_eq!(server.connect("/slow").await.text().await, "Hello!");
}

#[tokio::test]
async fn a_handler_whose_instances_cannot_start_is_500() {
    let echo = example("echo");
    let server = Start::with(&[("echo.wasm", &echo)]).arg("--max-memory=64KiB").run().await;
    let response = http(server.address, "GET /echo", &HANDSHAKE).await;
    assert_eq!(response.status, 500);
    server.log.message("max-memory").await;
}

#[tokio::test]
async fn a_handler_that_fails_again_and_again_is_503_for_a_while() {
    let (traps, sound) = (TRAPS_ON_READY.bytes(), example("echo"));
    let server = Start::with(&[("x.wasm", &traps), ("sound.wasm", &sound)]).run().await;
    let fail = async || server.connect("/x").await.closed().await.0;
    for _ in 0..5 {
        assert_eq!(fail().await, 1011);
    }
    server.log.message("fail again and again: handshakes get 503 for 1s").await;
    let refused = http(server.address, "GET /x", &HANDSHAKE).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(server.connect("/sound").await.ask("still").await, "still");
    // After the pause it is tried again, and left alone for twice as long.
    while http(server.address, "GET /x", &HANDSHAKE).await.status == 503 {
        tokio::task::yield_now().await;
    }
    server.log.message("fail again and again: handshakes get 503 for 2s").await;
    // A new generation begins anew.
    server.put("x.wasm", &sound);
    server.log.wait("the swap", |line| line.number("generation") == Some(2)).await;
    assert_eq!(server.connect("/x").await.ask("mended").await, "mended");
}

#[tokio::test]
async fn one_connection_that_fails_shuts_nobody_out_of_a_sound_handler() {
    let server = Start::with(&[("x.wasm", &TRAPS_ON_MESSAGE.bytes())]).run().await;
    let mut honest = server.connect("/x").await;
    for _ in 0..20 {
        let mut hostile = server.connect("/x").await;
        hostile.send("trap").await;
        assert_eq!(hostile.closed().await.0, 1011);
        assert_eq!(honest.ask("fine").await, "fine");
    }
}

#[tokio::test]
async fn a_handler_that_could_not_be_loaded_is_500() {
    let server = Start::with(&[("broken.wasm", b"not wasm at all")]).run().await;
    assert_eq!(http(server.address, "GET /broken", &HANDSHAKE).await.status, 500);
}

#[tokio::test]
async fn frames_sent_right_behind_the_handshake_are_not_lost() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = Start::embedded().run().await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let mut bytes =
        format!("GET /echo HTTP/1.1\r\n{}\r\n\r\n", HANDSHAKE.join("\r\n")).into_bytes();
    bytes.extend_from_slice(b"\x81\x82\0\0\0\0hi");
    socket.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x81\x02hi") {
        let read = crate::harness::within("the echo", socket.read_buf(&mut answer)).await.unwrap();
        assert!(read > 0, "{answer:?}");
    }
}
