//! What the writer has taken from the queue and not yet handed to the socket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

use crate::outbound::Outbound;
use crate::segments::Segments;

/// A buffer that is worth giving back when it is not used.
const LARGE: usize = 4 * 1024;

pub(super) struct Sending {
    bytes: Vec<u8>,
    /// How much of these is sent.
    sent: usize,
    /// What it shares with others. One of the two is empty.
    shared: Option<Box<Segments>>,
}

impl Sending {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, sent: 0, shared: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.shared.is_none()
    }

    /// Takes what is queued, where it has nothing.
    pub(super) fn refill(&mut self, outbound: &mut Outbound) {
        self.shared = outbound.take_shared();
        if self.shared.is_none() {
            outbound.take(&mut self.bytes);
        }
    }

    /// Takes what is queued behind what it has.
    pub(super) fn extend(&mut self, outbound: &mut Outbound) {
        outbound.take_behind(&mut self.bytes);
    }

    pub(super) fn poll_write(
        &mut self,
        socket: Pin<&mut impl AsyncWrite>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match &mut self.shared {
            None => socket.poll_write(cx, &self.bytes[self.sent..]),
            Some(shared) => shared.poll_write(socket, cx),
        }
    }

    /// So much of it was written. True where that was all.
    pub(super) fn advance(&mut self, bytes: usize) -> bool {
        match &self.shared {
            None => {
                self.sent += bytes;
                if self.sent < self.bytes.len() {
                    return false;
                }
                self.sent = 0;
                self.bytes.clear();
            }
            Some(shared) if shared.is_empty() => self.shared = None,
            Some(_) => return false,
        }
        true
    }

    pub(super) fn is_large(&self) -> bool {
        self.bytes.capacity() > LARGE
    }

    /// Gives back what is kept for more, where there is nothing.
    pub(super) fn give_back(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(Vec::new());
    }
}
