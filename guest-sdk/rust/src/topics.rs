//! Publish and subscribe: what is published to a topic reaches every connection that
//! is subscribed to it, in whatever instance, and no handler is called for that.
//!
//! ```
//! use socklet_guest::prelude::*;
//! use socklet_guest::topics;
//!
//! /// Whatever somebody says, all others hear.
//! struct Megaphone;
//!
//! impl Handler for Megaphone {
//!     fn on_ready(connection: &Connection, _request: &Request) -> Self {
//!         connection.subscribe("all");
//!         Megaphone
//!     }
//!
//!     fn on_message(&mut self, connection: &Connection, message: Message) {
//!         topics::publish_except("all", message, connection);
//!     }
//! }
//!
//! socklet_guest::export!(Megaphone);
//! ```
//!
//! State that connections share is a room's; pure fan-out is a topic's.
//!
//! A name such as `news` is a topic of the handler's own. `shared:news` is one that
//! handlers share, for which the manifest needs grants:
//!
//! ```toml
//! [capabilities]
//! topics = { publish = ["news"], subscribe = ["news", "weather.*"] }
//! ```
//!
//! Names have 1 to 256 bytes and no control characters. Messages are delivered at most
//! once, to who is subscribed when they are published, and those of one instance to one
//! topic in the order in which it published them. A subscriber that is too slow is
//! closed with 1013, or misses messages where the manifest says so:
//!
//! ```toml
//! [topics]
//! overflow = "drop"
//! ```

use std::fmt;

use log::error;

use crate::bindings::topical::socklet::websocket::topics;
use crate::host::topics as host;
use crate::{AsMessage, Connection, MessageRef};

impl Connection {
    /// Subscribes the connection to a topic: from now on it gets what is published
    /// there, each message once. The subscription ends with
    /// [`unsubscribe`](Self::unsubscribe) or with the connection.
    ///
    /// What can't be is logged: a name that can't be one, a shared topic that this
    /// handler may not subscribe to, and too many topics.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn follow(connection: &Connection, request: &Request) {
    ///     for topic in request.query("topics").unwrap_or_default().split(',') {
    ///         connection.subscribe(topic);
    ///     }
    /// }
    /// ```
    pub fn subscribe(&self, topic: &str) -> SubscribeOutcome {
        let outcome = host::subscribe(self.id(), topic).into();
        if !matches!(outcome, SubscribeOutcome::Subscribed | SubscribeOutcome::Closed) {
            error!("connection {} is not subscribed to {topic:?}: {outcome}", self.id());
        }
        outcome
    }

    /// Ends a subscription: from now on nothing of the topic is queued for the
    /// connection. False where it was not subscribed.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn change(connection: &Connection, from: &str, to: &str) {
    ///     if connection.unsubscribe(from) {
    ///         connection.subscribe(to);
    ///     }
    /// }
    /// ```
    pub fn unsubscribe(&self, topic: &str) -> bool {
        host::unsubscribe(self.id(), topic) == topics::UnsubscribeOutcome::Unsubscribed
    }
}

/// Sends a message to everybody who is subscribed to a topic.
///
/// It returns when the host has taken the message, and waits where the handler
/// publishes faster than the host delivers; never for a slow subscriber. What was not
/// published is logged.
///
/// ```
/// use socklet_guest::topics;
///
/// fn tick(price: f64) {
///     topics::publish("prices", price.to_string());
/// }
/// ```
pub fn publish(topic: &str, message: impl AsMessage) -> PublishOutcome {
    send(topic, message.as_message(), None)
}

/// The same, to everybody but one connection: most often the one whose message it is.
///
/// ```
/// use socklet_guest::prelude::*;
/// use socklet_guest::topics;
///
/// fn relay(connection: &Connection, message: Message) {
///     topics::publish_except("all", message, connection);
/// }
/// ```
pub fn publish_except(topic: &str, message: impl AsMessage, except: &Connection) -> PublishOutcome {
    send(topic, message.as_message(), Some(except.id()))
}

/// How many connections are subscribed to a topic now.
///
/// ```
/// use socklet_guest::prelude::*;
/// use socklet_guest::topics;
///
/// fn say_how_many(connection: &Connection) {
///     connection.write(format!("{} are here", topics::subscriber_count("all")));
/// }
/// ```
#[must_use]
pub fn subscriber_count(topic: &str) -> u64 {
    host::subscriber_count(topic)
}

/// Not generic, so that a handler has one copy of it however many types it publishes.
fn send(topic: &str, message: MessageRef<'_>, except: Option<u64>) -> PublishOutcome {
    let outcome = host::publish(topic, message.into(), except).into();
    if outcome != PublishOutcome::Published {
        error!("a message is not published to {topic:?}: {outcome}");
    }
    outcome
}

/// What became of a [`subscribe`](Connection::subscribe).
///
/// ```
/// use socklet_guest::prelude::*;
/// use socklet_guest::topics::SubscribeOutcome;
///
/// fn join(connection: &Connection, topic: &str) {
///     if connection.subscribe(topic) == SubscribeOutcome::Invalid {
///         connection.close(4000, "no such topic");
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscribeOutcome {
    /// It gets what is published from now on, or did so before.
    Subscribed,
    /// The connection is closing or closed. No attempt will succeed.
    Closed,
    /// The name is empty, longer than 256 bytes, or holds a control character.
    Invalid,
    /// It is a shared topic that this handler may not subscribe to.
    Denied,
    /// The connection has `max-subscriptions` (64 by default), or the handler
    /// `max-topics` (10,000 by default).
    Full,
    /// The broker that connects hosts can't be reached. Try again later.
    Unavailable,
}

/// What became of a [`publish`]. It says nothing about subscribers.
///
/// ```
/// use socklet_guest::topics::{self, PublishOutcome};
///
/// fn announce(text: &str) -> bool {
///     topics::publish("shared:announcements", text) == PublishOutcome::Published
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishOutcome {
    /// It is on its way to everybody who is subscribed, were it nobody.
    Published,
    /// The message is larger than `max-message-size` or `max-backpressure` (1 MiB each by
    /// default): split it.
    TooLarge,
    /// The name is empty, longer than 256 bytes, or holds a control character.
    Invalid,
    /// It is a shared topic that this handler may not publish to.
    Denied,
    /// The handler publishes faster than the host delivers. Try again later, or leave
    /// it out.
    Full,
    /// The broker that connects hosts can't be reached. Try again later.
    Unavailable,
}

const INVALID: &str = "its name must have 1 to 256 bytes and no control characters";
const UNAVAILABLE: &str = "the broker can't be reached: try again later";

impl fmt::Display for SubscribeOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            SubscribeOutcome::Subscribed => "it is",
            SubscribeOutcome::Closed => "it is closed or closing",
            SubscribeOutcome::Invalid => INVALID,
            SubscribeOutcome::Denied => "a shared topic needs a grant: ask for it in the manifest",
            SubscribeOutcome::Full => "there are too many (max-subscriptions, max-topics)",
            SubscribeOutcome::Unavailable => UNAVAILABLE,
        })
    }
}

impl fmt::Display for PublishOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            PublishOutcome::Published => "it is",
            PublishOutcome::TooLarge => "it is over max-message-size: split it",
            PublishOutcome::Invalid => INVALID,
            PublishOutcome::Denied => "a shared topic needs a grant: ask for it in the manifest",
            PublishOutcome::Full => "more is published than is delivered: publish less",
            PublishOutcome::Unavailable => UNAVAILABLE,
        })
    }
}

impl From<topics::SubscribeOutcome> for SubscribeOutcome {
    fn from(outcome: topics::SubscribeOutcome) -> Self {
        match outcome {
            topics::SubscribeOutcome::Subscribed => Self::Subscribed,
            topics::SubscribeOutcome::Closed => Self::Closed,
            topics::SubscribeOutcome::Invalid => Self::Invalid,
            topics::SubscribeOutcome::Denied => Self::Denied,
            topics::SubscribeOutcome::Full => Self::Full,
            topics::SubscribeOutcome::Unavailable => Self::Unavailable,
        }
    }
}

impl From<topics::PublishOutcome> for PublishOutcome {
    fn from(outcome: topics::PublishOutcome) -> Self {
        match outcome {
            topics::PublishOutcome::Published => Self::Published,
            topics::PublishOutcome::TooLarge => Self::TooLarge,
            topics::PublishOutcome::Invalid => Self::Invalid,
            topics::PublishOutcome::Denied => Self::Denied,
            topics::PublishOutcome::Full => Self::Full,
            topics::PublishOutcome::Unavailable => Self::Unavailable,
        }
    }
}
