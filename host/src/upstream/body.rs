//! What is sent and what comes back, counted as it passes. Nothing is held here: a guest
//! that does not read holds up its upstream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::{Error, WasiBody};

use super::Rules;
use super::exchange::{Conversation, Silence};
use super::fault::{Awaited, Fault};
use super::ticket::Ticket;

/// A request's body, which ends with an error where it grows too long.
pub(super) struct Bounded {
    body: WasiBody,
    max: usize,
    left: usize,
}

impl Bounded {
    pub(super) fn new(body: WasiBody, max: usize) -> Self {
        Self { body, max, left: max }
    }
}

impl Body for Bounded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            match self.left.checked_sub(data.len()) {
                Some(left) => self.left = left,
                None => {
                    let max = self.max as u64;
                    return Poll::Ready(Some(Err(Error::HttpRequestBodySize(Some(max)))));
                }
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body, with the connection that it comes from.
pub(super) struct Answer {
    /// None once it has ended.
    source: Option<(Incoming, AbortOnDropHandle<()>)>,
    ticket: Ticket,
    rules: Arc<Rules>,
    left: usize,
    silence: Silence,
    deadline: Instant,
    /// Runs while the guest waits for more.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Answer {
    pub(super) fn new(
        conversation: Conversation,
        ticket: Ticket,
        rules: Arc<Rules>,
        deadline: Instant,
    ) -> Self {
        let Conversation { incoming, connection, silence } = conversation;
        Self {
            source: Some((incoming, connection)),
            ticket,
            left: rules.max_response_size,
            rules,
            silence,
            deadline,
            waiting: None,
        }
    }

    /// Ends it, and its connection.
    fn fail(&mut self, fault: Fault) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.source = None;
        self.waiting = None;
        Poll::Ready(Some(Err(self.ticket.failed(fault))))
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    fn late(&self) -> Fault {
        let (limit, is_limit) = self.silence;
        match self.is_over() {
            true => Fault::TooLong(self.rules.total_time),
            false => Fault::Silent { what: Awaited::Answer, limit, is_limit },
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some((incoming, _)) = &mut self.source else { return Poll::Ready(None) };
        match Pin::new(incoming).poll_frame(cx) {
            Poll::Ready(None) => {
                self.source = None;
                self.waiting = None;
                self.ticket.answered();
                Poll::Ready(None)
            }
            // The deadline has ended the connection.
            Poll::Ready(Some(Err(_))) if self.is_over() => {
                let fault = self.late();
                self.fail(fault)
            }
            Poll::Ready(Some(Err(error))) => self.fail(Fault::Http(error)),
            Poll::Ready(Some(Ok(frame))) => {
                self.waiting = None;
                let length = frame.data_ref().map_or(0, Bytes::len);
                match self.left.checked_sub(length) {
                    Some(left) => self.left = left,
                    None => {
                        let max = self.rules.max_response_size;
                        return self.fail(Fault::ResponseSize(max));
                    }
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Pending => {
                let until = (Instant::now() + self.silence.0).min(self.deadline);
                let sleep = || Box::pin(tokio::time::sleep_until(until));
                let waiting = self.waiting.get_or_insert_with(sleep);
                if waiting.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                let fault = self.late();
                self.fail(fault)
            }
        }
    }
}
