//! One connection's life, from the 101 to the end of its socket and its instance.
//!
//! A session is one future. Each turn of it reads the frames that are ready into
//! the mailbox, lets the instance run, and writes what has been queued, all in
//! one task: no switch lies between a frame, its event and its answer. While the
//! guest waits, or goes on in overtime, the same turns go on reading, answering
//! pings and writing.
//!
//! Invariants:
//! - Only the session touches the socket, but for what is written through its queue
//!   while that is empty. All that is sent passes through the outbound queue, in order;
//!   a close frame is its last entry.
//! - The mailbox gets `on-close` exactly once, in [`Session::end`], after which
//!   the socket is gone.
//! - An instance that failed is never entered again: the [`Guest`] is gone at once,
//!   and no `on-close` is delivered.

mod guest;
mod input;
mod moving;
mod output;
mod parking;
mod phase;
mod rate;
mod sending;
mod timers;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::closing::{Closing, HostClose, When};
use crate::connection::{Connection, ConnectionId};
use crate::failure::Failure;
use crate::generation::{Generation, Membership};
use crate::handshake::Switched;
use crate::instance::Served;
use crate::metrics::Tally;
use crate::reader::Reader;
use crate::room::Seated;
use crate::stream::Sink;
pub(crate) use guest::Guest;
use guest::{Own, State};
use phase::{Input, Phase};
use rate::Rate;
use sending::Sending;
use timers::Timers;

/// Bytes that are read before other connections have their turn, and the time after
/// which they have it. Both let a batch be handled at once.
const READ_A_TURN: usize = 128 * 1024;
const TURN: Duration = Duration::from_micros(250);

pub(crate) struct Session<S> {
    connection: Arc<Connection>,
    /// That of its membership.
    generation: Arc<Generation>,
    membership: Membership,
    /// None once the socket is gone.
    socket: Option<S>,
    reader: Reader,
    /// What has been read and not been taken in, for want of room.
    rest: Bytes,
    /// Frames that may still be taken in before others have their turn.
    frames: usize,
    /// Bytes that are held of what is not complete, or not taken in, as last told.
    unfinished: usize,
    /// Bytes that may still be read in this turn.
    allowance: usize,
    guest: Guest,
    /// How many events have been begun, as of the last look.
    begun: u64,
    phase: Phase,
    sending: Sending,
    /// How much of it is still the response to the handshake, which counts as nothing
    /// that is queued.
    response: usize,
    /// The queue gets it once the response is sent.
    sink: Option<Sink>,
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
    pub(crate) fn new(
        switched: Switched<S>,
        sink: Option<Sink>,
        connection: Arc<Connection>,
        guest: Guest,
        membership: Membership,
    ) -> Self {
        let generation = membership.generation().clone();
        let Switched { socket, response, read_ahead } = switched;
        let expires = connection.opening(|opening| opening.expires).flatten();
        let timers = Timers::new(generation.settings.timeouts.clone(), expires);
        Self {
            guest,
            begun: 0,
            connection,
            socket: Some(socket),
            reader: Reader::new(generation.settings.limits.max_message_size),
            rest: read_ahead,
            frames: 0,
            unfinished: 0,
            allowance: 0,
            phase: Phase::Open,
            response: response.len(),
            sink,
            sending: Sending::new(response),
            unflushed: false,
            rate: generation.settings.limits.max_message_rate.map(Rate::new),
            slowed: false,
            noticed: Vec::new(),
            received: Tally::default(),
            generation,
            membership,
            timers,
        }
    }

    /// As many turns as make progress, but for no longer than [`TURN`]: other
    /// connections wait meanwhile.
    pub(crate) fn poll_turns(&mut self, cx: &mut Context<'_>) -> Poll<Option<Failure>> {
        let started = self.timers.look();
        self.connection.register_session(cx.waker());
        self.allowance = READ_A_TURN;
        loop {
            let mut progress = self.poll_timers(cx);
            // A guest in overtime may have closed: what is read then is discarded.
            progress |= self.obey();
            progress |= self.poll_read(cx);
            let (ran, failure) = self.poll_guest(cx);
            if failure.is_some() {
                return Poll::Ready(failure);
            }
            progress |= ran;
            progress |= self.obey();
            progress |= self.answer_close();
            progress |= self.poll_write(cx);
            progress |= self.finish_closing();
            if let Phase::Ended { until } = self.phase {
                if matches!(self.guest, Guest::Gone) {
                    return Poll::Ready(None);
                }
                if until <= self.timers.now() && !self.give_up_messages() {
                    // It could wait, and wait again, and hold its slots for ever.
                    self.guest = Guest::Gone;
                    let limit = self.generation.settings.limits.event_wall_time;
                    return Poll::Ready(Some(Failure::Lingers(limit)));
                }
            }
            if !progress {
                return Poll::Pending;
            }
            if self.timers.look() - started >= TURN {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    /// The generation that the connection belongs to by now.
    pub(crate) fn generation(&self) -> &Arc<Generation> {
        &self.generation
    }

    /// The stream beneath it all, while there is one.
    #[cfg(feature = "bench")]
    pub(crate) fn stream(&mut self) -> Option<&mut S> {
        self.socket.as_mut()
    }

    /// Runs until the socket is gone and `on-close` has returned. A failure of
    /// the instance is reported at once; then run again, to close the socket.
    pub(crate) async fn run(&mut self) -> Option<Failure> {
        std::future::poll_fn(|cx| self.poll_turns(cx)).await
    }

    fn poll_guest(&mut self, cx: &mut Context<'_>) -> (bool, Option<Failure>) {
        self.wake_if_needed();
        let (moved, failure) = self.poll_moving(cx);
        if moved {
            return (true, failure);
        }
        self.poll_leaving(cx);
        let work = match &mut self.guest {
            Guest::Own(Own { state: State::Serving(work), .. }) => work,
            Guest::Own(_) => return (false, None),
            Guest::Seated(seat) => {
                let seated = seat.look();
                return (self.look_at(seated), None);
            }
            Guest::Gone => return (false, None),
        };
        if self.connection.shared().is_at_rest(self.begun) {
            // What has woken the session is for the peer, as what topics deliver: the
            // guest, its stack and its memory need not be looked at.
            return (false, None);
        }
        match work.poll(cx) {
            Poll::Pending => {
                let (begun, busy, alarm_at) = {
                    let shared = self.connection.shared();
                    (shared.events, shared.busy, shared.next_alarm())
                };
                let rings = self.timers.ring_at(alarm_at);
                let before = std::mem::replace(&mut self.begun, begun);
                // Another turn sets the timer.
                let armed = begun != before && self.stirs();
                // More has been completed than `on-ready`.
                if begun != before && begun - u64::from(busy) > 1 {
                    self.generation.succeeded();
                }
                // It may have made room for what is not read.
                (armed || rings || begun != before && !self.timers.reads(), None)
            }
            Poll::Ready(Ok(Served::Suspended(suspended))) => {
                self.suspended(*suspended);
                (true, None)
            }
            Poll::Ready(Ok(Served::Finished)) => {
                self.guest = Guest::Gone;
                self.generation.succeeded();
                (true, None)
            }
            Poll::Ready(Err(failure)) => {
                self.guest = Guest::Gone;
                self.begin_closing(Closing::failed(failure.close_frame()), Input::Frames);
                (true, Some(failure))
            }
        }
    }

    /// What has become of the connection in its room. True where something has to be
    /// looked at again.
    fn look_at(&mut self, seated: Seated) -> bool {
        match seated {
            Seated::Serving(begun) => {
                let before = std::mem::replace(&mut self.begun, begun);
                // It may have made room for what is not read.
                return begun != before && !self.timers.reads();
            }
            Seated::Finished => self.guest = Guest::Gone,
            Seated::Failed(reason) => {
                self.guest = Guest::Gone;
                self.begin_closing(Closing::failed(reason), Input::Frames);
            }
        }
        true
    }

    /// Takes up what others wish: the host's close, at once or when its time has
    /// come, and the handler's, for which the queue is sealed already.
    fn obey(&mut self) -> bool {
        let Some((host, handler)) = self.connection.take_wishes() else { return false };
        self.follow();
        if self.connection.is_asked_to_park() {
            self.ask_to_park();
        }
        if let Some(close) = host {
            self.obey_host(close);
        }
        if let Some(closing) = handler {
            self.begin_closing(closing, Input::Frames);
        }
        true
    }

    fn obey_host(&mut self, HostClose { closing, when }: HostClose) {
        match when {
            When::AtOnce => {
                if !matches!(self.phase, Phase::Ended { .. }) {
                    self.report(&closing);
                    self.end(closing);
                }
                // It is for what it holds that it ends.
                self.connection.shared().mailbox.discard_messages();
            }
            When::Now => self.begin_closing(closing, Input::Frames),
            When::Spread(time) => {
                let delay = time.mul_f64(share_of(self.connection.id()));
                self.timers.close_later(delay, closing);
            }
        }
    }

    /// Whether an event is running. An instance at rest waits for its next one.
    fn guest_is_busy(&self) -> bool {
        !matches!(self.guest, Guest::Gone) && self.connection.shared().busy
    }
}

impl<S> Drop for Session<S> {
    /// However it ends: a subscription holds its connection, and that the socket.
    fn drop(&mut self) {
        self.connection.subscriptions.end();
        self.connection.shared().outbound.give_up_sink();
    }
}

/// Scatters consecutive ids evenly over 0 to 1 (Fibonacci hashing), so that a few
/// connections are spread as far apart as many.
fn share_of(id: ConnectionId) -> f64 {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let scattered = (id.wrapping_mul(GOLDEN) >> 32) as u32;
    f64::from(scattered) / f64::from(u32::MAX)
}
