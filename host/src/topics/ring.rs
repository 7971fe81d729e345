//! The turns of topics that have something to deliver.
//!
//! One task for each handler, and one for all shared topics; it is there while
//! anything waits. See [`super`] for why it is one.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use tokio::runtime::Handle;

use super::counts::Counts;
use super::fan_out::Topic;
use super::hand::Hand;

pub(super) struct Ring {
    /// Whose threads deliver: those that watch sockets, where the sessions are that have
    /// to be woken. None where there is no runtime, as in some tests.
    runtime: Option<Handle>,
    turns: Mutex<Turns>,
}

#[derive(Default)]
struct Turns {
    topics: VecDeque<Arc<Topic>>,
    /// The task is there.
    running: bool,
}

impl Ring {
    pub(super) fn new(runtime: Option<Handle>) -> Self {
        Self { runtime, turns: Mutex::default() }
    }

    /// The topic has something to deliver, and is not listed yet.
    pub(super) fn add(self: &Arc<Self>, topic: Arc<Topic>) {
        let begins = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.topics.push_back(topic);
            !std::mem::replace(&mut turns.running, true)
        };
        if !begins {
            return;
        }
        match &self.runtime {
            Some(runtime) => drop(runtime.spawn(self.clone().run())),
            None => while self.step(&mut Hand::new(None)) {},
        }
    }

    async fn run(self: Arc<Self>) {
        // First of all those who have been told already, by the publisher itself.
        behind_others().await;
        let mut hand = Hand::new(self.runtime.as_ref());
        while self.step(&mut hand) {
            behind_others().await;
        }
    }

    /// The turn of one topic. False where there is none left, and the task ends.
    fn step(&self, hand: &mut Hand) -> bool {
        let topic = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            let topic = turns.topics.pop_front();
            turns.running = topic.is_some();
            topic
        };
        let Some(topic) = topic else { return false };
        hand.look();
        if topic.step(&mut Counts::default(), hand) {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.topics.push_back(topic);
        }
        true
    }
}

/// Goes on when everything has had its turn that is ready by now: the sessions that
/// were just woken first of all. (`yield_now` would let others wait for no more than a
/// few of them.)
async fn behind_others() {
    let mut waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
