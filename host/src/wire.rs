//! The stream that tungstenite believes to be the socket.
//!
//! It reads from the real one. What tungstenite writes, pongs and the answer to
//! a close frame, goes into the connection's outbound queue, between whole
//! frames of the handler's. So tungstenite never waits for the socket, nothing
//! is buffered twice, and one writer owns all that is sent.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connection::Connection;

pub(crate) struct Wire<S> {
    pub(crate) socket: S,
    connection: Arc<Connection>,
    heard: bool,
    /// Bytes that may still be read in this turn.
    left: usize,
    /// Bytes read since the last message was complete.
    unfinished: usize,
}

impl<S> Wire<S> {
    pub(crate) fn new(socket: S, connection: Arc<Connection>) -> Self {
        Self { socket, connection, heard: false, left: 0, unfinished: 0 }
    }

    /// Lets another so many bytes be read. tungstenite reads on by itself as long as
    /// no message is complete, which may be never.
    pub(crate) fn allow(&mut self, bytes: usize) {
        self.left = bytes;
    }

    /// A message is complete.
    pub(crate) fn finish_message(&mut self) {
        self.unfinished = 0;
    }

    /// A control frame with so long a payload was among what was read, and is not held.
    pub(crate) fn finish_control_frame(&mut self, payload: usize) {
        const HEADER_AND_MASK: usize = 6;
        self.unfinished = self.unfinished.saturating_sub(HEADER_AND_MASK + payload);
    }

    /// About what is held of a message that is not complete.
    pub(crate) fn unfinished(&self) -> usize {
        self.unfinished
    }

    /// Whether anything has come from the peer since the last call.
    pub(crate) fn take_heard(&mut self) -> bool {
        std::mem::take(&mut self.heard)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            // In another turn, when others have had theirs.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(cx, buffer);
        let read = buffer.filled().len() - before;
        self.heard |= read > 0;
        self.left = self.left.saturating_sub(read);
        self.unfinished += read;
        polled
    }
}

impl<S: Unpin> AsyncWrite for Wire<S> {
    /// Called with whole frames: tungstenite's own buffer holds none back.
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.connection.shared().outbound.raw(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// The session shuts the socket down itself, after what is queued.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
