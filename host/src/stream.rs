//! An accepted socket, with or without TLS, and what becomes of it once it speaks
//! WebSocket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::net::{Shutdown, shutdown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, tcp, unix};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// What a listener accepts.
pub(crate) type Socket = Either<TcpStream, UnixStream>;

/// A socket in plain or within TLS, which is boxed: its buffers would make every
/// connection's task large.
pub(crate) type Stream = Either<Socket, Box<TlsStream<Socket>>>;

/// What a session has: in plain the socket, of which a [`Sink`] lies in its queue.
pub(crate) type Shared = Either<Plain, Box<TlsStream<Socket>>>;

/// A socket that can also be written to through its [`Sink`].
pub(crate) enum Plain {
    Tcp(tcp::OwnedReadHalf),
    Unix(unix::OwnedReadHalf),
}

/// Writes to a socket without waiting for it. Whoever has both sees to it that not
/// both write at a time.
#[derive(Debug)]
pub(crate) enum Sink {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
}

/// There is no sink where what is written has to pass through something.
pub(crate) fn share(stream: Stream) -> (Shared, Option<Sink>) {
    match stream {
        Either::Left(Either::Left(socket)) => {
            let (socket, sink) = socket.into_split();
            (Either::Left(Plain::Tcp(socket)), Some(Sink::Tcp(sink)))
        }
        Either::Left(Either::Right(socket)) => {
            let (socket, sink) = socket.into_split();
            (Either::Left(Plain::Unix(socket)), Some(Sink::Unix(sink)))
        }
        Either::Right(tls) => (Either::Right(tls), None),
    }
}

impl Sink {
    /// Writes as much as the socket takes now.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.try_write(bytes),
            Self::Unix(socket) => socket.try_write(bytes),
        }
    }

    /// Gives it up. What it wrote to stays open: to end it is the session's.
    pub(crate) fn give_up(self) {
        match self {
            Self::Tcp(socket) => socket.forget(),
            Self::Unix(socket) => socket.forget(),
        }
    }
}

impl Plain {
    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(socket) => socket.as_ref().poll_write_ready(cx),
            Self::Unix(socket) => socket.as_ref().poll_write_ready(cx),
        }
    }

    /// Has `write` tried whenever the socket may have room.
    fn poll_written(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_write_ready(cx))?;
            match write() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

impl AsyncRead for Plain {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Unix(socket) => Pin::new(socket).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Plain {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_written(cx, || match &*self {
            Self::Tcp(socket) => socket.as_ref().try_write(bytes),
            Self::Unix(socket) => socket.as_ref().try_write(bytes),
        })
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_written(cx, || match &*self {
            Self::Tcp(socket) => socket.as_ref().try_write_vectored(slices),
            Self::Unix(socket) => socket.as_ref().try_write_vectored(slices),
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Nothing is held back.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = match &*self {
            Self::Tcp(socket) => shutdown(socket.as_ref(), Shutdown::Write),
            Self::Unix(socket) => shutdown(socket.as_ref(), Shutdown::Write),
        };
        Poll::Ready(done.map_err(io::Error::from))
    }
}
