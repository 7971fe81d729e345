//! What one connection is subscribed to. It ends with the connection, wherever that
//! ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fan_out::{Subscriber, Topic};
use super::shelf::Hold;
use super::{Rules, SubscribeOutcome};
use crate::connection::ConnectionId;

/// None once it has ended.
pub(crate) struct Subscriptions(Mutex<Option<Vec<Subscription>>>);

/// Ended when dropped.
struct Subscription {
    hold: Hold,
    connection: ConnectionId,
}

impl Subscriptions {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }

    /// Why another topic can't be subscribed to, if so; `topic` where it is there.
    pub(super) fn refusal(
        &self,
        topic: Option<&Arc<Topic>>,
        max: usize,
    ) -> Option<SubscribeOutcome> {
        match &*self.list() {
            None => Some(SubscribeOutcome::Closed),
            Some(list) if topic.is_some_and(|topic| place_of(list, topic).is_some()) => {
                Some(SubscribeOutcome::Subscribed)
            }
            Some(list) if list.len() >= max => Some(SubscribeOutcome::Full),
            Some(_) => None,
        }
    }

    pub(super) fn add(
        &self,
        hold: Hold,
        connection: ConnectionId,
        subscriber: Subscriber,
        max: usize,
    ) -> SubscribeOutcome {
        if let Some(refusal) = self.refusal(Some(&hold.topic), max) {
            return refusal;
        }
        let mut list = self.list();
        let Some(list) = &mut *list else { return SubscribeOutcome::Closed };
        hold.topic.add(subscriber);
        list.push(Subscription { hold, connection });
        SubscribeOutcome::Subscribed
    }

    /// False where there is none.
    pub(super) fn remove(&self, topic: &Arc<Topic>) -> bool {
        let removed = self.list().as_mut().and_then(|list| {
            let place = place_of(list, topic)?;
            Some(list.swap_remove(place))
        });
        removed.is_some()
    }

    /// Ends those that its handler is not granted any more.
    pub(crate) fn hold_to(&self, rules: &Rules) {
        let mut lost = Vec::new();
        if let Some(list) = &mut *self.list() {
            let is_lost = |subscription: &mut Subscription| {
                let name = &subscription.hold.name;
                name.handler.is_none() && !rules.may_subscribe(&name.topic)
            };
            lost.extend(list.extract_if(.., is_lost));
        }
        // Not under the lock.
        drop(lost);
    }

    /// The connection has ended, or is about to: nothing can be subscribed to any
    /// more.
    pub(crate) fn end(&self) {
        let ended = self.list().take();
        drop(ended);
    }

    fn list(&self) -> MutexGuard<'_, Option<Vec<Subscription>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place_of(list: &[Subscription], topic: &Arc<Topic>) -> Option<usize> {
    list.iter().position(|subscription| Arc::ptr_eq(&subscription.hold.topic, topic))
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hold.topic.remove(self.connection);
    }
}
