//! Frames that lie in a queue as they were made, for many queues alike: they are
//! written from there, several in one call, and never copied.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::AsyncWrite;

/// What one call is given at most.
const SLICES: usize = 16;

/// In the order in which they leave; none is empty.
#[derive(Debug, Default)]
pub(crate) struct Segments(VecDeque<Bytes>);

impl Segments {
    pub(crate) fn push(&mut self, segment: Bytes) {
        if !segment.is_empty() {
            self.0.push_back(segment);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes some of them and drops what was written.
    pub(crate) fn poll_write(
        &mut self,
        socket: Pin<&mut impl AsyncWrite>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut count = 0;
        for (slice, segment) in slices.iter_mut().zip(&self.0) {
            *slice = IoSlice::new(segment);
            count += 1;
        }
        let written = ready!(socket.poll_write_vectored(cx, &slices[..count]))?;
        self.advance(written);
        Poll::Ready(Ok(written))
    }

    fn advance(&mut self, mut bytes: usize) {
        while let Some(first) = self.0.front_mut() {
            if bytes < first.len() {
                first.advance(bytes);
                return;
            }
            bytes -= first.len();
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Takes so many bytes a call.
    struct Narrow {
        width: usize,
        taken: Vec<u8>,
    }

    impl AsyncWrite for Narrow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let count = bytes.len().min(self.width);
            self.taken.extend_from_slice(&bytes[..count]);
            Poll::Ready(Ok(count))
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let mut left = self.width;
            for slice in slices {
                let count = slice.len().min(left);
                self.taken.extend_from_slice(&slice[..count]);
                left -= count;
            }
            Poll::Ready(Ok(self.width - left))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn however_little_the_socket_takes_all_leaves_in_order() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        for width in [1, 2, 7, 100, 1000] {
            let mut segments = Segments::default();
            for part in all.chunks(6) {
                segments.push(Bytes::copy_from_slice(part));
            }
            segments.push(Bytes::new());
            let mut socket = Narrow { width, taken: Vec::new() };
            let mut cx = Context::from_waker(Waker::noop());
            while !segments.is_empty() {
                let written = segments.poll_write(Pin::new(&mut socket), &mut cx);
                assert!(matches!(written, Poll::Ready(Ok(1..))), "{width}: {written:?}");
            }
            assert_eq!(socket.taken, all, "{width}");
        }
    }
}
