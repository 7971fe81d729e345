//! A server that guests send requests to, and that says what a test has it say, when.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Waker};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::within;

pub(crate) struct Upstream {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    pub(crate) address: SocketAddr,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// One request, and the socket that it came on.
pub(crate) struct Call {
    /// Request line and headers.
    pub(crate) head: String,
    pub(crate) body: String,
    stream: Box<dyn Stream>,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, tls: None, address }
    }

    pub(crate) async fn secure(config: ServerConfig) -> Self {
        Self { tls: Some(Arc::new(config).into()), ..Self::start().await }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// A connection that nothing has been read from.
    pub(crate) async fn accept(&self) -> TcpStream {
        within("a connection", self.listener.accept()).await.unwrap().0
    }

    /// Accepts a connection, and whatever comes of its TLS.
    pub(crate) async fn shakes_hands(&self) -> std::io::Result<()> {
        let socket = self.accept().await;
        let tls = self.tls.as_ref().unwrap();
        let mut stream = within("TLS", tls.accept(socket)).await?;
        // A client that does not trust it says so after that.
        within("a request", stream.read_u8()).await.map(drop)
    }

    /// The next request.
    pub(crate) async fn call(&self) -> Call {
        let socket = self.accept().await;
        let mut stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(socket),
            Some(tls) => Box::new(within("TLS", tls.accept(socket)).await.unwrap()),
        };
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within("a request", stream.read_u8()).await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        within("a body", stream.read_exact(&mut body)).await.unwrap();
        Call { head, body: String::from_utf8(body).unwrap(), stream }
    }

    /// Whether somebody has connected who was not accepted.
    pub(crate) fn is_asked(&self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        self.listener.poll_accept(&mut cx).is_ready()
    }
}

impl Call {
    pub(crate) async fn say(&mut self, bytes: &str) {
        within("an answer", async {
            self.stream.write_all(bytes.as_bytes()).await.unwrap();
            self.stream.flush().await.unwrap();
        })
        .await;
    }

    /// The head of an answer that comes in pieces.
    pub(crate) async fn begin(&mut self) {
        self.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    }

    pub(crate) async fn piece(&mut self, text: &str) {
        self.say(&format!("{:x}\r\n{text}\r\n", text.len())).await;
    }

    pub(crate) async fn end(&mut self) {
        self.say("0\r\n\r\n").await;
    }

    /// A whole answer.
    pub(crate) async fn answer(&mut self, text: &str) {
        let length = text.len();
        self.say(&format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{text}")).await;
    }

    /// Waits until the other end has closed, or reset, the connection.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        let _ = within("the connection's end", self.stream.read_to_end(&mut rest)).await;
    }
}
