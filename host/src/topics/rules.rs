//! What a handler may do with topics, and what becomes of subscribers that are slow.

use crate::config::Limits;
use crate::pattern::Pattern;

/// What holds for one generation of a handler.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) overflow: Overflow,
    /// Topics to which one connection may be subscribed at a time.
    pub(crate) max_subscriptions: usize,
    /// Topics of the handler that there may be at a time, and shared ones that exist
    /// because of it.
    pub(crate) max_topics: usize,
    /// Shared topics that it may publish to.
    pub(crate) publish: Vec<Pattern>,
    /// Shared topics that it may subscribe to.
    pub(crate) subscribe: Vec<Pattern>,
}

/// What becomes of a subscriber whose queue has no room for a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// It is closed with 1013: nothing is lost in silence.
    #[default]
    Close,
    /// It does not get this one message, which is counted.
    Drop,
}

impl Rules {
    /// Those of a handler that says nothing of topics: it has its own.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            overflow: Overflow::default(),
            max_subscriptions: limits.max_subscriptions,
            max_topics: limits.max_topics,
            publish: Vec::new(),
            subscribe: Vec::new(),
        }
    }

    pub(super) fn may_publish(&self, shared: &str) -> bool {
        self.publish.iter().any(|pattern| pattern.matches(shared))
    }

    pub(super) fn may_subscribe(&self, shared: &str) -> bool {
        self.subscribe.iter().any(|pattern| pattern.matches(shared))
    }
}
