//! A topic on this host: who is subscribed, what waits to be delivered, and in which
//! order it is.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::broker::BrokerError;
use super::counts::Counts;
use super::hand::Hand;
use super::ring::Ring;
use super::rules::Overflow;
use crate::account::Account;
use crate::closing::HostClose;
use crate::connection::{Connection, ConnectionId};
use crate::frame::SharedFrame;
use crate::outbound::Lent;

/// So few subscribers are told at once, by the publisher itself.
const FEW: usize = 32;
/// Deliveries before others have their turn.
const AT_ONCE: usize = 128;
/// How many of them a write to a socket counts for.
const WRITE: usize = 4;
/// Messages that are delivered in one go through the subscribers, and bytes of them, if
/// there is more than one: what fits into any queue, so that it is up to its session.
const BATCH: usize = 32;
const BATCH_BYTES: usize = 16 * 1024;
/// Bytes of one handler's publications that may wait.
pub(super) const BACKLOG: usize = 1 << 20;
/// What each of them counts for at the least.
const LEAST: usize = 1024;
/// How long a session may take to come to write.
const SOON: Duration = Duration::from_millis(100);
/// How long a publisher waits for room among them.
const PATIENCE: Duration = Duration::from_secs(5);

/// A message on its way to the subscribers of a topic.
pub(crate) struct Publication {
    frame: SharedFrame,
    /// Who does not get it.
    except: Option<ConnectionId>,
    /// Where it takes its place while it waits: that of its publisher's handler.
    backlog: Arc<Semaphore>,
}

/// A publication in its place.
struct Waiting {
    frame: SharedFrame,
    except: Option<ConnectionId>,
    /// How many there were before it.
    number: u64,
    _place: Option<OwnedSemaphorePermit>,
}

/// A topic, for as long as there are subscribers here.
pub(crate) struct Topic {
    state: Mutex<State>,
    ring: Arc<Ring>,
}

#[derive(Default)]
struct State {
    /// In the order of their ids, so that a pass that was interrupted goes on where it
    /// was, whoever has come and gone.
    subscribers: BTreeMap<ConnectionId, Subscriber>,
    waiting: VecDeque<Waiting>,
    /// Publications so far.
    published: u64,
    /// It is in the ring.
    listed: bool,
    pass: Option<Pass>,
    /// Since when it waits for a session to come to write.
    waits: Option<Instant>,
}

/// One go through the subscribers.
#[derive(Clone, Copy)]
struct Pass {
    /// How many of those that wait are delivered.
    messages: usize,
    /// The last subscriber that has them.
    after: ConnectionId,
}

pub(super) struct Subscriber {
    connection: Arc<Connection>,
    account: Arc<Account>,
    overflow: Overflow,
    /// The first publication that is for it.
    since: u64,
    /// The log has heard that it is too slow.
    noticed: bool,
}

impl Publication {
    pub(super) fn new(
        frame: SharedFrame,
        except: Option<ConnectionId>,
        backlog: Arc<Semaphore>,
    ) -> Self {
        Self { frame, except, backlog }
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, BrokerError> {
        let bytes = self.frame.len().clamp(LEAST, BACKLOG);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let place = self.backlog.clone().acquire_many_owned(bytes);
        // It is never closed.
        timeout(PATIENCE, place).await.ok().and_then(Result::ok).ok_or(BrokerError::Full)
    }
}

impl Subscriber {
    pub(super) fn new(
        connection: Arc<Connection>,
        account: Arc<Account>,
        overflow: Overflow,
    ) -> Self {
        Self { connection, account, overflow, since: 0, noticed: false }
    }
}

impl Topic {
    pub(super) fn new(ring: Arc<Ring>) -> Self {
        Self { state: Mutex::default(), ring }
    }

    /// From now on it gets what is published.
    pub(super) fn add(&self, mut subscriber: Subscriber) {
        let mut state = self.state();
        subscriber.since = state.published;
        state.subscribers.insert(subscriber.connection.id(), subscriber);
    }

    /// From now on nothing is queued for it.
    pub(super) fn remove(&self, connection: ConnectionId) {
        let removed = self.state().subscribers.remove(&connection);
        drop(removed);
    }

    pub(super) fn subscribers(&self) -> usize {
        self.state().subscribers.len()
    }

    /// Delivers a publication to the subscribers on this host: at once where they are
    /// few, and else soon. Waits only for earlier publications of the same handler, and
    /// fails where that takes too long.
    pub(crate) async fn deliver(
        self: &Arc<Self>,
        publication: Publication,
    ) -> Result<(), BrokerError> {
        let Publication { frame, except, .. } = &publication;
        let at_once = {
            let mut state = self.state();
            state.can_be_served_at_once(frame).then(|| {
                state.push(frame.clone(), *except, None);
                // One of them may have less room by now.
                state.listed = state.step(&mut Counts::default(), None);
                state.listed
            })
        };
        if let Some(waits) = at_once {
            if waits {
                self.ring.add(self.clone());
            }
            return Ok(());
        }
        let place = publication.place().await?;
        let is_new = {
            let mut state = self.state();
            state.push(publication.frame, publication.except, Some(place));
            !std::mem::replace(&mut state.listed, true)
        };
        if is_new {
            self.ring.add(self.clone());
        }
        Ok(())
    }

    /// Delivers some of what waits. True where there is more.
    pub(super) fn step(&self, counts: &mut Counts, hand: &mut Hand) -> bool {
        let mut state = self.state();
        state.listed = state.step(counts, Some(hand));
        state.listed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether the publisher may deliver itself. Not where a queue has no room by now:
    /// its session may only not have come to write, while this event goes on.
    fn can_be_served_at_once(&self, frame: &SharedFrame) -> bool {
        self.waiting.is_empty()
            && self.subscribers.len() <= FEW
            && self.subscribers.values().all(|one| one.connection.has_room_for(frame.len()))
    }

    fn push(
        &mut self,
        frame: SharedFrame,
        except: Option<ConnectionId>,
        place: Option<OwnedSemaphorePermit>,
    ) {
        let number = self.published;
        self.published += 1;
        self.waiting.push_back(Waiting { frame, except, number, _place: place });
    }

    fn step(&mut self, counts: &mut Counts, mut hand: Option<&mut Hand>) -> bool {
        let Self { subscribers, waiting, pass, waits, .. } = self;
        if waiting.is_empty() {
            return false;
        }
        let Pass { messages, mut after } =
            pass.take().unwrap_or_else(|| Pass { messages: batch(waiting), after: 0 });
        let bytes = waiting.range(..messages).map(|one| one.frame.len()).sum();
        let messages_of_pass = waiting.range(..messages);
        let mut late = Vec::new();
        let mut left = AT_ONCE;
        // Ids begin with 1.
        for (id, subscriber) in subscribers.range_mut((Excluded(after), Unbounded)) {
            // Whoever has only not come to write is waited for: that is up to this host, and
            // takes no longer than everything that is ready has its turn.
            let early = subscriber.connection.may_make_room_for(bytes)
                && waits.get_or_insert_with(Instant::now).elapsed() < SOON;
            if left == 0 || early {
                *pass = Some(Pass { messages, after });
                break;
            }
            *waits = None;
            after = *id;
            let own = hand.as_mut().and_then(|hand| hand.take());
            left = left.saturating_sub(messages.max(if own.is_some() { WRITE } else { 1 }));
            if let Some(limit) = subscriber.deliver(messages_of_pass.clone(), own, counts) {
                late.push((*id, limit));
            }
        }
        for (id, limit) in late {
            if let Some(subscriber) = subscribers.remove(&id) {
                subscriber.connection.close_by_host(HostClose::topic_overflow(limit));
            }
        }
        if pass.is_none() {
            waiting.drain(..messages);
        }
        !waiting.is_empty()
    }
}

/// How many of them are delivered in one go.
fn batch(waiting: &VecDeque<Waiting>) -> usize {
    let mut bytes = 0;
    let fits = |one: &&Waiting| {
        bytes += one.frame.len();
        bytes <= BATCH_BYTES
    };
    waiting.iter().take(BATCH).take_while(fits).count().max(1)
}

impl Subscriber {
    /// Queues what is for it. The limit's name where it is to be closed, since there was
    /// no room for some of it.
    fn deliver<'a>(
        &mut self,
        messages: impl Iterator<Item = &'a Waiting>,
        own: Option<Lent<'_>>,
        counts: &mut Counts,
    ) -> Option<&'static str> {
        let id = self.connection.id();
        let frames = messages
            .filter(|message| message.number >= self.since && message.except != Some(id))
            .map(|message| &message.frame);
        let mut delivered = self.connection.deliver(frames, own);
        counts.add(&self.account, &mut delivered);
        let limit = delivered.limit?;
        if delivered.late && self.overflow == Overflow::Close {
            return Some(limit);
        }
        if !std::mem::replace(&mut self.noticed, true) && self.account.may_notice() {
            tracing::info!(
                handler = &*self.account.name,
                connection = id,
                "messages of a topic are dropped for it ({limit})"
            );
        }
        None
    }
}
