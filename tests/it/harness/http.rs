//! Requests as bytes, for what a well-behaved client can't say.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::within;

/// A response's status, head and body.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// A socket whose handshake for `route` is done, for frames as bytes.
pub(crate) async fn upgraded(address: SocketAddr, route: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {route} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within("a response", socket.read_u8()).await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", head.escape_ascii());
    socket
}

/// A masked frame of up to 125 bytes; its mask is 0.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    const FINAL: u8 = 0x80;
    const MASKED: u8 = 0x80;
    let len = u8::try_from(payload.len()).unwrap();
    [&[FINAL | opcode, MASKED | len, 0, 0, 0, 0], payload].concat()
}

/// Sends a request with these header lines and reads the whole response.
pub(crate) async fn http(address: SocketAddr, line: &str, headers: &[&str]) -> Response {
    let mut request = format!("{line} HTTP/1.1\r\n");
    for header in headers {
        request += &format!("{header}\r\n");
    }
    http_bytes(address, format!("{request}\r\n").as_bytes()).await
}

/// Sends bytes and reads the response up to the socket's end, or up to the end of
/// its head where it is a 101.
pub(crate) async fn http_bytes(address: SocketAddr, request: &[u8]) -> Response {
    let mut socket = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before it has read everything.
    let _ = socket.write_all(request).await;
    let mut bytes = Vec::new();
    let text = within("a response", async {
        loop {
            let mut buffer = [0; 4096];
            let read = socket.read(&mut buffer).await.unwrap_or(0);
            bytes.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if read == 0 || (text.starts_with("HTTP/1.1 101") && text.contains("\r\n\r\n")) {
                return text;
            }
        }
    })
    .await;
    let (head, body) =
        text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no response: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Response { status, head: head.to_owned(), body: body.to_owned() }
}
