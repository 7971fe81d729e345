//! The broker: what lies between a publish and the subscribers, who may be those of
//! several hosts.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::fan_out::{Publication, Topic};
use super::name::TopicName;

/// Carries publications to the hosts that have subscribers.
///
/// Fan-out to the connections of this host is not its business: it calls
/// [`Topic::deliver`] of what is here, once for each publication, those of this host
/// included, in the order in which one publisher made them.
///
/// It is called in the middle of a guest's event, which waits for it: each of its
/// futures has to end within moments, with an error rather than late. It must not block
/// its thread, and may be dropped half-way where the guest has come to its end.
pub(crate) trait Broker: Send + Sync {
    /// Hands a publication to everybody who is subscribed to its topic, at most once:
    /// one that was taken may still be lost, and is never sent again. `here` is
    /// this host's part of the topic, if it has subscribers here.
    ///
    /// The next one of the same publisher is published when this has returned, and
    /// must not overtake it.
    fn publish_at_most_once<'a>(
        &'a self,
        publication: Publication,
        topic: &'a TopicName,
        here: Option<Arc<Topic>>,
    ) -> BoxFuture<'a, Result<(), BrokerError>>;

    /// Somebody here is about to subscribe. What is published elsewhere once this has
    /// returned has to arrive here. Called for each subscriber, not for the first one
    /// only.
    fn join<'a>(&'a self, topic: &'a TopicName) -> BoxFuture<'a, Result<(), BrokerError>>;

    /// Nobody here is subscribed any more. Called under a lock: it must not wait, and
    /// not call back.
    fn leave(&self, topic: &TopicName);

    /// How many are subscribed in all, where `here` are.
    fn subscribers<'a>(
        &'a self,
        topic: &'a TopicName,
        here: u64,
    ) -> BoxFuture<'a, Result<u64, BrokerError>>;
}

/// Why a broker did not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BrokerError {
    /// More is published than is delivered, here or there.
    #[error("more is published than is delivered")]
    Full,
    /// It can't be reached, or does not answer in time.
    #[error("the broker can't be reached")]
    #[cfg_attr(not(test), expect(dead_code, reason = "for brokers that span hosts"))]
    Unavailable,
}

/// The broker of a host that serves alone: what is published here is delivered here.
pub(crate) struct InProcess;

impl Broker for InProcess {
    fn publish_at_most_once<'a>(
        &'a self,
        publication: Publication,
        _: &'a TopicName,
        here: Option<Arc<Topic>>,
    ) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            match here {
                Some(here) => here.deliver(publication).await,
                None => Ok(()),
            }
        })
    }

    fn join<'a>(&'a self, _: &'a TopicName) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async { Ok(()) })
    }

    fn leave(&self, _: &TopicName) {}

    fn subscribers<'a>(
        &'a self,
        _: &'a TopicName,
        here: u64,
    ) -> BoxFuture<'a, Result<u64, BrokerError>> {
        Box::pin(async move { Ok(here) })
    }
}
