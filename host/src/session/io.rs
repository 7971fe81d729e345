//! The session's two ends: frames in, bytes out.
//!
//! In: frames are read only while the mailbox has room and the outbound queue is
//! not congested; the rest waits in the socket, and TCP holds the peer back.
//! Out: whatever is queued goes out in as few calls as the socket takes. When
//! either end dies, both do.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};

use super::Session;
use super::phase::{Answer, Input, Phase};
use crate::bindings::CloseOrigin;
use crate::closing::Closing;
use crate::mailbox::Incoming;
use crate::outbound::KEEP_CAPACITY;

/// When reading is tried again that waits for other connections' queues.
const HELD_UP: Duration = Duration::from_millis(50);

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    /// Reads what is ready and wanted. True where anything was.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> bool {
        match self.phase {
            Phase::Open => self.read_messages(cx),
            Phase::Closing { input: Input::Frames, .. } => self.await_close_frame(cx),
            Phase::Closing { input: Input::Bytes(left @ 1..), .. } => self.discard_bytes(cx, left),
            _ => false,
        }
    }

    fn read_messages(&mut self, cx: &mut Context<'_>) -> bool {
        // Control frames fill no queue that would end this.
        const MAX_FRAMES: usize = 256;
        let mut progress = false;
        let was_slowed = self.slowed;
        for _ in 0..MAX_FRAMES {
            if !matches!(self.phase, Phase::Open) || !self.may_read() {
                break;
            }
            let Some(socket) = &mut self.socket else { break };
            match Pin::new(socket).poll_next(cx) {
                Poll::Pending => break,
                Poll::Ready(read) => self.take_in(read, cx),
            }
            if let Some(rate) = &mut self.rate {
                rate.take();
            }
            progress = true;
        }
        // Another turn sets the timer by which reading goes on.
        progress |= self.slowed && !was_slowed;
        let whole = !self.received.is_empty();
        if whole {
            self.timers.message_passed();
            self.generation.account.metrics.received(&mut self.received);
        }
        if let Some(socket) = &mut self.socket {
            let wire = socket.get_mut();
            if whole {
                wire.finish_message();
            }
            // Also a part of a frame is a sign of life.
            if wire.take_heard() {
                self.timers.heard();
                self.connection.shared().mailbox.settle(wire.unfinished());
            }
        }
        progress
    }

    fn may_read(&mut self) -> bool {
        let (may, held_up) = {
            let shared = self.connection.shared();
            let room = shared.mailbox.has_room() && !shared.outbound.congested();
            (room, shared.mailbox.held_up())
        };
        let now = Instant::now();
        let slowed = match (held_up, &mut self.rate) {
            (Some(limit), _) => Some((now + HELD_UP, limit)),
            (None, Some(rate)) => rate.wait_until(now).map(|until| (until, "max-message-rate")),
            (None, None) => None,
        };
        let may = may && slowed.is_none();
        match slowed {
            Some((_, limit)) if !self.slowed => {
                self.generation.account.metrics.reading_paused(limit);
                self.notice(limit);
            }
            _ => {}
        }
        self.slowed = slowed.is_some();
        self.timers.reading(may, slowed.map(|(until, _)| until));
        may
    }

    fn take_in(&mut self, read: Option<Result<Message, Error>>, cx: &mut Context<'_>) {
        match read {
            Some(Ok(Message::Text(text))) => {
                self.received.add(text.len());
                self.connection.shared().mailbox.push(Incoming::Text(text));
            }
            Some(Ok(Message::Binary(bytes))) => {
                self.received.add(bytes.len());
                self.connection.shared().mailbox.push(Incoming::Binary(bytes));
            }
            Some(Ok(Message::Ping(payload))) => {
                self.pass_control_frame(payload.len());
                self.flush_control_frames(cx);
            }
            Some(Ok(Message::Pong(payload))) => self.pass_control_frame(payload.len()),
            // Not among what is read.
            Some(Ok(Message::Frame(_))) => {}
            Some(Ok(Message::Close(frame))) => {
                let frame = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                let closing = Closing::peer(frame);
                self.answer_later(closing, Answer::Echo);
            }
            Some(Err(error)) => {
                let closing =
                    Closing::of_read_error(&error, self.generation.limits.max_message_size);
                match closing.origin {
                    CloseOrigin::Network => self.end(closing),
                    _ => self.answer_later(closing, Answer::Violation),
                }
            }
            None => self.end(Closing::network()),
        }
    }

    fn pass_control_frame(&mut self, payload: usize) {
        if let Some(socket) = &mut self.socket {
            socket.get_mut().finish_control_frame(payload);
        }
    }

    /// Lets tungstenite write the pong or the close frame that it owes; it goes
    /// into the queue and never waits.
    pub(super) fn flush_control_frames(&mut self, cx: &mut Context<'_>) {
        if let Some(socket) = &mut self.socket {
            // An error here is one of its state, and the next read reports it.
            let _ = Pin::new(socket).poll_flush(cx);
        }
    }

    /// Reads frames until the peer's close frame. Whatever else comes, what is
    /// queued still goes out: only a socket that fails ends that.
    fn await_close_frame(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(socket) = &mut self.socket else { return false };
        match Pin::new(socket).poll_next(cx) {
            Poll::Pending => return false,
            Poll::Ready(Some(Ok(Message::Close(_)))) => self.answered(),
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(Some(Err(Error::Io(_)))) => self.end_by_socket(),
            Poll::Ready(Some(Err(error))) if !is_end(&error) => self.read_on_as(Input::VIOLATION),
            Poll::Ready(_) => self.read_on_as(Input::Nothing),
        }
        true
    }

    fn discard_bytes(&mut self, cx: &mut Context<'_>, left: usize) -> bool {
        let Some(socket) = &mut self.socket else { return false };
        let mut buffer = [0; 8 * 1024];
        let mut buffer = ReadBuf::new(&mut buffer);
        match Pin::new(&mut socket.get_mut().socket).poll_read(cx, &mut buffer) {
            Poll::Pending => return false,
            Poll::Ready(Err(_)) => self.end_by_socket(),
            Poll::Ready(Ok(())) => match buffer.filled().len() {
                0 => self.read_on_as(Input::Nothing),
                read => self.discarded(left.saturating_sub(read)),
            },
        }
        true
    }

    /// `left` may still be discarded. At 0 nothing more is read, and once the
    /// close frame is out as well, the end has come.
    fn discarded(&mut self, left: usize) {
        let Phase::Closing { input, flushed, .. } = &mut self.phase else { return };
        *input = Input::Bytes(left);
        if left == 0 && *flushed {
            self.end_by_socket();
        }
    }

    /// Writes what is queued. True where that let something go on that waited.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> bool {
        let congested = {
            let mut shared = self.connection.shared();
            let outbound = &mut shared.outbound;
            if !outbound.written.is_empty() {
                self.timers.message_passed();
                self.generation.account.metrics.sent(&mut outbound.written);
            }
            let refused = std::mem::take(&mut outbound.refused);
            let congested = outbound.congested();
            drop(shared);
            for (limit, count) in refused {
                self.generation.account.metrics.writes_refused(limit, count);
                self.notice(limit);
            }
            congested
        };
        loop {
            if self.sent == self.sending.len() {
                // At once, since a flush that has to wait leads back here.
                self.sending.clear();
                self.sent = 0;
                if !self.connection.shared().outbound.take(&mut self.sending) {
                    match self.poll_flush(cx) {
                        Poll::Pending => return self.timers.stalled(),
                        Poll::Ready(Err(_)) => {
                            self.end_by_socket();
                            return true;
                        }
                        Poll::Ready(Ok(())) => {}
                    }
                    self.sending.shrink_to(KEEP_CAPACITY);
                    self.timers.flowing();
                    break;
                }
            }
            let Some(socket) = &mut self.socket else { break };
            let bytes = &self.sending[self.sent..];
            match Pin::new(&mut socket.get_mut().socket).poll_write(cx, bytes) {
                Poll::Pending => {
                    // Only a wait that has just begun needs its deadline set.
                    return self.timers.stalled();
                }
                Poll::Ready(Ok(written)) if written > 0 => {
                    self.sent += written;
                    self.unflushed = true;
                    self.connection.shared().outbound.sent(written);
                    self.timers.flowing();
                    self.renew_flush();
                }
                Poll::Ready(_) => {
                    self.end_by_socket();
                    return true;
                }
            }
        }
        congested
    }

    /// Has what a stream may hold back itself, as TLS does, sent as well.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        let Some(socket) = &mut self.socket else { return Poll::Ready(Ok(())) };
        let flushed = Pin::new(&mut socket.get_mut().socket).poll_flush(cx);
        self.unflushed = flushed.is_pending();
        flushed
    }

    /// Sends what says that nothing follows: FIN, and before it TLS's own word. It
    /// is done at once or not at all.
    pub(super) fn shut_down(&mut self) {
        if let Some(socket) = &mut self.socket {
            let mut cx = Context::from_waker(Waker::noop());
            let _: Poll<io::Result<()>> =
                Pin::new(&mut socket.get_mut().socket).poll_shutdown(&mut cx);
        }
    }
}

/// Whether the peer has ended its input, rather than broken the protocol.
fn is_end(error: &Error) -> bool {
    matches!(
        error,
        Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
    )
}
