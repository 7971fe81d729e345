//! One connection's life, from the 101 to the end of its socket and its instance.
//!
//! A session is one future. Each turn of it reads the frames that are ready into
//! the mailbox, lets the instance run, and writes what has been queued, all in
//! one task: no switch lies between a frame, its event and its answer. While the
//! guest waits, or goes on in overtime, the same turns go on reading, answering
//! pings and writing.
//!
//! Invariants:
//! - Only the session touches the socket. All that is sent passes through the
//!   outbound queue, in order; a close frame is its last entry.
//! - The mailbox gets `on-close` exactly once, in [`Session::end`], after which
//!   the socket is gone.
//! - An instance that failed is never entered again: [`Session::guest`] is
//!   dropped at once, and no `on-close` is delivered.

mod io;
mod phase;
mod rate;
mod timers;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::closing::{Closing, When};
use crate::config::Timeouts;
use crate::connection::{Connection, ConnectionId};
use crate::failure::Failure;
use crate::generation::Generation;
use crate::instance::Instance;
use crate::metrics::Tally;
use crate::overtime::{Overtime, Work};
use crate::wire::Wire;
use phase::{Input, Phase};
use rate::Rate;
use timers::Timers;

/// Idle connections are many: this buffer is the larger part of what one costs
/// outside its instance. Larger messages get a buffer of their size while read.
const READ_BUFFER: usize = 4 * 1024;
/// Bytes that are read before other connections have their turn, and the time after
/// which they have it. Both let a batch be handled at once.
const READ_A_TURN: usize = 128 * 1024;
const TURN: Duration = Duration::from_micros(250);

pub(crate) struct Session<S> {
    connection: Arc<Connection>,
    generation: Arc<Generation>,
    /// None once the socket is gone.
    socket: Option<WebSocketStream<Wire<S>>>,
    /// The instance at work; None once `on-close` has returned or it has failed.
    guest: Option<Work<Result<(), Failure>>>,
    /// How many of its events have been begun, as of the last look.
    begun: u64,
    phase: Phase,
    /// What the writer has taken from the queue, and how much of it is sent.
    sending: Vec<u8>,
    sent: usize,
    /// The stream may hold back some of what was sent.
    unflushed: bool,
    /// None where there is no bound.
    rate: Option<Rate>,
    /// Reading waits for a limit.
    slowed: bool,
    /// Limits that this connection has come to and that the log has heard of.
    noticed: Vec<&'static str>,
    /// Messages taken in since they were last counted.
    received: Tally,
    timers: Timers,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    /// `read_ahead` is what the peer sent right behind its handshake.
    pub(crate) async fn new(
        socket: S,
        read_ahead: &Bytes,
        connection: Arc<Connection>,
        instance: Instance,
        generation: Arc<Generation>,
        timeouts: Timeouts,
        overtime: &Overtime,
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
            guest: Some(overtime.work(instance.meter(), instance.serve(connection.clone()))),
            begun: 0,
            connection,
            socket: Some(socket),
            phase: Phase::Open,
            sending: Vec::new(),
            sent: 0,
            unflushed: false,
            rate: generation.limits.max_message_rate.map(Rate::new),
            slowed: false,
            noticed: Vec::new(),
            received: Tally::default(),
            generation,
            timers: Timers::new(timeouts),
        }
    }

    /// As many turns as make progress, but for no longer than [`TURN`]: other
    /// connections wait meanwhile.
    fn poll_turns(&mut self, cx: &mut Context<'_>) -> Poll<Option<Failure>> {
        let started = Instant::now();
        self.connection.register_session(cx.waker());
        if let Some(socket) = &mut self.socket {
            socket.get_mut().allow(READ_A_TURN);
        }
        loop {
            let mut progress = self.poll_timers(cx);
            progress |= self.obey_host();
            // A guest in overtime may have closed: what is read then is discarded.
            progress |= self.obey_handler();
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
            if let Phase::Ended { until } = self.phase {
                if self.guest.is_none() {
                    return Poll::Ready(None);
                }
                if until <= Instant::now() && !self.give_up_messages() {
                    // It could wait, and wait again, and hold its slots for ever.
                    self.guest = None;
                    let limit = self.generation.limits.event_wall_time;
                    return Poll::Ready(Some(Failure::Lingers(limit)));
                }
            }
            if !progress {
                return Poll::Pending;
            }
            if started.elapsed() >= TURN {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    /// Runs until the socket is gone and `on-close` has returned. A failure of
    /// the instance is reported at once; then run again, to close the socket.
    pub(crate) async fn run(&mut self) -> Option<Failure> {
        std::future::poll_fn(|cx| self.poll_turns(cx)).await
    }

    fn poll_guest(&mut self, cx: &mut Context<'_>) -> (bool, Option<Failure>) {
        let Some(guest) = &mut self.guest else { return (false, None) };
        match guest.poll(cx) {
            Poll::Pending => {
                let (begun, busy) = {
                    let shared = self.connection.shared();
                    (shared.events, shared.busy)
                };
                let before = std::mem::replace(&mut self.begun, begun);
                // More has been completed than `on-ready`.
                if begun != before && begun - u64::from(busy) > 1 {
                    self.generation.succeeded();
                }
                (begun != before, None)
            }
            Poll::Ready(Ok(())) => {
                self.guest = None;
                self.generation.succeeded();
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
        match close.when {
            When::AtOnce => {
                if !matches!(self.phase, Phase::Ended { .. }) {
                    self.report(&close.closing);
                    self.end(close.closing);
                }
                // It is for what it holds that it ends.
                self.connection.shared().mailbox.discard_messages();
            }
            When::Now => self.begin_closing(close.closing, Input::Frames),
            When::Spread(time) => {
                let delay = time.mul_f64(share_of(self.connection.id()));
                self.timers.close_later(delay, close.closing);
            }
        }
        true
    }

    /// The handler has called `close`: the queue is sealed already.
    fn obey_handler(&mut self) -> bool {
        let Some(closing) = self.connection.shared().handler_close.take() else { return false };
        self.begin_closing(closing, Input::Frames);
        true
    }

    /// Whether an event is running. An instance at rest waits for its next one.
    fn guest_is_busy(&self) -> bool {
        self.guest.is_some() && self.connection.shared().busy
    }
}

/// Scatters consecutive ids evenly over 0 to 1 (Fibonacci hashing), so that a few
/// connections are spread as far apart as many.
fn share_of(id: ConnectionId) -> f64 {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let scattered = (id.wrapping_mul(GOLDEN) >> 32) as u32;
    f64::from(scattered) / f64::from(u32::MAX)
}
