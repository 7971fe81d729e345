//! The session's two ends: frames in, bytes out.
//!
//! In: frames are read only while the mailbox has room and the outbound queue is
//! not congested; the rest waits in the socket, and TCP holds the peer back.
//! Out: whatever is queued goes out in as few calls as the socket takes. When
//! either end dies, both do.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::Message;

use super::{Answer, Input, Phase, Session};
use crate::closing::Closing;
use crate::mailbox::Incoming;
use crate::outbound::KEEP_CAPACITY;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    /// Reads what is ready and wanted. True where anything was.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> bool {
        match self.phase {
            Phase::Open => self.read_messages(cx),
            Phase::Closing { input: Input::Frames, .. } => self.await_close_frame(cx),
            Phase::Closing { input: Input::Bytes(left), .. } => self.discard_bytes(cx, left),
            _ => false,
        }
    }

    fn read_messages(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        while matches!(self.phase, Phase::Open) && self.may_read() {
            let Some(socket) = &mut self.socket else { break };
            match Pin::new(socket).poll_next(cx) {
                Poll::Pending => break,
                Poll::Ready(read) => self.take_in(read, cx),
            }
            progress = true;
        }
        if progress {
            self.timers.heard();
        }
        progress
    }

    fn may_read(&mut self) -> bool {
        let may = {
            let shared = self.connection.shared();
            shared.mailbox.has_room() && !shared.outbound.congested()
        };
        self.timers.reading(may);
        may
    }

    fn take_in(
        &mut self,
        read: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
        cx: &mut Context<'_>,
    ) {
        match read {
            Some(Ok(Message::Text(text))) => {
                self.connection.shared().mailbox.push(Incoming::Text(text));
            }
            Some(Ok(Message::Binary(bytes))) => {
                self.connection.shared().mailbox.push(Incoming::Binary(bytes));
            }
            Some(Ok(Message::Ping(_))) => self.flush_control_frames(cx),
            Some(Ok(Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(frame))) => {
                let frame = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                let closing = Closing::peer(frame);
                self.answer_later(closing, Answer::Echo);
            }
            Some(Err(error)) => {
                let closing =
                    Closing::of_read_error(&error, self.generation.limits.max_message_size);
                if closing.code == Closing::network().code {
                    self.end(closing);
                } else {
                    self.report(&closing);
                    self.answer_later(closing, Answer::Violation);
                }
            }
            None => self.end(Closing::network()),
        }
    }

    fn answer_later(&mut self, closing: Closing, answer: Answer) {
        self.phase = Phase::Answering { closing, answer, until: self.timers.close_until() };
    }

    /// Lets tungstenite write the pong or the close frame that it owes; it goes
    /// into the queue and never waits.
    pub(super) fn flush_control_frames(&mut self, cx: &mut Context<'_>) {
        if let Some(socket) = &mut self.socket {
            // An error here is one of its state, and the next read reports it.
            let _ = Pin::new(socket).poll_flush(cx);
        }
    }

    fn await_close_frame(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(socket) = &mut self.socket else { return false };
        let answered = match Pin::new(socket).poll_next(cx) {
            Poll::Pending => return false,
            Poll::Ready(Some(Ok(Message::Close(_)))) => true,
            Poll::Ready(Some(Ok(_))) => false,
            Poll::Ready(Some(Err(_)) | None) => return self.end_closing(),
        };
        if answered {
            let until = self.timers.flush_until();
            if let Phase::Closing { closing, .. } = &self.phase {
                self.phase = Phase::Flushing { closing: closing.clone(), until };
            }
        }
        true
    }

    fn discard_bytes(&mut self, cx: &mut Context<'_>, left: usize) -> bool {
        let Some(socket) = &mut self.socket else { return false };
        let mut buffer = [0; 8 * 1024];
        let mut buffer = ReadBuf::new(&mut buffer);
        let read = match Pin::new(&mut socket.get_mut().socket).poll_read(cx, &mut buffer) {
            Poll::Pending => return false,
            Poll::Ready(Ok(())) => buffer.filled().len(),
            Poll::Ready(Err(_)) => 0,
        };
        match left.checked_sub(read) {
            Some(left) if read > 0 => {
                if let Phase::Closing { input, .. } = &mut self.phase {
                    *input = Input::Bytes(left);
                }
                true
            }
            _ => self.end_closing(),
        }
    }

    /// The input has ended while our close frame waited for its answer.
    fn end_closing(&mut self) -> bool {
        if let Phase::Closing { closing, .. } = &self.phase {
            let closing = closing.clone();
            self.end(closing);
        }
        true
    }

    /// Writes what is queued. True where that let something go on that waited.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> bool {
        let congested = self.connection.shared().outbound.congested();
        loop {
            if self.sent == self.sending.len() {
                self.sent = 0;
                if !self.connection.shared().outbound.take(&mut self.sending) {
                    self.sending.clear();
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
                    self.connection.shared().outbound.sent(written);
                    self.timers.flowing();
                }
                Poll::Ready(_) => {
                    self.end_by_write_error();
                    return true;
                }
            }
        }
        congested
    }

    /// The socket takes nothing any more. What the peer had said before stands.
    fn end_by_write_error(&mut self) {
        let closing = match &self.phase {
            Phase::Answering { closing, .. }
            | Phase::Closing { closing, .. }
            | Phase::Flushing { closing, .. } => closing.clone(),
            Phase::Open | Phase::Ended => Closing::network(),
        };
        self.end(closing);
    }

    /// Sends FIN. For TCP and Unix sockets this is done at once or not at all.
    pub(super) fn shut_down(&mut self) {
        if let Some(socket) = &mut self.socket {
            let mut cx = Context::from_waker(Waker::noop());
            let _: Poll<io::Result<()>> =
                Pin::new(&mut socket.get_mut().socket).poll_shutdown(&mut cx);
        }
    }
}
