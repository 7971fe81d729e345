//! Topics: what is published to one reaches every connection that is subscribed to it.
//!
//! Contract:
//! - A message is framed once, by its publisher, and shared by all queues. No instance
//!   is entered for a delivery: it goes into the subscriber's outbound queue, and the
//!   subscriber's session writes it, or who has brought it where nothing is before it.
//! - Order is kept for each publisher and topic. Everything is delivered at most once,
//!   to who was subscribed when it was published.
//! - Nobody waits for a subscriber's peer; but one whose session is only yet to come to
//!   write is waited for, which is up to this host and bounded. One whose queue has no
//!   room is dealt with by its handler's [`Overflow`] policy. Half of a queue is all that
//!   deliveries get, so that they never hold back the handler's own writes, nor the
//!   reading of frames.
//! - A publisher waits, for a bounded time, while 1 MiB of what its handler has
//!   published is not delivered yet: that is the host's doing, and no subscriber's.
//! - What is bounded: the names' length, the subscriptions of each connection, the
//!   topics of each handler, the publications that wait, and each subscriber's queue.
//!
//! Who delivers: a topic of up to a few dozen subscribers is served by the publish
//! itself, which costs less than to hand it on. One of many gets its turn in a `ring`:
//! one task for each handler's topics, and one for the shared ones, which queues for 128
//! subscribers at a time, or writes for 32 of them ([`hand`]), and then goes behind all
//! that is ready, the sessions among it that it has just woken. That is what keeps a fan-out to 10,000 from holding a thread
//! that watches sockets, and from running ahead of the sockets; it lets what was queued
//! be written while it is in the CPU's caches; and it bounds what one handler, however
//! many topics it has, puts in front of the others. To queue takes some hundred
//! nanoseconds, and to write takes microseconds: so one task can keep all cores busy,
//! since the sessions that it wakes are run by whichever thread is free; it writes to no
//! more of the sockets itself than is its own thread's share. More tasks, or
//! shards of a topic, would gain nothing and cost the order. What is published while a
//! pass is under way waits for the next one, and then goes out together, with one wake
//! and one system call for each subscriber.
//!
//! [`Broker`] is where hosts would be connected: it sees every publication, and here
//! only hands it to the topic on this host.

mod broker;
mod counts;
mod fan_out;
mod hand;
mod imports;
mod name;
mod ring;
mod rules;
mod shelf;
mod subscriptions;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use wasmtime::component::{ComponentType, Lower};

use crate::account::Account;
use crate::connection::{Connection, ConnectionId};
use crate::frame::SharedFrame;
use broker::{Broker, BrokerError, InProcess};
use fan_out::{BACKLOG, Publication, Subscriber};
pub(crate) use imports::link;
pub(crate) use name::SHARED;
use name::Written;
pub(crate) use rules::{Overflow, Rules};
use shelf::Shelf;
pub(crate) use subscriptions::Subscriptions;

/// What all handlers share.
pub(crate) struct Topics {
    broker: Arc<dyn Broker>,
    shared: Arc<Shelf>,
    runtime: Option<Handle>,
}

/// The topics of one handler, over all its generations.
pub(crate) struct HandlerTopics {
    all: Arc<Topics>,
    own: Arc<Shelf>,
    /// How many there are because of it, shared ones among them.
    made: Arc<AtomicUsize>,
    backlog: Arc<Semaphore>,
}

/// See the WIT, `subscribe-outcome`.
#[derive(Clone, Copy, ComponentType, Debug, Lower, PartialEq, Eq)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum SubscribeOutcome {
    #[component(name = "subscribed")]
    Subscribed,
    #[component(name = "closed")]
    Closed,
    #[component(name = "invalid")]
    Invalid,
    #[component(name = "denied")]
    Denied,
    #[component(name = "full")]
    Full,
    #[component(name = "unavailable")]
    Unavailable,
}

/// See the WIT, `unsubscribe-outcome`.
#[derive(Clone, Copy, ComponentType, Debug, Lower, PartialEq, Eq)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum UnsubscribeOutcome {
    #[component(name = "unsubscribed")]
    Unsubscribed,
    #[component(name = "not-subscribed")]
    NotSubscribed,
}

/// See the WIT, `publish-outcome`.
#[derive(Clone, Copy, ComponentType, Debug, Lower, PartialEq, Eq)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum PublishOutcome {
    #[component(name = "published")]
    Published,
    #[component(name = "too-large")]
    TooLarge,
    #[component(name = "invalid")]
    Invalid,
    #[component(name = "denied")]
    Denied,
    #[component(name = "full")]
    Full,
    #[component(name = "unavailable")]
    Unavailable,
}

impl Topics {
    /// Deliveries run on the threads of the runtime that this is called on.
    pub(crate) fn new() -> Arc<Self> {
        Self::with(Arc::new(InProcess))
    }

    fn with(broker: Arc<dyn Broker>) -> Arc<Self> {
        let runtime = Handle::try_current().ok();
        let shared = Shelf::new(None, runtime.clone(), broker.clone());
        Arc::new(Self { broker, shared, runtime })
    }

    /// Those of a handler; no other one that is served has this name.
    pub(crate) fn of(self: &Arc<Self>, handler: Arc<str>) -> HandlerTopics {
        HandlerTopics {
            all: self.clone(),
            own: Shelf::new(Some(handler), self.runtime.clone(), self.broker.clone()),
            made: Arc::default(),
            backlog: Arc::new(Semaphore::new(BACKLOG)),
        }
    }
}

impl HandlerTopics {
    fn shelf(&self, name: Written<'_>) -> &Arc<Shelf> {
        match name {
            Written::Own(_) => &self.own,
            Written::Shared(_) => &self.all.shared,
        }
    }

    /// Subscribes a connection of the handler `account`, whose topics these are.
    pub(crate) async fn subscribe(
        &self,
        connection: &Arc<Connection>,
        topic: &str,
        rules: &Rules,
        account: &Arc<Account>,
    ) -> SubscribeOutcome {
        let Some(name) = Written::parse(topic) else { return SubscribeOutcome::Invalid };
        let text = match name {
            Written::Shared(text) if !rules.may_subscribe(text) => return SubscribeOutcome::Denied,
            Written::Own(text) | Written::Shared(text) => text,
        };
        let shelf = self.shelf(name);
        let subscriptions = &connection.subscriptions;
        if connection.shared().outbound.is_shut() {
            return SubscribeOutcome::Closed;
        }
        if let Some(refusal) =
            subscriptions.refusal(shelf.find(text).as_ref(), rules.max_subscriptions)
        {
            return refusal;
        }
        let Some(hold) = shelf.hold(text, &self.made, rules.max_topics) else {
            return SubscribeOutcome::Full;
        };
        if self.all.broker.join(&hold.name).await.is_err() {
            return SubscribeOutcome::Unavailable;
        }
        let subscriber = Subscriber::new(connection.clone(), account.clone(), rules.overflow);
        subscriptions.add(hold, connection.id(), subscriber, rules.max_subscriptions)
    }

    pub(crate) fn unsubscribe(&self, connection: &Connection, topic: &str) -> UnsubscribeOutcome {
        let topic = Written::parse(topic).and_then(|name| {
            let (Written::Own(text) | Written::Shared(text)) = name;
            self.shelf(name).find(text)
        });
        match topic {
            Some(topic) if connection.subscriptions.remove(&topic) => {
                UnsubscribeOutcome::Unsubscribed
            }
            _ => UnsubscribeOutcome::NotSubscribed,
        }
    }

    /// Publishes for the handler `account`, whose topics these are, as `rules` allow it;
    /// for the operator where there are none.
    pub(crate) async fn publish(
        &self,
        topic: &str,
        rules: Option<&Rules>,
        frame: SharedFrame,
        except: Option<ConnectionId>,
        account: &Account,
    ) -> PublishOutcome {
        let Some(name) = Written::parse(topic) else { return PublishOutcome::Invalid };
        let text = match name {
            Written::Shared(text) if rules.is_some_and(|rules| !rules.may_publish(text)) => {
                return PublishOutcome::Denied;
            }
            Written::Own(text) | Written::Shared(text) => text,
        };
        let shelf = self.shelf(name);
        let publication = Publication::new(frame, except, self.backlog.clone());
        let here = shelf.find(text);
        let name = shelf.name_of(text.into());
        match self.all.broker.publish_at_most_once(publication, &name, here).await {
            Ok(()) => {
                account.metrics.topics.published.inc();
                PublishOutcome::Published
            }
            Err(BrokerError::Full) => PublishOutcome::Full,
            Err(BrokerError::Unavailable) => PublishOutcome::Unavailable,
        }
    }

    pub(crate) async fn subscribers(&self, topic: &str, rules: &Rules) -> u64 {
        let Some(name) = Written::parse(topic) else { return 0 };
        let text = match name {
            Written::Shared(text) if !rules.may_publish(text) && !rules.may_subscribe(text) => {
                return 0;
            }
            Written::Own(text) | Written::Shared(text) => text,
        };
        let shelf = self.shelf(name);
        let here = shelf.find(text).map_or(0, |topic| topic.subscribers()) as u64;
        let name = shelf.name_of(text.into());
        self.all.broker.subscribers(&name, here).await.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
