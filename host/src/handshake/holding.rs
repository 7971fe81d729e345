//! A socket that holds back the 101, so that it leaves together with what the handler
//! writes first: one packet less for each connection. Of what it lets pass it counts
//! the bytes, for whoever waits for a slow reader.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(super) struct Holding<S> {
    socket: S,
    /// Set once it is a 101 that is to be written: a head of a few hundred bytes.
    holds: Arc<AtomicBool>,
    held: Vec<u8>,
    /// Bytes that the socket has taken.
    taken: Arc<AtomicU64>,
}

impl<S> Holding<S> {
    pub(super) fn new(socket: S, holds: Arc<AtomicBool>) -> Self {
        Self { socket, holds, held: Vec::new(), taken: Arc::default() }
    }

    /// Counts the bytes that the socket has taken.
    pub(super) fn taken(&self) -> Arc<AtomicU64> {
        self.taken.clone()
    }

    fn count(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.taken.fetch_add(*bytes as u64, Relaxed);
        }
        written
    }

    /// The socket, and what is still to be written to it.
    pub(super) fn into_parts(self) -> (S, Vec<u8>) {
        (self.socket, self.held)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Holding<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Holding<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.holds.load(Relaxed) {
            self.held.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.count(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.holds.load(Relaxed) {
            let before = self.held.len();
            for part in parts {
                self.held.extend_from_slice(part);
            }
            return Poll::Ready(Ok(self.held.len() - before));
        }
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, parts);
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.holds.load(Relaxed) {
            true => Poll::Ready(Ok(())),
            false => Pin::new(&mut self.socket).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
