//! What comes in: frames are read only while the mailbox has room and the outbound
//! queue is not congested; the rest waits in the socket, and TCP holds the peer back.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, OpCode};

use super::Session;
use super::phase::{Answer, Input, Phase};
use crate::closing::Closing;
use crate::reader::{Said, Violation};

/// Bytes that are read at once. One buffer a thread: an idle connection has none.
const BUFFER: usize = 128 * 1024;
/// Frames that are taken in before the guest and others have their turn: control
/// frames fill no queue that would end it.
const MAX_FRAMES: usize = 1024;
/// When reading is tried again that waits for other connections' queues.
const HELD_UP: Duration = Duration::from_millis(50);

thread_local! {
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER].into());
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    /// Reads what is ready and wanted. True where more could be read at once, or
    /// where something else has to be looked at again.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> bool {
        match self.phase {
            Phase::Open => self.read_messages(cx),
            Phase::Closing { input: Input::Frames, .. } => self.await_close_frame(cx),
            Phase::Closing { input: Input::Bytes(1..), .. } => self.discard_bytes(cx),
            _ => false,
        }
    }

    fn read_messages(&mut self, cx: &mut Context<'_>) -> bool {
        let was_slowed = self.slowed;
        self.frames = MAX_FRAMES;
        while self.frames > 0 && self.may_read() {
            let read = match self.rest.is_empty() {
                true => self.read_some(cx, |session, input| {
                    let left = session.take_in(input);
                    session.rest = Bytes::copy_from_slice(&input[input.len() - left..]);
                }),
                false => {
                    let mut rest = std::mem::take(&mut self.rest);
                    let left = self.take_in(&rest);
                    rest.advance(rest.len() - left);
                    self.rest = rest;
                    Poll::Ready(())
                }
            };
            if read.is_pending() || !matches!(self.phase, Phase::Open) {
                break;
            }
        }
        if !self.received.is_empty() {
            self.timers.message_passed();
            self.generation.account.metrics.received(&mut self.received);
        }
        let unfinished = self.reader.unfinished() + self.rest.len();
        if unfinished != self.unfinished {
            self.unfinished = unfinished;
            self.connection.shared().mailbox.settle(unfinished);
        }
        // Another turn sets the timer by which reading goes on.
        self.slowed && !was_slowed || self.frames == 0 || !matches!(self.phase, Phase::Open)
    }

    fn may_read(&mut self) -> bool {
        let (room, held_up) = {
            let mut shared = self.connection.shared();
            let (room, held_up) = shared.room();
            // What has been read already has to go on, and takes nothing more.
            let stuck = !self.rest.is_empty() && !shared.mailbox.has_messages();
            (room, held_up.filter(|_| !stuck).or(shared.outbound.held_up()))
        };
        // The response goes first, whatever the peer does meanwhile.
        let room = room && self.response == 0;
        let now = self.timers.now();
        let slowed = match (held_up, &mut self.rate) {
            (Some(limit), _) => Some((now + HELD_UP, limit)),
            (None, Some(rate)) => rate.wait_until(now).map(|until| (until, "max-message-rate")),
            (None, None) => None,
        };
        let may = room && slowed.is_none();
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

    /// Reads once, and has `take` do something with what came. What it leaves it has
    /// to keep itself.
    fn read_some(&mut self, cx: &mut Context<'_>, take: fn(&mut Self, &[u8])) -> Poll<()> {
        if self.allowance == 0 {
            // In another turn, when others have had theirs.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        READ.with_borrow_mut(|buffer| {
            let Some(socket) = &mut self.socket else { return Poll::Pending };
            let mut buffer = ReadBuf::new(buffer);
            match Pin::new(socket).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.allowance = self.allowance.saturating_sub(buffer.filled().len());
                    // Also a part of a frame is a sign of life.
                    self.timers.heard();
                    take(self, buffer.filled());
                }
                Poll::Ready(end) => self.input_ends(end.is_err()),
            }
            Poll::Ready(())
        })
    }

    /// The peer has ended its side, or the socket has `failed`.
    fn input_ends(&mut self, failed: bool) {
        match self.phase {
            Phase::Open => self.end(Closing::network()),
            _ if failed => self.end_by_socket(),
            _ => self.read_on_as(Input::Nothing),
        }
    }

    /// Takes what has been read into the mailbox, as far as there is room. Returns how
    /// much is left.
    fn take_in(&mut self, mut input: &[u8]) -> usize {
        loop {
            let more = match self.reader.next(&mut input) {
                Ok(None) => return 0,
                Ok(Some(said)) => self.hear(said),
                Err(violation) => {
                    let max = self.generation.settings.limits.max_message_size;
                    self.answer_later(Closing::violation(violation, max), Answer::Violation);
                    return 0;
                }
            };
            if !matches!(self.phase, Phase::Open) {
                return 0;
            }
            self.frames -= 1;
            if let Some(rate) = &mut self.rate {
                rate.take();
            }
            if !more || self.frames == 0 || self.rate.is_some() && !self.may_read() {
                return input.len();
            }
        }
    }

    /// False where there is no room for more.
    fn hear(&mut self, said: Said) -> bool {
        let mut shared = self.connection.shared();
        match said {
            Said::Message(message) => {
                self.received.add(message.len());
                shared.mailbox.push(message);
            }
            Said::Ping(payload) => {
                shared.outbound.control(OpCode::Control(Control::Pong), &payload);
            }
            Said::Pong => {}
            Said::Close(close) => {
                drop(shared);
                self.answer_later(Closing::peer(close), Answer::Echo);
                return false;
            }
        }
        shared.room() == (true, None)
    }

    /// Reads frames until the peer's close frame. Whatever else comes, what is
    /// queued still goes out: only a socket that fails ends that.
    fn await_close_frame(&mut self, cx: &mut Context<'_>) -> bool {
        if self.rest.is_empty() {
            return self.read_some(cx, Self::look_for_close).is_ready();
        }
        let rest = std::mem::take(&mut self.rest);
        self.look_for_close(&rest);
        true
    }

    fn look_for_close(&mut self, mut input: &[u8]) {
        loop {
            match self.reader.next(&mut input) {
                Ok(None) => return,
                Ok(Some(Said::Close(_))) => return self.answered(),
                Ok(Some(_)) => {}
                Err::<_, Violation>(_) => return self.read_on_as(Input::VIOLATION),
            }
        }
    }

    fn discard_bytes(&mut self, cx: &mut Context<'_>) -> bool {
        self.rest = Bytes::new();
        self.read_some(cx, Self::discard).is_ready()
    }

    /// When as much is discarded as may be, nothing more is read; and once the close
    /// frame is out as well, the end has come.
    fn discard(&mut self, read: &[u8]) {
        let Phase::Closing { input: Input::Bytes(left), flushed, .. } = &mut self.phase else {
            return;
        };
        *left = left.saturating_sub(read.len());
        if *left == 0 && *flushed {
            self.end_by_socket();
        }
    }
}
