//! The queue and its bounds.

use tokio_tungstenite::tungstenite::protocol::frame::coding::Control;

use super::*;
use crate::account::Totals;
use crate::config::Config;

fn account(max_handler_queue: usize) -> Arc<Account> {
    let limits = Limits { max_handler_queue, ..Limits::default() };
    let totals = Totals::new(&Config::default());
    Arc::new(Account::new("test".into(), &limits, &totals))
}

fn queue_of(account: Arc<Account>) -> Outbound {
    let limits = Limits { max_backpressure: 100, max_message_size: 100_000, ..Limits::default() };
    let mut queue = Outbound::new(&limits, account);
    queue.begin_event();
    queue
}

fn queue() -> Outbound {
    queue_of(account(usize::MAX))
}

fn binary(len: usize) -> Vec<u8> {
    vec![0; len]
}

#[test]
fn a_write_is_refused_only_from_the_bound_on() {
    let mut queue = queue();
    // 97 + 2 header bytes: one below the bound.
    assert_eq!(queue.write(false, &binary(97)), WriteOutcome::Queued);
    assert_eq!(queue.write(false, &binary(1000)), WriteOutcome::Queued);
    assert_eq!(queue.write(false, &binary(0)), WriteOutcome::Full);
    assert_eq!(queue.queued(), 99 + 1004);
}

#[test]
fn what_the_writer_holds_still_counts() {
    let mut queue = queue();
    queue.write(false, &binary(98));
    let mut taken = Vec::new();
    assert!(queue.take(&mut taken));
    assert_eq!(queue.write(false, &binary(1)), WriteOutcome::Full);
    queue.sent(60);
    assert!(!queue.congested());
    assert_eq!(queue.write(false, &binary(1)), WriteOutcome::Queued);
}

#[test]
fn nothing_is_written_before_the_first_event() {
    let mut queue = Outbound::new(&Limits::default(), account(usize::MAX));
    assert_eq!(queue.write(false, &binary(1)), WriteOutcome::Closed);
    queue.begin_event();
    assert_eq!(queue.write(false, &binary(1)), WriteOutcome::Queued);
}

#[test]
fn nothing_follows_a_close_frame() {
    let mut queue = queue();
    queue.close(1000, "");
    let queued = queue.queued();
    assert_eq!(queue.write(false, &binary(1)), WriteOutcome::Closed);
    queue.control(OpCode::Control(Control::Pong), b"pong");
    queue.close(1001, "again");
    assert_eq!(queue.queued(), queued);
}

#[test]
fn a_message_over_the_limit_is_never_accepted() {
    let mut queue = queue();
    assert_eq!(queue.write(false, &binary(100_001)), WriteOutcome::TooLarge);
    assert_eq!(queue.queued(), 0);
}

#[test]
fn a_long_queue_takes_from_the_handlers_budget_until_it_is_sent_or_dropped() {
    const FREE: usize = 16 * 1024;
    // A quarter more, so 10,000 bytes in all.
    let account = account(8_000);
    let mut queue = queue_of(account.clone());
    assert_eq!(queue.write(false, &binary(FREE)), WriteOutcome::Queued);
    assert_eq!(queue.charged(), 0);
    let mut taken = Vec::new();
    queue.take(&mut taken);
    queue.sent(taken.len());
    assert_eq!(queue.write(false, &binary(FREE + 10_000)), WriteOutcome::Queued);
    assert_eq!(account.queued.full(), Some("max-handler-queue"));
    assert!(queue.congested());
    // A short queue takes the first message of an event, however full others are,
    // and only then is it a long one.
    let limits = Limits { max_backpressure: 1 << 20, ..Limits::default() };
    let mut short = Outbound::new(&limits, account.clone());
    assert!(!short.congested());
    short.begin_event();
    assert_eq!(short.write(false, &binary(FREE + 1)), WriteOutcome::Queued);
    assert_eq!(short.write(false, &binary(1)), WriteOutcome::Full);
    assert_eq!(short.refused, Refused::from([("max-handler-queue", 1)]));
    assert!(short.congested());
    drop(short);
    drop(queue);
    assert_eq!(account.queued.full(), None);
}

fn shared(len: usize) -> SharedFrame {
    SharedFrame::new(false, &binary(len))
}

/// Everything that is queued, taken and sent, in order.
fn send(queue: &mut Outbound) -> Vec<u8> {
    let mut sent = Vec::new();
    loop {
        let mut taken = Vec::new();
        match queue.take_shared() {
            Some(mut shared) => {
                let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
                while !shared.is_empty() {
                    let _ = shared.poll_write(std::pin::Pin::new(&mut taken), &mut cx);
                }
            }
            None if queue.take(&mut taken) => {}
            None => return sent,
        }
        queue.sent(taken.len());
        sent.extend(taken);
    }
}

#[test]
fn shared_frames_leave_in_order_and_count_as_what_they_are() {
    let limits = Limits { max_backpressure: 1 << 20, ..Limits::default() };
    let account = account(usize::MAX);
    let mut queue = Outbound::new(&limits, account.clone());
    queue.begin_event();
    let (small, large) = (shared(100), shared(50_000));
    let mut expected = Vec::new();
    for part in 0..3 {
        assert_eq!(queue.deliver(&small), Delivery::Queued);
        assert_eq!(queue.deliver(&large), Delivery::Queued);
        assert_eq!(queue.write(true, &[b'0' + part; 10]), WriteOutcome::Queued);
        expected.extend_from_slice(small.bytes());
        expected.extend_from_slice(large.bytes());
        frame::append(&mut expected, frame::data_opcode(true), &[b'0' + part; 10]);
    }
    queue.control(OpCode::Control(Control::Ping), b"");
    frame::append(&mut expected, OpCode::Control(Control::Ping), b"");
    assert_eq!(queue.queued(), expected.len());
    // But for the ping, and for the header of what was written last.
    assert_eq!(queue.charged(), expected.len() - 2 - 2 - 16 * 1024);
    // What the writer has taken and not sent still counts.
    let taken = queue.take_shared().unwrap();
    assert_eq!(queue.queued(), expected.len());
    queue.shared = Some(taken);
    assert!(send(&mut queue) == expected);
    assert_eq!((queue.queued(), queue.charged()), (0, 0));
}

#[test]
fn deliveries_fill_half_of_the_queue_and_leave_the_rest_to_the_handler() {
    let mut queue = queue();
    queue.begin_event();
    assert_eq!(queue.deliver(&shared(30)), Delivery::Queued);
    assert_eq!(queue.deliver(&shared(17)), Delivery::Refused("max-backpressure"));
    assert_eq!(queue.deliver(&shared(16)), Delivery::Queued);
    assert_eq!(queue.deliver(&shared(0)), Delivery::Refused("max-backpressure"));
    assert!(!queue.congested());
    assert_eq!(queue.write(false, &binary(40)), WriteOutcome::Queued);
    assert_eq!(queue.deliver(&shared(0)), Delivery::Refused("max-backpressure"));
    assert_eq!(send(&mut queue).len(), 32 + 18 + 42);
    // One that is larger than that half finds room where there is nothing else, and
    // the event that it came into can still write.
    queue.begin_event();
    assert_eq!(queue.deliver(&shared(100)), Delivery::Queued);
    assert_eq!(queue.write(false, &binary(1000)), WriteOutcome::Queued);
    assert_eq!(queue.write(false, &binary(10)), WriteOutcome::Full);
    assert_eq!(queue.deliver(&shared(100_001)), Delivery::TooLarge("max-message-size"));
    queue.close(1000, "");
    assert_eq!(queue.deliver(&shared(0)), Delivery::Closed);
}

#[test]
fn a_delivery_keeps_to_the_handlers_budget() {
    let account = account(8_000);
    let limits = Limits { max_backpressure: 1 << 20, ..Limits::default() };
    let mut queue = Outbound::new(&limits, account);
    assert_eq!(queue.deliver(&shared(16 * 1024)), Delivery::Queued);
    assert_eq!(queue.deliver(&shared(12_000)), Delivery::Refused("max-handler-queue"));
    assert_eq!(queue.deliver(&shared(5_000)), Delivery::Queued);
    drop(send(&mut queue));
    assert_eq!(queue.charged(), 0);
}

/// Otherwise a subscriber that takes nothing would hold up its topics at each message.
#[test]
fn a_writer_is_waited_for_until_it_comes_to_the_sockets_bound_and_then_no_more() {
    let mut queue = queue();
    assert_eq!(queue.deliver(&shared(30)), Delivery::Queued);
    assert!(queue.tell());
    // It has not come to write, and so there may be room before long.
    assert!(queue.may_make_room_for(40));
    let mut taken = Vec::new();
    assert!(queue.take(&mut taken));
    queue.stalled();
    assert!(!queue.may_make_room_for(40), "its socket is full");
    // It is told once more, and comes to the bound once more.
    assert_eq!(queue.deliver(&shared(3)), Delivery::Queued);
    assert!(queue.tell());
    assert!(queue.may_make_room_for(40));
    queue.stalled();
    // From now on it waits for the socket, and nobody for it.
    assert_eq!(queue.deliver(&shared(3)), Delivery::Queued);
    assert!(!queue.tell());
    assert!(!queue.may_make_room_for(40));
}

/// Two of them would otherwise lie there: this, and what an event writes behind it.
#[test]
fn no_delivery_is_larger_than_a_queue_may_be_before_a_message() {
    let mut queue = queue();
    assert_eq!(queue.deliver(&shared(101)), Delivery::TooLarge("max-backpressure"));
    assert_eq!(queue.queued(), 0);
    assert_eq!(queue.deliver(&shared(100)), Delivery::Queued);
    assert_eq!(queue.write(false, &binary(50_000)), WriteOutcome::Queued);
    assert!(queue.queued() <= 100 + frame::MAX_HEADER + 50_004, "{}", queue.queued());
    assert_eq!(queue.write(false, &binary(0)), WriteOutcome::Full);
}

/// The writer asks when it has made room, and by then it may be others who have.
#[test]
fn who_was_held_back_is_remembered_though_others_have_made_room_since() {
    const FREE: usize = 16 * 1024;
    let account = account(8_000);
    let limits = Limits { max_backpressure: 1 << 20, ..Limits::default() };
    let mut queue = Outbound::new(&limits, account.clone());
    queue.begin_event();
    assert_eq!(queue.write(false, &binary(FREE + 1)), WriteOutcome::Queued);
    account.queued.take_anyway(10_000);
    assert!(queue.congested());
    account.queued.give_back(10_000);
    let mut taken = Vec::new();
    assert!(queue.take(&mut taken));
    queue.sent(taken.len());
    assert!(queue.was_held_back());
    assert!(!queue.congested());
    assert!(!queue.was_held_back());
}

/// A socket and its other end.
fn sockets() -> (Sink, std::os::unix::net::UnixStream) {
    let (ours, theirs) = tokio::net::UnixStream::pair().unwrap();
    let (_, sink) = ours.into_split();
    (Sink::Unix(sink), theirs.into_std().unwrap())
}

async fn open(sink: Sink) -> Outbound {
    let Sink::Unix(half) = &sink else { panic!("no Unix socket") };
    half.writable().await.unwrap();
    let limits = Limits { max_backpressure: 1 << 20, ..Limits::default() };
    let mut queue = Outbound::new(&limits, account(usize::MAX));
    queue.begin_event();
    queue.open(sink);
    queue
}

fn through(queue: &mut Outbound, frame: &SharedFrame) -> Tally {
    let lent = Lent { buffer: &mut Vec::new(), now: Instant::now() };
    queue.write_through(lent, |queue| {
        assert_eq!(queue.deliver(frame), Delivery::Queued);
    })
}

/// All that has come to the other end.
fn arrived(socket: &mut std::os::unix::net::UnixStream) -> Vec<u8> {
    let mut arrived = Vec::new();
    let end = std::io::Read::read_to_end(socket, &mut arrived);
    assert!(end.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    arrived
}

#[tokio::test]
async fn nobody_writes_past_what_is_queued_or_in_the_writers_hands() {
    let (sink, mut peer) = sockets();
    let mut queue = open(sink).await;
    let mut taken = Vec::new();
    assert!(queue.is_open());
    queue.write(false, &binary(3));
    assert!(!queue.is_open(), "something is queued");
    assert!(queue.take(&mut taken));
    assert!(!queue.is_open(), "the writer has it");
    queue.sent(taken.len() - 1);
    assert!(!queue.is_open(), "the writer has the end of it");
    queue.sent(1);
    assert!(queue.is_open());
    assert_eq!(queue.deliver(&shared(50_000)), Delivery::Queued);
    assert!(!queue.is_open(), "a shared segment is queued");
    send(&mut queue);
    assert!(queue.is_open());
    assert!(arrived(&mut peer).is_empty());
    assert!(!through(&mut queue, &shared(5)).is_empty());
    assert_eq!((arrived(&mut peer).len(), queue.queued()), (7, 0));
    assert!(queue.passed().is_some());
    queue.close(1000, "");
    assert!(!queue.is_open(), "a close frame is queued");
    send(&mut queue);
    assert!(!queue.is_open(), "the close frame was the last");
}

#[tokio::test]
async fn what_a_socket_does_not_take_at_once_is_queued_to_the_byte() {
    let (sink, mut peer) = sockets();
    let mut queue = open(sink).await;
    // Until the socket is full, by frames that are too many for it.
    let (mut expected, mut number) = (Vec::new(), 0_u8);
    while queue.is_open() {
        number = number.wrapping_add(1);
        let frame = SharedFrame::new(false, &[number; 1000]);
        expected.extend_from_slice(frame.bytes());
        let sent = through(&mut queue, &frame);
        assert_eq!(sent.is_empty(), queue.queued() > 0);
    }
    assert!(!queue.may_make_room_for(1 << 20), "its socket is full");
    assert!(!queue.written.is_empty(), "the writer counts it");
    queue.write(true, b"behind it");
    frame::append(&mut expected, frame::data_opcode(true), b"behind it");
    let mut all = arrived(&mut peer);
    all.extend(send(&mut queue));
    assert!(all == expected);
}

#[test]
fn half_a_frame_is_followed_by_its_other_half() {
    let mut queue = queue();
    let frame = shared(20);
    for taken in 0..frame.len() {
        let mut lent = frame.bytes().to_vec();
        queue.queue_rest(&mut lent, taken);
        queue.write(false, &binary(1));
        let expected = [&frame.bytes()[taken..], &[0x82, 1, 0]].concat();
        assert_eq!(send(&mut queue), expected);
    }
}
