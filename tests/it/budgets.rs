//! What a handler may use over all its connections, and what is left to others.

use std::time::{Duration, Instant};

use crate::harness::guests::{FLOODS_ON_MESSAGE, REPORTS_CLOSE, RUNS_ON_MESSAGE, USES_WASI};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Client, Server, Start, example, frame, upgraded, within};

/// Without pings, so that it is not one of them by which a connection is looked at
/// again that was held back.
const QUIET: [&str; 2] = ["--ping-interval=1h", "--pong-timeout=2h"];

/// The same guest twice, as two handlers.
async fn two(guest: &[u8], args: &[&str]) -> Server {
    let start = Start::with(&[("one.wasm", guest), ("two.wasm", guest)]);
    args.iter().fold(start, |start, arg| start.arg(*arg)).run().await
}

/// How many MiB of 16 a connection gets.
async fn grow(client: &mut Client) -> u64 {
    client.ask("grow 16").await.strip_prefix("got ").unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_memory_of_a_handler_is_shared_by_its_instances() {
    let server = two(&RUNS_ON_MESSAGE.bytes(), &["--max-handler-memory=8MiB"]).await;
    let mut first = server.connect("/one").await;
    let mut second = server.connect("/one").await;
    let mut other = server.connect("/two").await;
    // Beside the budget each instance has 2 MiB of its own.
    assert!((7..10).contains(&grow(&mut first).await));
    assert!(grow(&mut second).await < 2);
    assert!((7..10).contains(&grow(&mut other).await));
    // What an instance had is free when it is gone.
    first.close(1000, "").await;
    within("memory", async { while grow(&mut second).await == 0 {} }).await;
}

#[tokio::test]
async fn the_memory_of_all_handlers_is_bounded_and_one_instance_more_is_503() {
    // An interpreter needs tens of MiB from its start.
    let python = example("hello-python");
    let files = [("python.wasm", &*python), ("runs.wasm", &RUNS_ON_MESSAGE.bytes())];
    let server = Start::with(&files).arg("--max-total-memory=40MiB").run().await;
    let mut instances = Vec::new();
    let refused = loop {
        assert!(instances.len() < 4, "nothing bounds it");
        match Client::try_connect(&server.url("/python"), &[]).await {
            Ok(client) => instances.push(client),
            Err(status) => break status,
        }
    };
    assert_eq!((refused.as_u16(), instances.is_empty()), (503, false));
    server.log.message("(max-total-memory)").await;
    assert_eq!(server.connect("/runs").await.ask("small").await, "small");
    drop(instances);
    let again = async { while Client::try_connect(&server.url("/python"), &[]).await.is_err() {} };
    within("memory", again).await;
}

#[tokio::test]
async fn instances_are_what_runs_out_however_many_memories_they_have() {
    // QuickJS and its adapter have a memory each.
    let server = Start::with(&[("js.wasm", &example("hello-js"))]);
    let server = server.arg("--max-instances=6").run().await;
    let mut clients = Vec::new();
    for _ in 0..6 {
        clients.push(server.connect("/js").await);
    }
    for client in &mut clients {
        assert_eq!(client.text().await, "Hello!");
    }
    let refused = Client::try_connect(&server.url("/js"), &[]).await.err();
    assert_eq!(refused.map(|status| status.as_u16()), Some(503));
}

#[tokio::test]
async fn the_instances_of_a_handler_are_bounded() {
    let server = two(&RUNS_ON_MESSAGE.bytes(), &["--max-handler-instances=2"]).await;
    let mut first = server.connect("/one").await;
    let second = server.connect("/one").await;
    let refused = Client::try_connect(&server.url("/one"), &[]).await.err();
    assert_eq!(refused.map(|status| status.as_u16()), Some(503));
    server.log.message("max-handler-instances").await;
    assert_eq!(server.connect("/two").await.ask("other").await, "other");
    drop(second);
    let again = async { while Client::try_connect(&server.url("/one"), &[]).await.is_err() {} };
    within("an instance", again).await;
    assert_eq!(first.ask("still").await, "still");
}

/// `queued=A full=B …` of the next flood.
async fn flood(server: &Server, client: &mut Client, command: &str) -> (u64, u64) {
    let start = server.log.len();
    client.send(command).await;
    let line =
        server.log.wait_from(start, "outcomes", |l| l.message().starts_with("queued=")).await;
    let mut words = line.message().split(' ');
    let mut number = || words.next().unwrap().split_once('=').unwrap().1.parse().unwrap();
    (number(), number())
}

#[tokio::test]
async fn a_queue_that_is_too_long_for_its_handler_is_ended_and_no_other() {
    let args = ["--max-handler-queue=2MiB", "--max-backpressure=64MiB", "--write-timeout=1h"];
    let server = two(&FLOODS_ON_MESSAGE.bytes(), &args).await;
    let mut sound = server.connect("/one").await;
    let mut flooded = server.connect("/one").await;
    // Its client reads nothing: what the sockets do not hold stays in the queue, and
    // what they hold makes room for more of it.
    for _ in 0..10 {
        flooded.send("try 400 100000").await;
    }
    server.log.message("more was held for it than for others (max-handler-queue)").await;
    server.log.message(r#"closed: Host 1006 "overload""#).await;
    let (_, close) = flooded.rest().await;
    assert_eq!(close, None);
    assert_eq!(sound.ask("sound").await, "sound");
    let mut other = server.connect("/two").await;
    assert_eq!(flood(&server, &mut other, "try 10 100000").await, (10, 0));
}

#[tokio::test]
async fn peers_that_read_nothing_keep_no_other_from_being_answered() {
    let args = ["--max-total-queue=8MiB", "--write-timeout=1h", QUIET[0], QUIET[1]];
    let server = two(&FLOODS_ON_MESSAGE.bytes(), &args).await;
    let mut honest = server.connect("/two").await;
    let large = "x".repeat(500_000);
    let mut silent = Vec::new();
    for _ in 0..40 {
        let mut socket = upgraded(server.address, "/one").await;
        // More than the system takes for it.
        socket.write_all(&frame(1, b"try 9 900000").repeat(8)).await.unwrap();
        silent.push(socket);
        assert_eq!(honest.ask("small").await, "small");
        assert_eq!(honest.ask(&large).await, large);
    }
    server.log.message("more was held for it than for others (max-total-queue)").await;
    assert_eq!(server.connect("/one").await.ask("new").await, "new");
}

#[tokio::test]
async fn who_is_ended_for_what_it_holds_gives_it_back_although_its_event_goes_on() {
    let files: [(&str, &[u8]); 2] =
        [("wasi.wasm", &USES_WASI.bytes()), ("echo.wasm", &example("echo"))];
    let start = Start::with(&files).arg("--max-total-queue=4MiB");
    let server = start.arg(QUIET[0]).arg(QUIET[1]).endless_events().run().await;
    let mut honest = server.connect("/echo").await;
    let large = "x".repeat(500_000);
    let mut busy = Vec::new();
    for _ in 0..16 {
        let mut client = server.connect("/wasi").await;
        assert_eq!(client.ask("sleep 3600000").await, "sleeping");
        for _ in 0..2 {
            // It may have been ended.
            let _ = client.try_send("x".repeat(1_000_000)).await;
        }
        busy.push(client);
        assert_eq!(honest.ask(&large).await, large);
    }
    server.log.message("more was held for it than for others (max-total-queue)").await;
}

#[tokio::test]
async fn connections_of_a_removed_handler_are_ended_before_those_that_hold_less() {
    let files: [(&str, &[u8]); 2] =
        [("x.wasm", &FLOODS_ON_MESSAGE.bytes()), ("echo.wasm", &example("echo"))];
    let args = ["--max-total-queue=4MiB", "--write-timeout=1h"];
    let start = args.iter().fold(Start::with(&files), |start, arg| start.arg(*arg));
    let server = start.run().await;
    let mut slow = Vec::new();
    for _ in 0..4 {
        let log = server.log.len();
        let mut socket = upgraded(server.address, "/x").await;
        socket.write_all(&frame(1, b"try 6 900000")).await.unwrap();
        server.log.wait_from(log, "outcomes", |line| line.message().starts_with("queued=")).await;
        slow.push(socket);
    }
    std::fs::remove_file(server.file("x.wasm")).unwrap();
    server.log.message("/x is served no more").await;
    // Each in the middle of a message, and with the others over the bound; by themselves
    // they are below three quarters of it, which is what is left, even where each has room
    // for 512 KiB by now.
    let mut honest = Vec::new();
    for _ in 0..5 {
        let mut socket = upgraded(server.address, "/echo").await;
        let head = [0x82, 0xFF, 0, 0, 0, 0, 0, 0x06, 0x1A, 0x80, 0, 0, 0, 0];
        socket.write_all(&[&head[..], &[7; 399_999]].concat()).await.unwrap();
        honest.push(socket);
    }
    for mut socket in honest {
        socket.write_all(&[7]).await.unwrap();
        let mut echo = vec![0; 10 + 400_000];
        within("an echo", socket.read_exact(&mut echo)).await.unwrap();
        assert_eq!(echo[..2], [0x82, 127]);
    }
}

#[tokio::test]
async fn pings_are_not_held() {
    let server = Start::embedded().arg("--max-total-queue=500KB").run().await;
    let mut client = server.connect("/echo").await;
    for _ in 0..100 {
        for _ in 0..100 {
            client.feed(Message::Ping(vec![7; 100].into())).await;
        }
        client.flush().await;
        for _ in 0..100 {
            assert!(client.next().await.unwrap().unwrap().is_pong());
        }
    }
    assert_eq!(client.ask("here").await, "here");
    assert!(!server.log.text().contains("held"));
}

#[tokio::test]
async fn messages_that_are_never_finished_are_bounded_in_all() {
    let start = Start::embedded().arg("--max-total-queue=4MiB");
    let server = start.arg(QUIET[0]).arg(QUIET[1]).run().await;
    let mut honest = server.connect("/echo").await;
    let large = "x".repeat(500_000);
    let mut unfinished = Vec::new();
    for _ in 0..20 {
        let mut socket = upgraded(server.address, "/echo").await;
        // The head of a frame of a million bytes, and most of it.
        let head = [0x81, 0xFF, 0, 0, 0, 0, 0, 0x0F, 0x42, 0x40, 0, 0, 0, 0];
        socket.write_all(&head).await.unwrap();
        // It may be ended by now.
        let _ = socket.write_all(&[b'x'; 900_000]).await;
        unfinished.push(socket);
        assert_eq!(honest.ask(&large).await, large);
    }
    server.log.message("more was held for it than for others (max-total-queue)").await;
}

#[tokio::test]
async fn messages_that_come_too_fast_are_read_at_their_pace_and_none_is_lost() {
    let server = Start::embedded().arg("--max-message-rate=100").run().await;
    let mut fast = server.connect("/echo").await;
    let mut other = server.connect("/echo").await;
    let started = Instant::now();
    for number in 0..250 {
        fast.feed(number.to_string()).await;
    }
    fast.flush().await;
    assert_eq!(other.ask("unhindered").await, "unhindered");
    for number in 0..250 {
        assert_eq!(fast.text().await, number.to_string());
    }
    // The first hundred at once, the others at a hundred a second.
    assert!(started.elapsed() > Duration::from_millis(1400), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_connection_without_messages_is_closed_where_that_is_wished() {
    let server = Start::with(&[("reports.wasm", &REPORTS_CLOSE.bytes())])
        .arg("--idle-timeout=500ms")
        .arg("--ping-interval=50ms")
        .run()
        .await;
    let mut idle = server.connect("/reports").await;
    let mut talks = server.connect("/reports").await;
    idle.text().await;
    talks.text().await;
    // It answers pings all the while, which are no messages.
    let idle = tokio::spawn(async move { idle.closed().await });
    while !idle.is_finished() {
        assert_eq!(talks.ask("busy").await, "busy");
    }
    let (code, reason) = idle.await.unwrap();
    assert_eq!(code, 1001);
    assert!(reason.contains("idle-timeout"), "{reason}");
    server.log.message(r#""idle-timeout" after 0 messages"#).await;
    assert_eq!(talks.ask("still").await, "still");
}

#[tokio::test]
async fn a_handler_with_many_busy_events_leaves_another_its_share_of_the_cpu() {
    let runs = RUNS_ON_MESSAGE.bytes();
    let files = [("one.wasm", &*runs), ("many.wasm", &*runs)];
    let server = Start::with(&files).endless_events().run().await;
    let mut one = server.connect("/one").await;
    let mut spin = async || {
        let started = Instant::now();
        assert_eq!(one.ask("spin 500").await, "spun");
        started.elapsed()
    };
    let alone = spin().await;
    let mut many = Vec::new();
    for _ in 0..24 {
        let mut client = server.connect("/many").await;
        assert_eq!(client.ask("loop").await, "looping");
        many.push(client);
    }
    let beside = spin().await;
    // By the number of events it would have a twelfth of two cores, or less of one.
    assert!(beside < alone * 8, "{beside:?}, alone {alone:?}");
}
