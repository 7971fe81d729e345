use std::time::Duration;

use super::{Answer, Opening, Published, handler, room};
use crate::topics::{self, PublishOutcome, SubscribeOutcome};
use crate::{
    Acceptance, Alarm, CloseEvent, CloseOrigin, CloseOutcome, Connection, Gate, Handler, Members,
    Message, Rejection, Request, Room, RoomAlarm, Timer, TimerError, WriteError, env, http,
};

const SECOND: Duration = Duration::from_secs(1);

/// Tells what happens, and leaves the rest to the test.
struct Tells;

impl Handler for Tells {
    fn on_ready(connection: &Connection, request: &Request) -> Self {
        connection.write(format!("ready {}", request.path));
        Tells
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        connection.write(&message);
        if message.as_text() == Some("close") {
            connection.close(4000, "as asked");
        }
    }

    fn on_close(&mut self, connection: &Connection, event: CloseEvent) {
        log::info!("{} {:?} {}", connection.id(), event.origin, event.code);
        assert_eq!(connection.try_write("too late"), Err(WriteError::Closed));
    }
}

impl Alarm for Tells {
    fn on_alarm(&mut self, connection: &Connection, timer: Timer) {
        connection.write(format!("{timer:?}"));
    }
}

impl Gate for Tells {
    fn on_request(connection: &Connection, request: &Request) -> Result<Acceptance, Rejection> {
        assert_eq!(Timer::after(SECOND), Err(TimerError::Unavailable));
        assert_eq!(connection.try_write("too soon"), Err(WriteError::Closed));
        match request.header("x-name") {
            Some(name) => Ok(Acceptance::new().subprotocol("v1").attach(name.as_bytes())),
            None => Err(Rejection::new(403)),
        }
    }
}

#[test]
fn each_peer_is_sent_what_is_written_to_it() {
    let host = handler::<Tells>();
    let (one, two) = (host.connect("/one"), host.connect("/two?query"));
    two.send("hi");
    one.send(vec![0, 255]);
    assert_eq!(one.received(), [Message::from("ready /one"), Message::from(vec![0, 255])]);
    assert_eq!(two.texts(), ["ready /two", "hi"]);
    assert_eq!(two.texts(), [""; 0]);
}

#[test]
fn who_is_closed_is_told_so_and_the_handler_hears_of_it_once() {
    let host = handler::<Tells>();
    let [one, two, three] = ["/1", "/2", "/3"].map(|path| host.connect(path));
    one.send("close");
    assert_eq!((one.is_open(), one.closed()), (false, Some((4000, "as asked".to_owned()))));
    one.send("more");
    one.close(1000, "");
    assert_eq!(one.texts(), ["ready /1", "close"]);
    two.close(1001, "");
    three.vanish();
    assert_eq!((two.closed(), three.closed()), (None, None));
    let logged: Vec<_> = host.logged().into_iter().map(|(_, line)| line).collect();
    assert_eq!(logged, ["1 Handler 4000", "2 Peer 1001", "3 Network 1006"]);
    assert_eq!(host.peers().len(), 0);
}

#[test]
fn what_can_not_be_sent_is_refused_as_the_host_does() {
    let host = handler::<Tells>();
    let peer = host.connect("/");
    let connection = peer.connection();
    assert_eq!(connection.try_write(vec![0; (1 << 20) + 1]), Err(WriteError::TooLarge));
    assert_eq!(connection.close(1005, ""), CloseOutcome::Invalid);
    assert_eq!(connection.close(1000, &"x".repeat(124)), CloseOutcome::Invalid);
    peer.stop_reading();
    assert_eq!(connection.try_write(vec![0; 1000]), Ok(()));
    assert_eq!(connection.buffered_amount(), 1004);
    assert_eq!(connection.try_write(vec![0; 1 << 20]), Ok(()));
    assert_eq!(connection.try_write(""), Err(WriteError::Full));
    assert_eq!(peer.received(), []);
    peer.go_on_reading();
    assert_eq!((peer.received().len(), connection.buffered_amount()), (3, 0));
    peer.stop_reading();
    connection.write(vec![0; 1 << 20]);
    connection.write("one more");
    assert_eq!(peer.closed(), Some((1013, "max-backpressure".to_owned())));
}

#[test]
fn what_the_host_knows_of_a_peer_is_what_the_test_says() {
    let host = handler::<Tells>();
    let opening = Opening::new("/x").param("name", "x").claims("{}").attachment("team 7");
    let connection = host.connect(opening).connection();
    assert_eq!(connection.param("name").as_deref(), Some("x"));
    assert_eq!(connection.claims().as_deref(), Some("{}"));
    assert_eq!(connection.attachment(), Some(b"team 7".to_vec()));
    let plain = host.connect("/").connection();
    assert_eq!((plain.params(), plain.claims(), plain.attachment()), (vec![], None, None));
}

#[test]
fn a_gate_lets_in_who_it_lets_in() {
    let host = handler::<Tells>();
    assert_eq!(host.enter("/").err(), Some(Rejection::new(403)));
    let opening = Opening::new("/").header("X-Name", "Ada");
    let acceptance = Acceptance::new().subprotocol("v1").attach("Ada");
    assert_eq!(host.ask(opening.clone()), Ok(acceptance));
    assert_eq!(host.peers().len(), 0);
    let peer = host.enter(opening).unwrap();
    assert_eq!(peer.connection().attachment(), Some(b"Ada".to_vec()));
    assert_eq!(peer.texts(), ["ready /"]);
}

/// Sets what it is sent: a time, `every` or once.
struct Sets;

impl Handler for Sets {
    fn on_ready(_connection: &Connection, _request: &Request) -> Self {
        Sets
    }

    fn on_message(&mut self, _connection: &Connection, message: Message) {
        let text = message.to_string();
        let time = |text: &str| Duration::from_millis(text.parse().unwrap());
        let set = match text.strip_prefix("every ") {
            Some(text) => Timer::every(time(text)),
            None => Timer::after(time(&text)),
        };
        assert_eq!(set.err(), text.starts_with('9').then_some(TimerError::OutOfRange));
    }
}

impl Alarm for Sets {
    fn on_alarm(&mut self, connection: &Connection, _timer: Timer) {
        connection.write("now");
    }
}

#[test]
fn timers_go_off_in_their_order_for_whose_they_are() {
    let host = handler::<Sets>();
    let (one, two) = (host.connect("/"), host.connect("/"));
    one.send("9");
    one.send("every 1000");
    two.send("1500");
    let after: Vec<_> = host.timers().iter().map(|set| (set.after, set.every)).collect();
    assert_eq!(after, [(SECOND, Some(SECOND)), (SECOND * 3 / 2, None)]);
    host.advance(SECOND * 3 / 2);
    assert_eq!((one.texts().len(), two.texts().len()), (1, 1));
    host.advance(SECOND * 10);
    assert_eq!((one.texts().len(), two.texts().len()), (10, 0));
    one.close(1000, "");
    assert_eq!(host.timers(), []);
}

#[test]
fn hosts_on_one_thread_know_nothing_of_each_other() {
    let (one, two) = (handler::<Sets>(), handler::<Sets>());
    // So that their connections have other numbers, and their timers the same.
    let _ = two.connect("/");
    let (first, second) = (one.connect("/"), two.connect("/"));
    first.send("1000");
    second.send("2000");
    two.advance(2 * SECOND);
    assert_eq!((first.texts().len(), second.texts().len()), (0, 1));
    assert_eq!((one.timers().len(), two.timers().len()), (1, 0));
    one.advance(SECOND);
    assert_eq!(first.texts(), ["now"]);
}

#[test]
fn what_is_published_is_told_and_reaches_who_is_subscribed() {
    let host = handler::<Tells>();
    let (one, two) = (host.connect("/"), host.connect("/"));
    let _ = (one.received(), two.received());
    assert_eq!(one.connection().subscribe("news"), SubscribeOutcome::Subscribed);
    assert_eq!(two.connection().subscribe("news"), SubscribeOutcome::Subscribed);
    assert_eq!(one.connection().subscribe(""), SubscribeOutcome::Invalid);
    assert_eq!(topics::subscriber_count("news"), 2);
    assert_eq!(topics::publish_except("news", "x", &one.connection()), PublishOutcome::Published);
    assert_eq!((one.texts().len(), two.texts()), (0, vec!["x".to_owned()]));
    let published = Published { topic: "news".into(), message: "x".into(), except: Some(1) };
    assert_eq!(host.published(), [published]);
    assert!(two.connection().unsubscribe("news") && !two.connection().unsubscribe("news"));
    assert_eq!((one.topics(), two.topics()), (vec!["news".to_owned()], vec![]));
    one.vanish();
    assert_eq!(topics::subscriber_count("news"), 0);
}

#[test]
fn upstreams_and_variables_are_what_the_test_says() {
    let host = handler::<Tells>();
    let get = || http::get("http://example.com/?a").unwrap().header("x", "y").send();
    assert_eq!(get().err(), Some(http::Error::Denied));
    host.set_upstream(|asked| {
        assert_eq!((&*asked.method, &*asked.url), ("GET", "http://example.com/?a"));
        assert_eq!(asked.headers, [("x".to_owned(), b"y".to_vec())]);
        Ok(Answer::new(404).header("Retry-After", "5").piece("on").piece("").piece("e\ntwo"))
    });
    let mut response = get().unwrap();
    assert_eq!((response.status(), response.header("retry-after")), (404, Some("5")));
    let lines: Vec<_> = response.lines().map(Result::unwrap).collect();
    assert_eq!(lines, ["one", "two"]);
    assert_eq!(get().unwrap().text().unwrap(), "one\ntwo");
    assert_eq!(env::var("GREETING"), None);
    host.set_variable("GREETING", "Hello!");
    assert_eq!(env::var("GREETING").as_deref(), Some("Hello!"));
}

/// Says how many there are, every second while it is open.
struct Counts;

impl Room for Counts {
    type Member = ();

    fn open(_connection: &Connection, _request: &Request) -> Self {
        Timer::every(SECOND).unwrap();
        Counts
    }

    fn on_ready(&mut self, members: &mut Members<Self>, _: &Connection, _: &Request) {
        members.broadcast("another");
    }

    fn on_close(&mut self, members: &mut Members<Self>, _: &Connection, (): (), event: CloseEvent) {
        members.broadcast(format!("one less: {}", event.detail));
    }
}

impl RoomAlarm for Counts {
    fn on_alarm(&mut self, members: &mut Members<Self>, _timer: Timer) {
        members.broadcast(members.len().to_string());
    }
}

#[test]
fn a_rooms_timers_are_the_rooms() {
    let host = room::<Counts>();
    let (one, two) = (host.connect("/"), host.connect("/"));
    host.advance(SECOND);
    let shutdown = CloseEvent {
        origin: CloseOrigin::Host,
        code: 1001,
        reason: String::new(),
        detail: "shutdown".to_owned(),
    };
    one.end(shutdown);
    host.advance(SECOND);
    assert_eq!(one.texts(), ["another", "2"]);
    assert_eq!(two.texts(), ["2", "one less: shutdown", "1"]);
    two.vanish();
    assert_eq!(host.timers().len(), 1);
}
