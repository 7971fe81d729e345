//! A client, over tokio-tungstenite.

use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Request, StatusCode};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async, connect_async};

use super::within;

pub(crate) struct Client<S = MaybeTlsStream<TcpStream>> {
    socket: WebSocketStream<S>,
}

impl Client {
    pub(crate) async fn connect(url: &str) -> Self {
        Self::try_connect(url, &[]).await.unwrap_or_else(|status| panic!("{url}: {status}"))
    }

    /// Connects with further headers. The error is the response's status.
    pub(crate) async fn try_connect(
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, StatusCode> {
        opened(url, connect_async(request(url, headers))).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Connects over a stream that is there. The error is the response's status.
    pub(crate) async fn over(
        stream: S,
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, StatusCode> {
        opened(url, client_async(request(url, headers), stream)).await
    }

    pub(crate) async fn send(&mut self, message: impl Into<Message>) {
        self.try_send(message).await.unwrap();
    }

    /// Sends where the other end may be gone.
    pub(crate) async fn try_send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        within("sending", self.socket.send(message.into())).await
    }

    /// Queues a message without flushing it.
    pub(crate) async fn feed(&mut self, message: impl Into<Message>) {
        within("feeding", self.socket.feed(message.into())).await.unwrap();
    }

    pub(crate) async fn flush(&mut self) {
        within("flushing", self.socket.flush()).await.unwrap();
    }

    pub(crate) async fn ping(&mut self, payload: &'static [u8]) {
        self.send(Message::Ping(payload.into())).await;
    }

    /// Both halves, for sending and receiving at once.
    pub(crate) fn split(
        self,
    ) -> (impl Sink<Message, Error = Error>, impl Stream<Item = Result<Message, Error>>) {
        self.socket.split()
    }

    /// The next frame of whatever kind; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Message, Error>> {
        within("a message", self.socket.next()).await
    }

    /// The next data message, which must be text.
    pub(crate) async fn text(&mut self) -> String {
        loop {
            match self.next().await {
                Some(Ok(Message::Text(text))) => return text.to_string(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("expected text, got {:.200}", format!("{other:?}")),
            }
        }
    }

    /// Sends text and returns the next text.
    pub(crate) async fn ask(&mut self, text: &str) -> String {
        self.send(text).await;
        self.text().await
    }

    /// The next message is the server's close frame: its code and reason, once the
    /// socket has ended as well.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        let (_, close) = self.rest().await;
        close.expect("the socket ended without a close frame")
    }

    /// Everything up to the end: data messages, and the close frame if there was one.
    pub(crate) async fn rest(&mut self) -> (Vec<Message>, Option<(u16, String)>) {
        let (mut messages, mut close) = (Vec::new(), None);
        loop {
            match self.next().await {
                Some(Ok(Message::Close(frame))) => {
                    let frame =
                        frame.map(|CloseFrame { code, reason }| (code.into(), reason.to_string()));
                    close = Some(frame.unwrap_or((1005, String::new())));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => messages.push(message),
                Some(Err(_)) | None => return (messages, close),
            }
        }
    }

    /// Sends a close frame and returns what came before its answer, and the answer.
    pub(crate) async fn close(
        &mut self,
        code: u16,
        reason: &str,
    ) -> (Vec<Message>, Option<(u16, String)>) {
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        self.send(Message::Close(Some(frame))).await;
        self.rest().await
    }
}

fn request(url: &str, headers: &[(&'static str, &str)]) -> Request<()> {
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().append(HeaderName::from_static(name), value);
    }
    request
}

async fn opened<S, R>(
    url: &str,
    handshake: impl Future<Output = Result<(WebSocketStream<S>, R), Error>>,
) -> Result<Client<S>, StatusCode> {
    match within("a handshake", handshake).await {
        Ok((socket, _)) => Ok(Client { socket }),
        Err(Error::Http(response)) => Err(response.status()),
        Err(error) => panic!("{url}: {error}"),
    }
}
