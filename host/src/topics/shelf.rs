//! Topics by their names: each is there for as long as somebody holds it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;

use super::broker::Broker;
use super::fan_out::Topic;
use super::name::TopicName;
use super::ring::Ring;

/// The topics of one handler, or those that handlers share.
pub(super) struct Shelf {
    /// Whose they are; none where they are shared.
    handler: Option<Arc<str>>,
    topics: Mutex<HashMap<Arc<str>, Held>>,
    ring: Arc<Ring>,
    broker: Arc<dyn Broker>,
}

struct Held {
    topic: Arc<Topic>,
    name: Arc<TopicName>,
    holds: usize,
    /// Goes up with it, for whoever made it.
    count: Arc<AtomicUsize>,
}

/// Keeps a topic on its shelf.
pub(super) struct Hold {
    pub(super) topic: Arc<Topic>,
    pub(super) name: Arc<TopicName>,
    shelf: Arc<Shelf>,
}

impl Shelf {
    pub(super) fn new(
        handler: Option<Arc<str>>,
        runtime: Option<Handle>,
        broker: Arc<dyn Broker>,
    ) -> Arc<Self> {
        let ring = Arc::new(Ring::new(runtime));
        Arc::new(Self { handler, topics: Mutex::default(), ring, broker })
    }

    /// Holds a topic, which is made where it is not there; `count` is how many its
    /// maker has made, of `max` at most. None where that is reached.
    pub(super) fn hold(
        self: &Arc<Self>,
        name: &str,
        count: &Arc<AtomicUsize>,
        max: usize,
    ) -> Option<Hold> {
        let mut topics = self.topics();
        if !topics.contains_key(name) {
            let counted = count.fetch_update(Relaxed, Relaxed, |made| {
                made.checked_add(1).filter(|made| *made <= max)
            });
            counted.ok()?;
            let key: Arc<str> = name.into();
            let topic = Arc::new(Topic::new(self.ring.clone()));
            let name = Arc::new(self.name_of(key.clone()));
            topics.insert(key, Held { topic, name, holds: 0, count: count.clone() });
        }
        let held = topics.get_mut(name)?;
        held.holds += 1;
        Some(Hold { topic: held.topic.clone(), name: held.name.clone(), shelf: self.clone() })
    }

    /// A topic that somebody holds.
    pub(super) fn find(&self, name: &str) -> Option<Arc<Topic>> {
        Some(self.topics().get(name)?.topic.clone())
    }

    pub(super) fn name_of(&self, topic: Arc<str>) -> TopicName {
        TopicName { handler: self.handler.clone(), topic }
    }

    fn release(&self, name: &TopicName) {
        let mut topics = self.topics();
        let Some(held) = topics.get_mut(&name.topic) else { return };
        held.holds -= 1;
        if held.holds == 0 {
            held.count.fetch_sub(1, Relaxed);
            topics.remove(&name.topic);
            self.broker.leave(name);
        }
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<Arc<str>, Held>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.topics().len()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.shelf.release(&self.name);
    }
}
