//! One connection's life, from the 101 to the end of its socket and its instance.
//!
//! A session is one future. Each turn of it reads the frames that are ready into
//! the mailbox, lets the instance run, and writes what has been queued, all in
//! one task: no switch lies between a frame, its event and its answer. While the
//! guest yields or waits, the same turns go on reading, answering pings and
//! writing.
//!
//! Invariants:
//! - Only the session touches the socket. All that is sent passes through the
//!   outbound queue, in order; a close frame is its last entry.
//! - The mailbox gets `on-close` exactly once, in [`Session::end`], after which
//!   the socket is gone.
//! - An instance that failed is never entered again: [`Session::guest`] is
//!   dropped at once, and no `on-close` is delivered.

mod io;
mod timers;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::closing::Closing;
use crate::config::Timeouts;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::instance::Instance;
use crate::registry::Generation;
use crate::wire::Wire;
use timers::Timers;

/// Idle connections are many: this buffer is the larger part of what one costs
/// outside its instance. Larger messages get a buffer of their size while read.
const READ_BUFFER: usize = 4 * 1024;

type Guest = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

pub(crate) struct Session<S> {
    connection: Arc<Connection>,
    generation: Arc<Generation>,
    /// None once the socket is gone.
    socket: Option<WebSocketStream<Wire<S>>>,
    /// The instance at work; None once `on-close` has returned or it has failed.
    guest: Option<Guest>,
    phase: Phase,
    /// What the writer has taken from the queue, and how much of it is sent.
    sending: Vec<u8>,
    sent: usize,
    timers: Timers,
}

/// Where a connection stands in its life.
#[derive(Debug)]
enum Phase {
    /// Frames flow both ways.
    Open,
    /// The peer's last word has been read: a close frame, or a violation of the
    /// protocol. What it sent before is still handled, and answers are still sent;
    /// then the last word is answered.
    Answering { closing: Closing, answer: Answer, until: Instant },
    /// Our close frame is queued, behind all that was written before it. Input is
    /// discarded until the peer answers.
    Closing { closing: Closing, input: Input, flushed: bool, until: Instant },
    /// Both close frames are under way; only the queue is left.
    Flushing { closing: Closing, until: Instant },
    /// The socket is gone. `on-close` may still run.
    Ended,
}

/// How the peer's last word is answered.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// With its own close frame, as tungstenite has it ready.
    Echo,
    /// With a close frame of ours.
    Violation,
}

/// What is read while our close frame waits for its answer.
#[derive(Clone, Copy, Debug)]
enum Input {
    /// Frames, of which only a close frame matters.
    Frames,
    /// The peer broke the protocol, so bytes, up to this many more. They are read
    /// because closing a socket with unread input resets it, and the reset could
    /// overtake the close frame.
    Bytes(usize),
    /// Nothing: the peer is taken for dead, and gets the close frame if it can.
    Nothing,
}

/// After a violation of the protocol up to 1 MiB is discarded.
const VIOLATION: Input = Input::Bytes(1024 * 1024);

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    /// `read_ahead` is what the peer sent right behind its handshake.
    pub(crate) async fn new(
        socket: S,
        read_ahead: &Bytes,
        connection: Arc<Connection>,
        instance: Instance,
        generation: Arc<Generation>,
        timeouts: Timeouts,
    ) -> Self {
        let limits = &generation.limits;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            // Control frames leave tungstenite's buffer at once.
            .write_buffer_size(0)
            .max_message_size(Some(limits.max_message_size))
            .max_frame_size(Some(limits.max_message_size));
        let wire = Wire::new(socket, connection.clone());
        let socket = WebSocketStream::from_partially_read(
            wire,
            read_ahead.to_vec(),
            Role::Server,
            Some(config),
        )
        .await;
        Self {
            guest: Some(Box::pin(instance.serve(connection.clone()))),
            connection,
            socket: Some(socket),
            phase: Phase::Open,
            sending: Vec::new(),
            sent: 0,
            generation,
            timers: Timers::new(timeouts),
        }
    }

    /// As many turns as make progress. Every input is bounded by the task's
    /// budget, by the mailbox or by the queue, so that a turn ends.
    fn poll_turns(&mut self, cx: &mut Context<'_>) -> Poll<Option<Failure>> {
        const MAX_TURNS: usize = 32;
        self.connection.register_session(cx.waker());
        for _ in 0..MAX_TURNS {
            let mut progress = self.poll_timers(cx);
            progress |= self.obey_host();
            progress |= self.poll_read(cx);
            let (ran, failure) = self.poll_guest(cx);
            if failure.is_some() {
                return Poll::Ready(failure);
            }
            progress |= ran;
            progress |= self.obey_handler();
            progress |= self.answer_close(cx);
            progress |= self.poll_write(cx);
            progress |= self.finish_closing();
            if matches!(self.phase, Phase::Ended) && self.guest.is_none() {
                return Poll::Ready(None);
            }
            if !progress {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Runs until the socket is gone and `on-close` has returned. A failure of
    /// the instance is reported at once; then run again, to close the socket.
    pub(crate) async fn run(&mut self) -> Option<Failure> {
        std::future::poll_fn(|cx| self.poll_turns(cx)).await
    }

    fn poll_guest(&mut self, cx: &mut Context<'_>) -> (bool, Option<Failure>) {
        let Some(guest) = &mut self.guest else { return (false, None) };
        let before = self.connection.shared().events;
        match guest.as_mut().poll(cx) {
            Poll::Pending => (self.connection.shared().events != before, None),
            Poll::Ready(Ok(())) => {
                self.guest = None;
                (true, None)
            }
            Poll::Ready(Err(failure)) => {
                self.guest = None;
                let reason = failure.close_reason();
                self.begin_closing(Closing::host(1011, reason, ""), Input::Frames);
                (true, Some(failure))
            }
        }
    }

    /// Takes up the host's wish to close, at once or when its time has come.
    fn obey_host(&mut self) -> bool {
        let Some(close) = self.connection.shared().host_close.take() else { return false };
        let share = self.connection.id() % 1000;
        let delay = close.spread * share as u32 / 1000;
        if delay.is_zero() {
            self.begin_closing(close.closing, Input::Frames);
        } else {
            self.timers.close_later(delay, close.closing);
        }
        true
    }

    /// The handler has called `close`: the queue is sealed already.
    fn obey_handler(&mut self) -> bool {
        let Some(closing) = self.connection.shared().handler_close.take() else { return false };
        self.begin_closing(closing, Input::Frames);
        true
    }

    /// Seals the queue with a close frame, unless it is sealed, and waits for the
    /// peer's, unless it has come.
    fn begin_closing(&mut self, closing: Closing, input: Input) {
        self.report(&closing);
        {
            let mut shared = self.connection.shared();
            shared.outbound.close(closing.code, &closing.reason);
            shared.mailbox.discard_messages();
        }
        let until = self.timers.flush_until();
        self.phase = match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Open => Phase::Closing { closing, input, flushed: false, until },
            Phase::Answering { closing, answer: Answer::Echo, .. } => {
                Phase::Flushing { closing, until }
            }
            Phase::Answering { closing, answer: Answer::Violation, .. } => {
                Phase::Closing { closing, input: VIOLATION, flushed: false, until }
            }
            later => later,
        };
    }

    /// Answers the peer's last word once everything before it is handled.
    fn answer_close(&mut self, cx: &mut Context<'_>) -> bool {
        let Phase::Answering { answer, until, .. } = &self.phase else { return false };
        let answer = *answer;
        let late = *until <= Instant::now();
        if !late && (self.connection.shared().mailbox.has_messages() || self.guest_is_busy()) {
            return false;
        }
        if let Answer::Echo = answer {
            self.flush_control_frames(cx);
        }
        let until = self.timers.flush_until();
        let mut shared = self.connection.shared();
        self.phase = match (std::mem::replace(&mut self.phase, Phase::Ended), answer) {
            (Phase::Answering { closing, .. }, Answer::Echo) => {
                shared.outbound.seal();
                Phase::Flushing { closing, until }
            }
            (Phase::Answering { closing, .. }, Answer::Violation) => {
                shared.outbound.close(closing.code, &closing.reason);
                Phase::Closing { closing, input: VIOLATION, flushed: false, until }
            }
            (other, _) => other,
        };
        drop(shared);
        true
    }

    /// A limit or a violation that ends a connection is in the log by its name.
    fn report(&self, closing: &Closing) {
        if closing.is_about_this_connection() {
            tracing::info!(
                handler = &*self.generation.handler,
                generation = self.generation.number,
                connection = self.connection.id(),
                "closing with {}: {}",
                closing.code,
                closing.reason
            );
        }
    }

    /// Whether an event is running. An instance at rest waits for its next one.
    fn guest_is_busy(&self) -> bool {
        self.guest.is_some() && self.connection.shared().busy
    }

    /// Notices that the queue has drained, which is what the later phases wait for.
    fn finish_closing(&mut self) -> bool {
        if self.connection.shared().outbound.queued() > 0 {
            return false;
        }
        match &mut self.phase {
            Phase::Flushing { closing, .. } => {
                let closing = closing.clone();
                self.end(closing);
                true
            }
            Phase::Closing { closing, input: Input::Nothing, .. } => {
                let closing = closing.clone();
                self.end(closing);
                true
            }
            Phase::Closing { input, flushed: flushed @ false, until, .. } => {
                *flushed = true;
                *until = self.timers.answer_until(*input);
                if matches!(input, Input::Bytes(_)) {
                    self.shut_down();
                }
                true
            }
            _ => false,
        }
    }

    /// The socket's end: the only place from where `on-close` comes.
    fn end(&mut self, closing: Closing) {
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        self.phase = Phase::Ended;
        {
            let mut shared = self.connection.shared();
            // A congested queue would hold back the events before `on-close`.
            shared.outbound.abandon();
            shared.mailbox.push_close(closing);
        }
        (self.sending, self.sent) = (Vec::new(), 0);
        self.shut_down();
        self.socket = None;
    }
}
