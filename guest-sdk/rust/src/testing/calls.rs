//! The functions of the host, with the signatures of the bindings.
#![allow(clippy::needless_pass_by_value, reason = "they are called as the bindings are")]

use std::rc::Rc;

use super::fake::{Fake, Phase, Wire};
use crate::Message;
use crate::bindings::socklet::websocket::types::MessageParam;

const ONE_MIB: u64 = 1024 * 1024;
const MAX_SUBSCRIPTIONS: usize = 64;
const MAX_TIMERS: usize = 256;

#[track_caller]
fn fake() -> Rc<Fake> {
    Fake::current().expect(
        "the host can be called in a component, and natively on a thread that has made one by \
         socklet_guest::testing",
    )
}

/// What a connection answers, or this where it is none that is open.
fn open<T>(id: u64, closed: T, act: impl FnOnce(&mut Wire) -> T) -> T {
    match fake().state().wires.get_mut(&id) {
        Some(wire) if wire.phase == Phase::Open => act(wire),
        _ => closed,
    }
}

/// How many bytes a message takes in a queue.
fn framed(payload: usize) -> u64 {
    let header = match payload {
        0..126 => 2,
        126..65_536 => 4,
        _ => 10,
    };
    payload as u64 + header
}

pub(crate) mod connection {
    use super::{ONE_MIB, Phase, framed, open};
    use crate::bindings::socklet::websocket::types::{CloseOutcome, MessageParam, WriteOutcome};

    pub(crate) fn write(to: u64, message: MessageParam<'_>) -> WriteOutcome {
        let message = super::owned(&message);
        open(to, WriteOutcome::Closed, |wire| {
            if message.as_bytes().len() as u64 > ONE_MIB {
                return WriteOutcome::TooLarge;
            }
            if wire.waiting >= ONE_MIB {
                return WriteOutcome::Full;
            }
            if !wire.reads {
                wire.waiting += framed(message.as_bytes().len());
            }
            wire.written.push(message);
            WriteOutcome::Queued
        })
    }

    pub(crate) fn close(connection: u64, code: u16, reason: &str) -> CloseOutcome {
        let allowed = matches!(code, 1000 | 1001 | 1003 | 1007..=1014 | 3000..=4999);
        open(connection, CloseOutcome::Closed, |wire| {
            if !allowed || reason.len() > 123 {
                return CloseOutcome::Invalid;
            }
            wire.phase = Phase::Closing;
            wire.close = Some((code, reason.to_owned()));
            CloseOutcome::Closing
        })
    }

    pub(crate) fn buffered_amount(connection: u64) -> u64 {
        open(connection, 0, |wire| wire.waiting)
    }
}

fn owned(message: &MessageParam<'_>) -> Message {
    match *message {
        MessageParam::Text(text) => text.into(),
        MessageParam::Binary(bytes) => bytes.to_owned().into(),
    }
}

pub(crate) mod opening {
    use super::super::Opening;
    use super::fake;

    fn of<T: Default>(connection: u64, read: impl FnOnce(&Opening) -> T) -> T {
        fake().state().wires.get(&connection).map(|wire| read(&wire.opening)).unwrap_or_default()
    }

    pub(crate) fn params(connection: u64) -> Vec<(String, String)> {
        of(connection, |opening| opening.params.clone())
    }

    pub(crate) fn claims(connection: u64) -> Option<String> {
        of(connection, |opening| opening.claims.clone())
    }

    pub(crate) fn attachment(connection: u64) -> Option<Vec<u8>> {
        of(connection, |opening| opening.attachment.clone())
    }
}

pub(crate) mod log {
    use super::Fake;
    use crate::bindings::socklet::websocket::log::Level;

    /// Printed as well, which a test that fails shows.
    pub(crate) fn log(level: Level, message: &str) {
        let level = match level {
            Level::Trace => log::Level::Trace,
            Level::Debug => log::Level::Debug,
            Level::Info => log::Level::Info,
            Level::Warn => log::Level::Warn,
            Level::Error => log::Level::Error,
        };
        println!("{level} {message}");
        if let Some(fake) = Fake::current() {
            fake.state().logged.push((level, message.to_owned()));
        }
    }
}

pub(crate) mod timers {
    use std::time::Duration;

    use super::super::fake::Pending;
    use super::{MAX_TIMERS, fake};
    use crate::bindings::timed::socklet::websocket::timers::{CancelOutcome, SetOutcome};

    const YEAR: u64 = 365 * 24 * 60 * 60 * 1000;

    pub(crate) fn set(after: u64, every: Option<u64>) -> SetOutcome {
        let fake = fake();
        let mut state = fake.state();
        if state.at_the_gate {
            return SetOutcome::Unavailable;
        }
        if [after, every.unwrap_or(after)].iter().any(|time| !(10..=YEAR).contains(time)) {
            return SetOutcome::OutOfRange;
        }
        if state.timers.len() >= MAX_TIMERS {
            return SetOutcome::Full;
        }
        state.timers_set += 1;
        let (id, at) = (state.timers_set, state.now + Duration::from_millis(after));
        state.timers.push(Pending { id, at, every: every.map(Duration::from_millis) });
        SetOutcome::Set(id)
    }

    pub(crate) fn cancel(timer: u64) -> CancelOutcome {
        let fake = fake();
        let mut state = fake.state();
        match state.timers.iter().position(|pending| pending.id == timer) {
            Some(place) => {
                state.timers.remove(place);
                CancelOutcome::Cancelled
            }
            None => CancelOutcome::NotSet,
        }
    }
}

pub(crate) mod topics {
    use super::super::Published;
    use super::{MAX_SUBSCRIPTIONS, ONE_MIB, Phase, fake, open};
    use crate::bindings::socklet::websocket::types::MessageParam;
    use crate::bindings::topical::socklet::websocket::topics::{
        PublishOutcome, SubscribeOutcome, UnsubscribeOutcome,
    };

    fn is_name(topic: &str) -> bool {
        let name = topic.strip_prefix("shared:").unwrap_or(topic);
        !name.is_empty() && topic.len() <= 256 && !topic.chars().any(char::is_control)
    }

    pub(crate) fn subscribe(connection: u64, topic: &str) -> SubscribeOutcome {
        open(connection, SubscribeOutcome::Closed, |wire| {
            if !is_name(topic) {
                return SubscribeOutcome::Invalid;
            }
            if !wire.topics.contains(topic) && wire.topics.len() >= MAX_SUBSCRIPTIONS {
                return SubscribeOutcome::Full;
            }
            wire.topics.insert(topic.to_owned());
            SubscribeOutcome::Subscribed
        })
    }

    pub(crate) fn unsubscribe(connection: u64, topic: &str) -> UnsubscribeOutcome {
        open(connection, UnsubscribeOutcome::NotSubscribed, |wire| {
            match wire.topics.remove(topic) {
                true => UnsubscribeOutcome::Unsubscribed,
                false => UnsubscribeOutcome::NotSubscribed,
            }
        })
    }

    pub(crate) fn publish(
        topic: &str,
        message: MessageParam<'_>,
        except: Option<u64>,
    ) -> PublishOutcome {
        let message = super::owned(&message);
        if !is_name(topic) {
            return PublishOutcome::Invalid;
        }
        if message.as_bytes().len() as u64 > ONE_MIB {
            return PublishOutcome::TooLarge;
        }
        let fake = fake();
        let mut state = fake.state();
        for (id, wire) in &mut state.wires {
            let hears = wire.phase == Phase::Open && wire.topics.contains(topic);
            if hears && Some(*id) != except {
                wire.written.push(message.clone());
            }
        }
        state.published.push(Published { topic: topic.to_owned(), message, except });
        PublishOutcome::Published
    }

    pub(crate) fn subscriber_count(topic: &str) -> u64 {
        let fake = fake();
        let state = fake.state();
        let hears = |wire: &&super::Wire| wire.phase == Phase::Open && wire.topics.contains(topic);
        state.wires.values().filter(hears).count() as u64
    }
}

pub(crate) mod environment {
    pub(crate) fn get_environment() -> Vec<(String, String)> {
        // The one that was set last counts.
        super::fake().state().variables.iter().rev().cloned().collect()
    }
}

pub(crate) mod http {
    use super::super::upstream;
    use crate::http::{Error, Request, Response};

    #[allow(clippy::unnecessary_wraps, reason = "a component's own has no answer")]
    pub(crate) fn answer(request: &Request) -> Option<Result<Response, Error>> {
        let upstream = super::fake().state().upstream.clone();
        Some(upstream::answer(upstream.as_ref(), request))
    }
}
