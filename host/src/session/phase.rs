//! Where a connection stands in its life, and the steps from one phase to the
//! next. The diagram is in ARCHITECTURE.md, "How a connection ends".

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::{Guest, Session};
use crate::bindings::CloseOrigin;
use crate::closing::Closing;

#[derive(Debug)]
pub(super) enum Phase {
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
    /// The socket is gone. What the handler still has to do, `on-close` in the end,
    /// it may do until then.
    Ended { until: Instant },
}

/// How the peer's last word is answered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// With a close frame that says the same.
    Echo,
    /// With a close frame of ours.
    Violation,
}

/// What is read while our close frame waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Input {
    /// Frames, of which only a close frame matters.
    Frames,
    /// The peer broke the protocol, so bytes, up to this many more. They are read
    /// because closing a socket with unread input resets it, and the reset could
    /// overtake the close frame.
    Bytes(usize),
    /// Nothing: the peer has ended its input, or is taken for dead. It gets the
    /// close frame if it can.
    Nothing,
}

impl Input {
    /// After a violation of the protocol up to 1 MiB is discarded, and as much
    /// again once the close frame is out.
    pub(super) const VIOLATION: Self = Self::Bytes(1024 * 1024);
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    /// The peer has said its last word.
    pub(super) fn answer_later(&mut self, closing: Closing, answer: Answer) {
        self.report(&closing);
        self.phase = Phase::Answering { closing, answer, until: self.timers.close_until() };
    }

    /// Seals the queue with a close frame, unless it is sealed, and waits for the
    /// peer's, unless it has come. Messages that were taken in before are still
    /// delivered; a handler's own `close` has dropped them itself.
    pub(super) fn begin_closing(&mut self, closing: Closing, input: Input) {
        if !matches!(self.phase, Phase::Open | Phase::Answering { .. }) {
            return;
        }
        self.report(&closing);
        self.connection.subscriptions.end();
        self.connection.shared().outbound.close(closing.code, &closing.reason);
        self.timers.begin_close();
        let until = self.timers.begin_flush();
        self.phase = match &self.phase {
            Phase::Answering { closing, answer: Answer::Echo, .. } => {
                Phase::Flushing { closing: closing.clone(), until }
            }
            Phase::Answering { closing, answer: Answer::Violation, .. } => {
                let (closing, input) = (closing.clone(), Input::VIOLATION);
                Phase::Closing { closing, input, flushed: false, until }
            }
            _ => Phase::Closing { closing, input, flushed: false, until },
        };
    }

    /// Answers the peer's last word once everything before it is handled.
    pub(super) fn answer_close(&mut self) -> bool {
        let Phase::Answering { closing, answer, until } = &self.phase else { return false };
        let late = *until <= self.timers.now();
        if !late && (self.connection.shared().mailbox.has_messages() || self.guest_is_busy()) {
            return false;
        }
        let (closing, answer) = (closing.clone(), *answer);
        let until = self.timers.begin_flush();
        self.phase = match answer {
            Answer::Echo => {
                self.connection.shared().outbound.close(closing.code, &closing.reason);
                Phase::Flushing { closing, until }
            }
            Answer::Violation => {
                self.connection.shared().outbound.close(closing.code, &closing.reason);
                Phase::Closing { closing, input: Input::VIOLATION, flushed: false, until }
            }
        };
        true
    }

    /// The peer has answered our close frame; its own may still be on its way out.
    pub(super) fn answered(&mut self) {
        if let Phase::Closing { closing, .. } = &self.phase {
            let until = self.timers.begin_flush();
            self.phase = Phase::Flushing { closing: closing.clone(), until };
        }
    }

    /// Changes what is read while our close frame waits.
    pub(super) fn read_on_as(&mut self, to: Input) {
        if let Phase::Closing { input, flushed, until, .. } = &mut self.phase {
            *input = to;
            if !*flushed {
                return;
            }
            *until = self.timers.answer_until(to);
        }
        if matches!(to, Input::Bytes(_)) {
            self.shut_down();
        }
    }

    /// The socket takes bytes, so that what is queued is worth waiting for.
    pub(super) fn renew_flush(&mut self) {
        if let Phase::Closing { flushed: false, until, .. } | Phase::Flushing { until, .. } =
            &mut self.phase
        {
            *until = self.timers.flush_until();
        }
    }

    /// Notices that the queue has drained, which is what the later phases wait for.
    pub(super) fn finish_closing(&mut self) -> bool {
        let open = matches!(self.phase, Phase::Open);
        if open || self.is_writing() {
            return false;
        }
        match &mut self.phase {
            Phase::Flushing { closing, .. }
            | Phase::Closing { closing, input: Input::Nothing, .. } => {
                let closing = closing.clone();
                self.end(closing);
                true
            }
            Phase::Closing { input, flushed: flushed @ false, until, .. } => {
                *flushed = true;
                if matches!(input, Input::Bytes(_)) {
                    *input = Input::VIOLATION;
                }
                *until = self.timers.answer_until(*input);
                if matches!(input, Input::Bytes(_)) {
                    self.shut_down();
                }
                true
            }
            _ => false,
        }
    }

    fn is_writing(&self) -> bool {
        let queued = self.connection.shared().outbound.queued();
        queued > 0 || !self.sending.is_empty() || self.unflushed
    }

    /// The socket is of no more use. What was said before stands.
    pub(super) fn end_by_socket(&mut self) {
        let closing = match &self.phase {
            Phase::Answering { closing, .. }
            | Phase::Closing { closing, .. }
            | Phase::Flushing { closing, .. } => closing.clone(),
            Phase::Open | Phase::Ended { .. } => Closing::network(),
        };
        self.end(closing);
    }

    /// Messages for which there was no time since the socket's end are not delivered,
    /// and `on-close` has time of its own. False where there were none, and nothing is to
    /// be waited for.
    pub(super) fn give_up_messages(&mut self) -> bool {
        let any = {
            let mut shared = self.connection.shared();
            let any = shared.mailbox.has_messages();
            shared.mailbox.discard_messages();
            any
        };
        // A room has others to serve as well, each within the limits of its events; and a
        // move has limits of its own.
        let waits = any || matches!(self.guest, Guest::Seated(_)) || self.is_moving();
        if waits {
            let until = self.timers.now() + self.generation.settings.limits.event_wall_time;
            self.phase = Phase::Ended { until };
        }
        waits
    }

    /// A handler that has closed hears of the end after `close-timeout` at the latest,
    /// also where the peer still takes what was queued before.
    pub(super) fn tell_of_close(&mut self) {
        let (closing, detail) = match &self.phase {
            Phase::Closing { closing, .. } => (closing, "close-timeout"),
            Phase::Flushing { closing, .. } => (closing, ""),
            _ => return,
        };
        if closing.origin == CloseOrigin::Handler {
            let closing = Closing { detail, ..closing.clone() };
            self.connection.shared().mailbox.push_close(closing);
        }
    }

    /// The socket's end, from where `on-close` comes unless the handler was told.
    pub(super) fn end(&mut self, closing: Closing) {
        if matches!(self.phase, Phase::Ended { .. }) {
            return;
        }
        let until = self.timers.now() + self.generation.settings.limits.event_wall_time;
        self.phase = Phase::Ended { until };
        self.generation.account.metrics.closed(&closing);
        self.connection.subscriptions.end();
        {
            let mut shared = self.connection.shared();
            // A congested queue would hold back the events before `on-close`.
            shared.outbound.abandon();
            shared.mailbox.forget_unfinished();
            shared.mailbox.push_close(closing);
        }
        self.sending.clear();
        self.rest = Bytes::new();
        self.shut_down();
        self.socket = None;
    }

    /// A limit that holds a connection back is in the log by its name, once.
    pub(super) fn notice(&mut self, limit: &'static str) {
        if self.noticed.contains(&limit) {
            return;
        }
        self.noticed.push(limit);
        if self.generation.account.may_notice() {
            tracing::info!(
                handler = &*self.generation.account.name,
                generation = self.generation.number,
                connection = self.connection.id(),
                "held back by {limit}"
            );
        }
    }

    /// A limit or a violation that ends a connection is in the log by its name.
    pub(super) fn report(&self, closing: &Closing) {
        if closing.is_about_this_connection() && self.generation.account.may_notice() {
            tracing::info!(
                handler = &*self.generation.account.name,
                generation = self.generation.number,
                connection = self.connection.id(),
                "closing with {}: {}",
                closing.code,
                closing.reason
            );
        }
    }
}
