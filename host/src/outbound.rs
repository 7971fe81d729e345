//! The outbound queue of one connection: whole frames, in the order of the calls.
//!
//! Contract, both directions:
//! - The guest's `write` appends and never waits. It is refused with `full` while
//!   the queue holds `max_backpressure` bytes or more, so that the queue never
//!   exceeds that plus one message.
//! - The session takes from it and writes to the socket. It takes all that is there at
//!   once, so that many writes leave in one system call.
//! - Only while there is nothing in it, nor in the session's hands, others may write to
//!   the socket ([`Outbound::write_through`]), and only within the queue's lock: so there
//!   is one writer at a time, and one order. What the socket does not take at once, were
//!   it half a frame, is queued like all else.
//! - While the queue is [congested](Outbound::congested) the session reads no
//!   frames and no `on-message` starts: whoever writes once an event is never refused.
//! - A delivery of a topic is refused while it would fill more than half of the queue,
//!   unless there is nothing in it: so deliveries alone never make it congested, but
//!   for a single message that large, which has at most `max_backpressure` bytes. Behind
//!   that an event still writes once. Small ones are copied, large ones lie here as
//!   shared segments.
//! - A close frame is the last entry: it seals the queue.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode;

use crate::account::{Account, Charge};
use crate::bindings::WriteOutcome;
use crate::config::Limits;
use crate::frame::{self, SharedFrame};
use crate::metrics::Tally;
use crate::segments::Segments;
use crate::stream::Sink;

/// A connection that has nothing to send keeps no larger buffer than this; one that
/// is idle keeps none.
const KEEP_CAPACITY: usize = 128 * 1024;

/// Frames of topics that are longer lie in the queues of all their subscribers as one.
const COPIED: usize = 2 * 1024;

pub(crate) struct Outbound {
    /// Frames that the writer has not taken yet, behind all others.
    pending: Vec<u8>,
    /// What it has not taken of before that: none unless large messages of topics are
    /// among it.
    shared: Option<Box<Segments>>,
    /// Bytes that are not pending: those there, and those that the writer has taken and
    /// not yet handed to the kernel.
    in_flight: usize,
    /// By which others than the writer write to the socket, once the writer lets them.
    sink: Option<Sink>,
    /// When that was done last, since the writer has asked.
    passed: Option<Instant>,
    sealed: bool,
    /// The first event has begun: before that, nothing of the handler's is sent.
    ready: bool,
    /// The writer knows that there is something for it.
    told: bool,
    /// It has been told of a delivery, and not found the socket full since.
    untried: bool,
    /// The event that runs has not written yet.
    first: bool,
    /// Something waits because of it, and has not been told to go on since.
    held_back: bool,
    /// Messages that were queued, and writes that were refused, since the session
    /// last looked.
    pub(crate) written: Tally,
    pub(crate) refused: Refused,
    max_backpressure: usize,
    max_message_size: usize,
    charge: Charge,
}

/// What whoever writes to a socket past its session lends for that.
pub(crate) struct Lent<'a> {
    /// Empty; so an idle connection needs none.
    pub(crate) buffer: &'a mut Vec<u8>,
    pub(crate) now: Instant,
}

/// What became of a message of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Queued,
    /// There is no room for it, for the limit of this name.
    Refused(&'static str),
    /// It is too large ever to be delivered, for the limit of this name.
    TooLarge(&'static str),
    /// Nothing follows any more.
    Closed,
}

/// How many writes were refused, by the limit's name.
pub(crate) type Refused = BTreeMap<&'static str, u64>;

impl Outbound {
    pub(crate) fn new(limits: &Limits, account: Arc<Account>) -> Self {
        Self {
            pending: Vec::new(),
            shared: None,
            in_flight: 0,
            sink: None,
            passed: None,
            sealed: false,
            ready: false,
            told: false,
            untried: false,
            first: false,
            held_back: false,
            written: Tally::default(),
            refused: Refused::new(),
            max_backpressure: limits.max_backpressure,
            max_message_size: limits.max_message_size,
            charge: Charge::new(account),
        }
    }

    pub(crate) fn hold_to(&mut self, limits: &Limits) {
        self.max_backpressure = limits.max_backpressure;
        self.max_message_size = limits.max_message_size;
    }

    /// Bytes not yet handed to the kernel, frame headers included.
    pub(crate) fn queued(&self) -> usize {
        self.pending.len() + self.in_flight
    }

    /// More than half full, or long while all queues together are: time to stop what
    /// would lead to more writes. Who hears so is [remembered](Self::was_held_back).
    pub(crate) fn congested(&mut self) -> bool {
        let congested =
            self.queued() > self.max_backpressure / 2 || self.charge.held_up().is_some();
        self.held_back |= congested;
        congested
    }

    /// Whether it was congested when somebody asked, since this was asked last. Whether
    /// it is so by now may have changed without the writer: all queues are bounded
    /// together as well.
    pub(crate) fn was_held_back(&mut self) -> bool {
        std::mem::take(&mut self.held_back)
    }

    /// The limit by which all queues together hold this one up.
    pub(crate) fn held_up(&self) -> Option<&'static str> {
        self.charge.held_up()
    }

    /// Whether the handler knows of the connection.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready
    }

    /// Whether nothing can follow any more.
    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Whether the handler can send nothing: not any more, or not yet.
    pub(crate) fn is_shut(&self) -> bool {
        self.sealed || !self.ready
    }

    /// A message of the handler's, whole or not at all.
    pub(crate) fn write(&mut self, text: bool, payload: &[u8]) -> WriteOutcome {
        if self.sealed || !self.ready {
            WriteOutcome::Closed
        } else if payload.len() > self.max_message_size {
            WriteOutcome::TooLarge
        } else if let Err(limit) = self.make_room(payload.len()) {
            *self.refused.entry(limit).or_insert(0) += 1;
            WriteOutcome::Full
        } else {
            self.written.add(payload.len());
            frame::append(&mut self.pending, frame::data_opcode(text), payload);
            WriteOutcome::Queued
        }
    }

    /// Whether there is room for so many bytes, or the limit's name.
    fn make_room(&mut self, bytes: usize) -> Result<(), &'static str> {
        let queued = self.queued();
        // A delivery of that many bytes takes no room from what an event may write.
        let bound = self.max_backpressure + if self.first { frame::MAX_HEADER + 1 } else { 0 };
        if queued >= bound {
            return Err("max-backpressure");
        }
        // The event would not have begun if there were no room for one message.
        if std::mem::take(&mut self.first) {
            self.charge.set(queued + bytes);
            return Ok(());
        }
        self.charge.grow_to(queued + bytes)
    }

    /// Whether so many bytes of a topic would not be refused for what is queued already.
    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        let queued = self.queued();
        queued == 0 || queued + bytes <= self.max_backpressure / 2
    }

    /// Whether there may be room for so many bytes of a topic before long: the writer has
    /// not come to the socket's bound since the last delivery.
    pub(crate) fn may_make_room_for(&self, bytes: usize) -> bool {
        self.untried && !self.sealed && !self.has_room_for(bytes)
    }

    /// The socket takes no more for now.
    pub(crate) fn stalled(&mut self) {
        self.untried = false;
    }

    /// A message of a topic, whole or not at all.
    pub(crate) fn deliver(&mut self, frame: &SharedFrame) -> Delivery {
        if self.sealed {
            return Delivery::Closed;
        }
        if frame.payload() > self.max_message_size {
            return Delivery::TooLarge("max-message-size");
        }
        if frame.payload() > self.max_backpressure {
            return Delivery::TooLarge("max-backpressure");
        }
        let queued = self.queued();
        let bytes = queued + frame.len();
        if queued > 0 && bytes > self.max_backpressure / 2 {
            return Delivery::Refused("max-backpressure");
        }
        if let Err(limit) = self.charge.grow_to(bytes) {
            return Delivery::Refused(limit);
        }
        // Who was told before and has not come to take it waits for the socket.
        self.untried |= !self.told;
        self.written.add(frame.payload());
        if frame.len() <= COPIED {
            self.pending.extend_from_slice(frame.bytes());
        } else {
            self.share(frame.bytes().clone());
        }
        Delivery::Queued
    }

    /// From now on others than the writer may write to its socket, while there is
    /// nothing in the queue nor in the writer's hands.
    pub(crate) fn open(&mut self, sink: Sink) {
        self.sink = Some(sink);
    }

    pub(crate) fn give_up_sink(&mut self) {
        if let Some(sink) = self.sink.take() {
            sink.give_up();
        }
    }

    /// Whether whoever brings something may write it to the socket.
    pub(crate) fn is_open(&self) -> bool {
        self.sink.is_some() && self.queued() == 0 && !self.sealed
    }

    /// Has an open queue filled by `fill`, and writes what the socket takes of that at
    /// once, to be counted by the caller. The rest is the writer's.
    pub(crate) fn write_through(
        &mut self,
        Lent { buffer, now }: Lent<'_>,
        fill: impl FnOnce(&mut Self),
    ) -> Tally {
        std::mem::swap(&mut self.pending, buffer);
        fill(self);
        std::mem::swap(&mut self.pending, buffer);
        let sink = match &self.sink {
            Some(sink) if self.shared.is_none() => sink,
            // Large ones are the writer's.
            _ => {
                self.pending.append(buffer);
                return Tally::default();
            }
        };
        if buffer.is_empty() {
            return Tally::default();
        }
        // Of an error the writer hears as well.
        let written = sink.write(buffer).unwrap_or(0);
        if !self.queue_rest(buffer, written) {
            return Tally::default();
        }
        self.passed = Some(now);
        std::mem::take(&mut self.written)
    }

    /// Queues what the socket has not taken of it. True where that is nothing.
    fn queue_rest(&mut self, buffer: &mut Vec<u8>, written: usize) -> bool {
        let all = written == buffer.len();
        if !all {
            self.pending.extend_from_slice(&buffer[written..]);
            self.stalled();
        }
        buffer.clear();
        self.charge.set(self.queued());
        all
    }

    /// When a message was last written past the writer, if any was since this was asked.
    pub(crate) fn passed(&mut self) -> Option<Instant> {
        self.passed.take()
    }

    /// Queues a segment behind all that is there.
    fn share(&mut self, segment: Bytes) {
        self.in_flight += self.pending.len() + segment.len();
        let shared = self.shared.get_or_insert_default();
        shared.push(std::mem::take(&mut self.pending).into());
        shared.push(segment);
    }

    /// Whether the writer has to be told that there is something, which it is by that.
    pub(crate) fn tell(&mut self) -> bool {
        !std::mem::replace(&mut self.told, true)
    }

    /// An event begins.
    pub(crate) fn begin_event(&mut self) {
        self.first = true;
        self.ready = true;
    }

    /// An event begins for which nobody has looked whether there is room.
    pub(crate) fn begin_alarm(&mut self) {
        self.first = !self.congested();
    }

    /// What is taken of the handler's budget.
    pub(crate) fn charged(&self) -> usize {
        self.charge.taken()
    }

    /// A control frame of the host's own. It is not held back by the bound: the
    /// session sends one ping at a time, and reads no pings while congested.
    pub(crate) fn control(&mut self, opcode: OpCode, payload: &[u8]) {
        if !self.sealed {
            frame::append(&mut self.pending, opcode, payload);
        }
    }

    /// The close frame. Nothing is accepted after it.
    pub(crate) fn close(&mut self, code: u16, reason: &str) {
        if !self.sealed {
            frame::append_close(&mut self.pending, code, reason);
            self.sealed = true;
        }
    }

    pub(crate) fn give_back_buffer(&mut self) {
        if self.pending.is_empty() {
            self.pending = Vec::new();
        }
    }

    /// Drops everything: the socket is gone.
    pub(crate) fn abandon(&mut self) {
        self.pending = Vec::new();
        self.shared = None;
        self.in_flight = 0;
        self.sealed = true;
        self.charge.set(0);
        self.give_up_sink();
    }

    /// Appends all that is pending to what the writer has, unless there is something
    /// before that.
    pub(crate) fn take_behind(&mut self, sending: &mut Vec<u8>) {
        if self.shared.is_some() {
            return;
        }
        self.told = false;
        self.in_flight += self.pending.len();
        sending.append(&mut self.pending);
    }

    /// Gives the writer what comes before all that is pending, if there is any.
    pub(crate) fn take_shared(&mut self) -> Option<Box<Segments>> {
        self.shared.take()
    }

    /// Gives the writer all that is pending and takes its spent buffer in
    /// exchange. False where there was nothing. Anything [shared](Self::take_shared)
    /// has to be taken before.
    pub(crate) fn take(&mut self, spent: &mut Vec<u8>) -> bool {
        self.told = false;
        spent.clear();
        spent.shrink_to(KEEP_CAPACITY);
        if self.pending.is_empty() {
            return false;
        }
        std::mem::swap(&mut self.pending, spent);
        self.in_flight += spent.len();
        true
    }

    /// The kernel has accepted `bytes` of what was taken.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.in_flight -= bytes;
        self.charge.set(self.queued());
    }
}

#[cfg(test)]
mod tests;
