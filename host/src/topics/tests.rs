//! Topics without sockets: what can't be brought about over them.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::{future::Future, pin::pin};

use futures_util::future::BoxFuture;
use futures_util::task::{ArcWake, waker};
use hyper::HeaderMap;

use super::name::TopicName;
use super::*;
use crate::account::Totals;
use crate::config::{Config, Limits};
use crate::handshake::request::Request;
use crate::pattern::Pattern;
use crate::peer::Peer;

fn rules() -> Rules {
    Rules::new(&Limits::default())
}

/// A handler on a host of its own.
struct Handler {
    account: Arc<Account>,
    limits: Limits,
}

/// As on a host, no id is given twice.
static LAST: AtomicUsize = AtomicUsize::new(0);

impl Handler {
    fn new(limits: Limits) -> Self {
        let totals = Totals::new(&Config::default());
        Self::of(&totals, "test", limits)
    }

    fn of(totals: &Totals, name: &str, limits: Limits) -> Self {
        let account = Arc::new(Account::new(name.into(), &limits, totals));
        Self { account, limits }
    }

    /// A connection whose `on-ready` has begun.
    fn connection(&self) -> Arc<Connection> {
        let request = Box::new(Request {
            path: "/".into(),
            query: None,
            headers: HeaderMap::new(),
            remote_address: Peer::Unix,
            subprotocol: None,
        });
        let id = LAST.fetch_add(1, Relaxed) as u64 + 1;
        let connection = Connection::new(id, request, &self.limits, self.account.clone());
        assert!(connection.poll_event().is_ready());
        Arc::new(connection)
    }

    fn subscribe(
        &self,
        connection: &Arc<Connection>,
        topic: &str,
        rules: &Rules,
    ) -> SubscribeOutcome {
        now(self.account.topics.subscribe(connection, topic, rules, &self.account))
    }

    fn publish(&self, topic: &str, payload: &[u8]) -> PublishOutcome {
        let frame = SharedFrame::new(true, payload);
        now(self.account.topics.publish(topic, None, frame, None, &self.account))
    }
}

/// What is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

fn queued(connection: &Connection) -> u64 {
    connection.buffered_amount()
}

#[test]
fn the_topics_of_a_handler_are_bounded_and_gone_with_their_last_subscriber() {
    let handler = Handler::new(Limits::default());
    let rules = Rules { max_topics: 2, ..rules() };
    let (one, two) = (handler.connection(), handler.connection());
    for topic in ["a", "b"] {
        assert_eq!(handler.subscribe(&one, topic, &rules), SubscribeOutcome::Subscribed);
    }
    assert_eq!(handler.subscribe(&one, "c", &rules), SubscribeOutcome::Full);
    assert_eq!(handler.subscribe(&two, "b", &rules), SubscribeOutcome::Subscribed);
    one.subscriptions.end();
    assert_eq!(handler.account.topics.own.len(), 1);
    assert_eq!(handler.subscribe(&two, "c", &rules), SubscribeOutcome::Subscribed);
    assert_eq!(handler.subscribe(&one, "c", &rules), SubscribeOutcome::Closed);
    two.subscriptions.end();
    assert_eq!(handler.account.topics.own.len(), 0);
    assert_eq!(handler.account.topics.made.load(Relaxed), 0);
    // Nothing of the topics keeps it.
    assert_eq!(Arc::strong_count(&two), 1);
}

#[test]
fn who_made_a_shared_topic_is_charged_until_it_is_gone() {
    let totals = Totals::new(&Config::default());
    let maker = Handler::of(&totals, "maker", Limits::default());
    let other = Handler::of(&totals, "other", Limits::default());
    let subscribe = vec![Pattern::new("*").unwrap()];
    let rules = Rules { subscribe, max_topics: 1, ..rules() };
    let [one, two] = [maker.connection(), other.connection()];
    assert_eq!(maker.subscribe(&one, "shared:x", &rules), SubscribeOutcome::Subscribed);
    assert_eq!(maker.subscribe(&one, "own", &rules), SubscribeOutcome::Full);
    assert_eq!(other.subscribe(&two, "shared:x", &rules), SubscribeOutcome::Subscribed);
    assert_eq!(other.subscribe(&two, "own", &rules), SubscribeOutcome::Subscribed);
    assert_eq!(other.publish("shared:x", b"hello"), PublishOutcome::Published);
    assert_eq!((queued(&one), queued(&two)), (7, 7));
    one.subscriptions.end();
    assert_eq!(maker.subscribe(&maker.connection(), "own", &rules), SubscribeOutcome::Full);
    two.subscriptions.end();
    assert_eq!(maker.subscribe(&maker.connection(), "own", &rules), SubscribeOutcome::Subscribed);
}

#[test]
fn a_shared_topic_is_for_those_whose_patterns_name_it() {
    let totals = Totals::new(&Config::default());
    let one = Handler::of(&totals, "one", Limits::default());
    let other = Handler::of(&totals, "other", Limits::default());
    let connection = other.connection();
    let publisher = Rules { publish: vec![Pattern::new("news.*").unwrap()], ..rules() };
    let subscriber = Rules { subscribe: vec![Pattern::new("news.a").unwrap()], ..rules() };
    let publish = |topic: &str, rules: &Rules| {
        let frame = SharedFrame::new(true, b"hello");
        now(one.account.topics.publish(topic, Some(rules), frame, None, &one.account))
    };
    let subscribe = |topic: &str, rules: &Rules| other.subscribe(&connection, topic, rules);
    for (topic, rules) in [("news.b", &subscriber), ("news.a", &publisher), ("x", &subscriber)] {
        assert_eq!(subscribe(&format!("shared:{topic}"), rules), SubscribeOutcome::Denied);
    }
    assert_eq!(subscribe("shared:news.a", &subscriber), SubscribeOutcome::Subscribed);
    for (topic, rules) in [("news.a", &subscriber), ("x", &publisher), ("news.a", &rules())] {
        assert_eq!(publish(&format!("shared:{topic}"), rules), PublishOutcome::Denied);
    }
    // Its own topic of that name is another one.
    assert_eq!(publish("news.a", &publisher), PublishOutcome::Published);
    assert_eq!(queued(&connection), 0);
    assert_eq!(publish("shared:news.a", &publisher), PublishOutcome::Published);
    assert_eq!(queued(&connection), 7);
    let count = |rules| now(one.account.topics.subscribers("shared:news.a", rules));
    assert_eq!((count(&publisher), count(&subscriber), count(&rules())), (1, 1, 0));
}

struct Wakes(AtomicUsize);

impl ArcWake for Wakes {
    fn wake_by_ref(this: &Arc<Self>) {
        this.0.fetch_add(1, Relaxed);
    }
}

#[test]
fn a_session_is_woken_once_for_all_that_it_has_not_taken() {
    let handler = Handler::new(Limits::default());
    let connection = handler.connection();
    handler.subscribe(&connection, "a", &rules());
    let wakes = Arc::new(Wakes(AtomicUsize::new(0)));
    let mut buffer = Vec::new();
    for taken in 1..=3 {
        connection.register_session(&waker(wakes.clone()));
        for _ in 0..5 {
            handler.publish("a", b"hello");
        }
        assert_eq!(wakes.0.load(Relaxed), taken);
        assert!(connection.shared().outbound.take(&mut buffer));
        assert_eq!(buffer, b"\x81\x05hello".repeat(5));
    }
}

/// 100 subscribers, who are not told at once.
#[tokio::test(start_paused = true)]
async fn a_publisher_waits_for_deliveries_and_not_for_long() {
    let handler = Handler::new(Limits::default());
    let rules = Rules { overflow: Overflow::Drop, ..rules() };
    let connections: Vec<_> = (0..100).map(|_| handler.connection()).collect();
    for connection in &connections {
        handler.subscribe(connection, "a", &rules);
    }
    let frame = SharedFrame::new(false, &[7; 1 << 19]);
    let topics = &handler.account.topics;
    let publish = || topics.publish("a", None, frame.clone(), None, &handler.account);
    assert_eq!(now(publish()), PublishOutcome::Published);
    assert_eq!(queued(&connections[0]), 0);
    // Another one does not fit until the first has been delivered.
    let mut second = pin!(publish());
    assert!(second.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(second.await, PublishOutcome::Published);
    while connections.iter().any(|connection| queued(connection) == 0) {
        tokio::task::yield_now().await;
    }
    // Where nothing is delivered any more, it ends.
    let place = topics.backlog.clone().acquire_many_owned(BACKLOG as u32).await;
    assert_eq!(publish().await, PublishOutcome::Full);
    drop(place);
    assert_eq!(publish().await, PublishOutcome::Published);
}

#[tokio::test]
async fn who_comes_after_a_publish_does_not_get_it_however_late_it_is_delivered() {
    let handler = Handler::new(Limits::default());
    let connections: Vec<_> = (0..100).map(|_| handler.connection()).collect();
    let (late, others) = connections.split_last().unwrap();
    for connection in others {
        handler.subscribe(connection, "a", &rules());
    }
    handler.publish("a", b"early");
    handler.subscribe(late, "a", &rules());
    handler.publish("a", b"late");
    // And who goes gets nothing more.
    handler.account.topics.unsubscribe(&others[0], "a");
    let all = "early".len() as u64 + "late".len() as u64 + 4;
    while queued(&others[98]) < all {
        tokio::task::yield_now().await;
    }
    while queued(late) == 0 {
        tokio::task::yield_now().await;
    }
    assert!(others[1..].iter().all(|connection| queued(connection) == all));
    assert_eq!(queued(late), "late".len() as u64 + 2);
    assert_eq!(queued(&others[0]), 0);
}

/// A broker that can't be reached.
struct Lost;

impl Broker for Lost {
    fn publish_at_most_once<'a>(
        &'a self,
        _: Publication,
        _: &'a TopicName,
        _: Option<Arc<fan_out::Topic>>,
    ) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async { Err(BrokerError::Unavailable) })
    }

    fn join<'a>(&'a self, _: &'a TopicName) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async { Err(BrokerError::Unavailable) })
    }

    fn leave(&self, _: &TopicName) {}

    fn subscribers<'a>(
        &'a self,
        _: &'a TopicName,
        _: u64,
    ) -> BoxFuture<'a, Result<u64, BrokerError>> {
        Box::pin(async { Err(BrokerError::Unavailable) })
    }
}

#[test]
fn a_broker_may_fail_and_leaves_nothing_behind() {
    let handler = Handler::new(Limits::default());
    let topics = Topics::with(Arc::new(Lost)).of("test".into());
    let (connection, rules) = (handler.connection(), rules());
    let account = &handler.account;
    let subscribed = now(topics.subscribe(&connection, "a", &rules, account));
    assert_eq!(subscribed, SubscribeOutcome::Unavailable);
    assert_eq!((topics.own.len(), topics.made.load(Relaxed)), (0, 0));
    let frame = SharedFrame::new(true, b"hello");
    let published = now(topics.publish("a", Some(&rules), frame, None, account));
    assert_eq!(published, PublishOutcome::Unavailable);
    assert_eq!(now(topics.subscribers("a", &rules)), 0);
}
