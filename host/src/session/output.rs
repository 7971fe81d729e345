//! What goes out: whatever is queued, in as few calls as the socket takes. When
//! either end of a connection dies, both do.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite};

use super::Session;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    /// Writes what is queued. True where that let something go on that waited.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> bool {
        {
            let mut shared = self.connection.shared();
            let outbound = &mut shared.outbound;
            if !outbound.written.is_empty() {
                self.timers.message_passed();
                self.generation.account.metrics.sent(&mut outbound.written);
            }
            let refused = std::mem::take(&mut outbound.refused);
            if self.sending.is_empty() {
                self.sending.refill(outbound);
            } else if self.response > 0 {
                self.sending.extend(outbound);
            }
            drop(shared);
            for (limit, count) in refused {
                self.generation.account.metrics.writes_refused(limit, count);
                self.notice(limit);
            }
        }
        let mut freed = false;
        while !self.sending.is_empty() {
            let Some(socket) = &mut self.socket else { return freed };
            match self.sending.poll_write(Pin::new(socket), cx) {
                Poll::Pending => {
                    let held_back = {
                        let outbound = &mut self.connection.shared().outbound;
                        outbound.stalled();
                        outbound.was_held_back()
                    };
                    // Only a wait that has just begun needs its deadline set. What else
                    // was held back than reading goes on when reading does.
                    return self.timers.stalled() || held_back && self.timers.reads();
                }
                Poll::Ready(Ok(written)) if written > 0 => {
                    // Reading waits for the response to be sent.
                    freed |= self.response > 0;
                    freed |= self.have_sent(written);
                }
                Poll::Ready(_) => {
                    self.end_by_socket();
                    return true;
                }
            }
        }
        // At once, since a flush that has to wait leads back here.
        match self.poll_flush(cx) {
            Poll::Pending => return self.timers.stalled(),
            Poll::Ready(Err(_)) => {
                self.end_by_socket();
                return true;
            }
            Poll::Ready(Ok(())) => self.timers.flowing(),
        }
        freed
    }

    /// True where something may go on that was held back.
    fn have_sent(&mut self, bytes: usize) -> bool {
        self.unflushed = true;
        let response = bytes.min(self.response);
        self.response -= response;
        let freed = {
            let outbound = &mut self.connection.shared().outbound;
            outbound.sent(bytes - response);
            if self.response == 0
                && let Some(sink) = self.sink.take()
            {
                outbound.open(sink);
            }
            if self.sending.advance(bytes) {
                self.sending.refill(outbound);
            }
            outbound.was_held_back()
        };
        self.timers.flowing();
        if self.sending.is_large() {
            self.timers.busy();
        }
        self.renew_flush();
        freed
    }

    /// Has what a stream may hold back itself, as TLS does, sent as well.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        let Some(socket) = &mut self.socket else { return Poll::Ready(Ok(())) };
        let flushed = Pin::new(socket).poll_flush(cx);
        self.unflushed = flushed.is_pending();
        flushed
    }

    /// Nothing is on its way: what was kept for more is given back.
    pub(super) fn give_back_buffers(&mut self) {
        self.sending.give_back();
        self.connection.shared().give_back_buffers();
    }

    /// Sends what says that nothing follows: FIN, and before it TLS's own word. It
    /// is done at once or not at all.
    pub(super) fn shut_down(&mut self) {
        if let Some(socket) = &mut self.socket {
            let mut cx = Context::from_waker(Waker::noop());
            let _: Poll<io::Result<()>> = Pin::new(socket).poll_shutdown(&mut cx);
        }
    }
}
