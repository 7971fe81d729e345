//! Timers: a guest sets them, the host keeps them, and the instance hears of them in
//! order, once each, wherever it is by then.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::sleep;

use crate::harness::guests::{
    KEEPS_A, RINGS_A, RINGS_B, RINGS_ROOM_A, RINGS_ROOM_B, SETS_IN_ITS_GATE, SETS_WITHOUT_ALARM,
};
use crate::harness::{Client, LogLine, Operator, Server, Start, example, metrics, within};

const ROOMS: &str = "route = \"/room/{name}\"\nscope = \"path\"\n";

async fn server(component: &[u8], manifest: &str) -> Server {
    let files = [("x.wasm", component), ("x.toml", manifest.as_bytes())];
    Start::with(&files).arg("--admin=127.0.0.1:0").run().await
}

/// One of each kind, with somebody who is connected to it.
async fn both(manifest: &str) -> [(Server, Client, &'static str); 2] {
    let own = server(&RINGS_A.bytes(), manifest).await;
    let room = server(&RINGS_ROOM_A.bytes(), &format!("{manifest}{ROOMS}")).await;
    let (one, other) = (own.connect("/x").await, room.connect("/room/1").await);
    [(own, one, "/x"), (room, other, "/room/1")]
}

async fn swap(server: &Server, component: &[u8]) {
    let before = server.log.len();
    server.put("x.wasm", component);
    let serves = |line: &LogLine| line.message().contains(": serves /");
    server.log.wait_from(before, "the next generation", serves).await;
}

/// Waits until so many instances are parked, and so many live.
async fn settled(operator: &Operator, parked: u64, live: u64) {
    let settled = async {
        loop {
            let status = operator.handler("x").await;
            if status["parked"] == parked && status["instances"] == live {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    within(&format!("{parked} parked and {live} live"), settled).await;
}

#[tokio::test]
async fn timers_go_off_once_or_again_and_again_in_the_order_of_their_times() {
    for (server, mut client, _) in both("").await {
        let began = Instant::now();
        for (after, name) in [(600, "c"), (200, "a"), (400, "b")] {
            assert_eq!(client.ask(&format!("after {after} {name}")).await, format!("set {name}"));
        }
        for (at, name) in [(200, "a"), (400, "b"), (600, "c")] {
            assert_eq!(client.text().await, format!("a rings {name}"));
            assert!(began.elapsed() >= Duration::from_millis(at), "{name} is early");
        }
        assert_eq!(client.ask("cancel a").await, "no a");
        let began = Instant::now();
        assert_eq!(client.ask("every 100 again").await, "set again");
        for round in 1..=5 {
            assert_eq!(client.text().await, "a rings again");
            assert!(began.elapsed() >= Duration::from_millis(100 * round), "{round} is early");
        }
        let series = "socklet_event_duration_seconds_count{export=\"on-alarm\",handler=\"x\"}";
        let counted = metrics(&server).await[series];
        assert!(counted >= 8.0, "{counted}");
    }
}

#[tokio::test]
async fn a_timer_that_was_cancelled_goes_off_no_more() {
    for (_server, mut client, _) in both("").await {
        assert_eq!(client.ask("every 10 often").await, "set often");
        assert_eq!(client.text().await, "a rings often");
        client.send("cancel often").await;
        while client.text().await != "cancelled often" {}
        assert_eq!(client.ask("after 50 once").await, "set once");
        assert_eq!(client.ask("cancel once").await, "cancelled once");
        assert_eq!(client.ask("after 100 other").await, "set other");
        assert_eq!(client.text().await, "a rings other");
    }
}

#[tokio::test]
async fn an_instance_has_so_many_timers_and_none_that_go_off_too_soon_or_too_late() {
    for (server, mut client, route) in both("limits.max-timers = 3\n").await {
        for time in ["0", "9", "31536000001"] {
            for how in ["after", "every"] {
                let answer = client.ask(&format!("{how} {time} x")).await;
                assert_eq!(answer, "no x: a timer takes 10 ms to 365 days");
            }
        }
        assert_eq!(client.ask("after 31536000000 year").await, "set year");
        assert_eq!(client.ask("fill").await, "2, then there are too many timers");
        assert_eq!(client.ask("cancel year").await, "cancelled year");
        assert_eq!(client.ask("after 10 x").await, "set x");
        assert_eq!(client.text().await, "a rings x");
        // Whether it is another instance's.
        let mut other = server.connect(route).await;
        let left = if route == "/x" { "3" } else { "1" };
        assert_eq!(other.ask("fill").await, format!("{left}, then there are too many timers"));
    }
}

#[tokio::test]
async fn the_bound_is_256_unless_the_operator_or_the_manifest_says_otherwise() {
    let [(_server, mut client, _), _] = both("").await;
    assert_eq!(client.ask("fill").await, "256, then there are too many timers");
    let start = Start::with(&[("x.wasm", &RINGS_A.bytes())]).arg("--max-timers=2");
    let server = start.run().await;
    assert_eq!(server.connect("/x").await.ask("fill").await, "2, then there are too many timers");
}

#[tokio::test]
async fn one_that_is_late_goes_off_once_for_all_that_were_missed() {
    let files = [("x.wasm", &*RINGS_A.bytes())];
    let server = Start::with(&files).arg("--event-cpu-time=30s").run().await;
    let mut client = server.connect("/x").await;
    assert_eq!(client.ask("every 200 t").await, "set t");
    let mut millions = 16;
    loop {
        millions *= 2;
        let began = Instant::now();
        client.send(format!("spin {millions}")).await;
        while client.text().await != "spun" {}
        if began.elapsed() > Duration::from_millis(900) {
            break;
        }
    }
    // At least four were missed. Each would have its turn between two of these.
    for _ in 0..8 {
        client.feed("cancel x").await;
    }
    client.flush().await;
    let (mut answers, mut rings) = (0, 0);
    while answers < 8 {
        match &*client.text().await {
            "no x" => answers += 1,
            "a rings t" => rings += 1,
            other => panic!("{other}"),
        }
    }
    assert!((1..=2).contains(&rings), "{rings}");
}

#[tokio::test]
async fn messages_have_their_turn_between_timers_that_are_always_due() {
    for (server, mut client, route) in both("").await {
        let answer = client.ask("flood 10").await;
        assert!(answer.starts_with("256, then"), "{answer}");
        let mut answers = 0;
        while answers < 5 {
            client.send("cancel x").await;
            let next = async { while client.text().await != "no x" {} };
            within("an answer among the alarms", next).await;
            answers += 1;
        }
        if route != "/x" {
            // Others have theirs as well.
            let mut other = server.connect(route).await;
            other.send("cancel x").await;
            within("an answer", async { while other.text().await != "no x" {} }).await;
        }
    }
}

#[tokio::test]
async fn a_congested_queue_holds_no_timer_back() {
    let manifest = "limits.max-backpressure = \"64KiB\"\n";
    for (server, mut client, _) in both(manifest).await {
        assert_eq!(client.ask("every 10 stuff").await, "set stuff");
        // The client reads no more: at some time nothing is written any more.
        for _ in 0..3 {
            let before = server.log.len();
            let full = |line: &LogLine| line.message() == "a rings stuff: 0 written";
            server.log.wait_from(before, "an alarm while the queue is full", full).await;
        }
    }
}

#[tokio::test]
async fn nothing_goes_off_after_on_close() {
    let [(server, mut client, _), _] = both("").await;
    assert_eq!(client.ask("every 10 t").await, "set t");
    assert_eq!(client.text().await, "a rings t");
    client.close(1000, "").await;
    // None can be set any more either.
    server.log.message("1 left a: no late: no timer can be set here").await;
    let mut other = server.connect("/x").await;
    assert_eq!(other.ask("after 100 t").await, "set t");
    assert_eq!(other.text().await, "a rings t");
    let said = server.log.said_by(1);
    assert!(said.last().unwrap().starts_with("1 left"), "{said:?}");
}

#[tokio::test]
async fn they_go_off_while_the_connection_is_closing() {
    let [(server, mut client, _), _] = both("").await;
    assert_eq!(client.ask("every 10 t").await, "set t");
    // It is answered once the client reads on.
    client.send("close").await;
    server.log.message("a rings t: Err(Closed)").await;
    assert_eq!(client.closed().await.0, 1000);
    server.log.message("1 left a").await;
}

#[tokio::test]
async fn they_outlive_a_swap_with_their_ids_and_the_time_that_is_left() {
    for (server, mut client, _) in both("").await {
        let began = Instant::now();
        for command in ["after 2000 once", "every 1500 again", "after 60000 never"] {
            assert!(client.ask(command).await.starts_with("set"));
        }
        let next = if server.log.text().contains("/room") { RINGS_ROOM_B } else { RINGS_B };
        swap(&server, &next.bytes()).await;
        assert_eq!(client.text().await, "b rings again");
        assert!(began.elapsed() >= Duration::from_millis(1500));
        assert_eq!(client.text().await, "b rings once");
        assert!((2000..2900).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
        assert_eq!(client.ask("cancel once").await, "no once");
        assert_eq!(client.ask("cancel never").await, "cancelled never");
        assert_eq!(client.text().await, "b rings again");
        assert!(began.elapsed() >= Duration::from_millis(3000));
    }
}

#[tokio::test]
async fn what_a_resume_sets_and_cancels_counts_unless_it_fails() {
    for (server, mut client, _) in both("").await {
        let next = if server.log.text().contains("/room") { RINGS_ROOM_B } else { RINGS_B };
        assert_eq!(client.ask("wish fail").await, "wish fail");
        assert_eq!(client.ask("every 300 t").await, "set t");
        swap(&server, &next.bytes()).await;
        server.log.message("resume did not take it: as wished").await;
        for _ in 0..2 {
            assert_eq!(client.text().await, "a rings t");
        }
        client.send("wish set").await;
        while client.text().await != "wish set" {}
        swap(&server, &[&next.bytes()[..], &[0, 3, 1, b'x', 0]].concat()).await;
        let new = async { while client.text().await != "b rings new" {} };
        within("the timer that resume has set", new).await;
        assert_eq!(client.ask("cancel t").await, "no t");
    }
}

#[tokio::test]
async fn who_has_timers_stays_where_the_next_version_would_not_hear_of_them() {
    for (server, mut client, _) in both("").await {
        assert_eq!(client.ask("every 200 t").await, "set t");
        swap(&server, &KEEPS_A.bytes()).await;
        let why = "could not move to generation 2: it has set timers, and the next one exports no \
                   socklet:websocket/alarm@0.1.0";
        server.log.message(why).await;
        for _ in 0..2 {
            assert_eq!(client.text().await, "a rings t");
        }
    }
}

#[tokio::test]
async fn a_parked_instance_is_woken_by_its_timer() {
    for (server, mut client, _) in both("park-after = \"1s\"\n").await {
        let operator = Operator::of(&server).await;
        let began = Instant::now();
        assert_eq!(client.ask("after 2500 t").await, "set t");
        settled(&operator, 1, 0).await;
        assert!(began.elapsed() < Duration::from_millis(2500), "it is parked too late");
        assert_eq!(client.text().await, "a rings t");
        assert!(began.elapsed() >= Duration::from_millis(2500));
        assert_eq!(client.ask("count").await, "1 have gone off");
    }
}

#[tokio::test]
async fn a_parked_instance_that_belongs_elsewhere_by_now_is_woken_there() {
    for (server, mut client, _) in both("park-after = \"1s\"\n").await {
        let operator = Operator::of(&server).await;
        let next = if server.log.text().contains("/room") { RINGS_ROOM_B } else { RINGS_B };
        assert_eq!(client.ask("every 3000 t").await, "set t");
        settled(&operator, 1, 0).await;
        swap(&server, &next.bytes()).await;
        assert_eq!(client.text().await, "b rings t");
        settled(&operator, 1, 0).await;
        swap(&server, &KEEPS_A.bytes()).await;
        assert_eq!(client.text().await, "b rings t");
    }
}

#[tokio::test]
async fn a_rooms_timers_are_the_rooms_and_go_off_while_it_lingers() {
    let manifest = format!("{ROOMS}linger = \"1s\"\n");
    let server = server(&RINGS_ROOM_A.bytes(), &manifest).await;
    let operator = Operator::of(&server).await;
    let mut one = server.connect("/room/1").await;
    let mut two = server.connect("/room/1").await;
    assert_eq!(one.ask("every 50 t").await, "set t");
    assert_eq!(one.text().await, "a rings t");
    assert_eq!(two.text().await, "a rings t");
    one.close(1000, "").await;
    assert_eq!(two.text().await, "a rings t");
    let left = Instant::now();
    two.close(1000, "").await;
    let line = server.log.message("a rings t for 0").await;
    // It was nobody's event.
    assert_eq!(line.number("connection"), Some(0));
    // They keep the room no longer than it lingers.
    settled(&operator, 0, 0).await;
    assert!(left.elapsed() < Duration::from_secs(3), "{:?}", left.elapsed());
    // What comes next is another room.
    let mut three = server.connect("/room/1").await;
    assert_eq!(three.ask("count").await, "0 have gone off");
    assert_eq!(three.ask("cancel t").await, "no t");
}

#[tokio::test]
async fn an_alarm_that_traps_ends_its_instance_with_all_its_timers() {
    for (server, mut client, route) in both("").await {
        assert_eq!(client.ask("after 100 trap").await, "set trap");
        assert_eq!(client.ask("after 150 t").await, "set t");
        assert_eq!(client.closed().await, (1011, "the handler failed".into()));
        let mut other = server.connect(route).await;
        assert_eq!(other.ask("after 200 other").await, "set other");
        assert_eq!(other.text().await, "a rings other");
        assert!(!server.log.text().contains("rings t:"));
    }
}

#[tokio::test]
async fn a_gate_sets_none() {
    for (manifest, route) in [("", "/x"), (ROOMS, "/room/1")] {
        let server = server(&SETS_IN_ITS_GATE.bytes(), manifest).await;
        for _ in 0..2 {
            let mut client = server.connect(route).await;
            assert_eq!(client.text().await, "Some(Err(Unavailable))");
            assert_eq!(client.text().await, "an alarm");
        }
    }
}

#[tokio::test]
async fn who_could_not_hear_of_a_timer_is_refused() {
    let server =
        Start::with(&[("x.wasm", &*SETS_WITHOUT_ALARM.bytes()), ("echo.wasm", &*example("echo"))]);
    let server = server.run().await;
    server
        .log
        .message(
            "x.wasm: imports socklet:websocket/timers and exports no \
             socklet:websocket/alarm@0.1.0: export that as well",
        )
        .await;
}

/// Connections that are told of timers without end.
async fn flood(server: &Server, count: usize) -> Vec<Client> {
    let mut hostile = join_all((0..count).map(async |_| {
        let mut client = server.connect("/x").await;
        client.send("flood 10").await;
        client
    }))
    .await;
    // Each counts to a million two hundred times in ten milliseconds, if it can.
    for client in &mut hostile {
        let flooded = async { while client.text().await != "a rings flood" {} };
        within("a flood", flooded).await;
    }
    hostile
}

/// How long an answer takes at the median.
async fn median(client: &mut Client, question: &str) -> Duration {
    let mut times = Vec::new();
    for _ in 0..200 {
        // So that it comes to wherever the floods are by then.
        sleep(Duration::from_millis(5)).await;
        let began = Instant::now();
        client.ask(question).await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times[100]
}

#[tokio::test]
async fn those_who_flood_themselves_with_timers_hold_up_nobody_else() {
    let files = [("x.wasm", &*RINGS_A.bytes()), ("echo.wasm", &*example("echo"))];
    let server = Start::with(&files).run().await;
    let mut spinning = server.connect("/x").await;
    let mut honest = server.connect("/echo").await;
    let of_one = median(&mut spinning, "spin 1").await;
    let _hostile = flood(&server, 60).await;
    // An echo waits for the events that run, and not for the sixty that want to. Now and
    // then there is more to wait for here than those.
    let mut beside = Vec::new();
    for _ in 0..5 {
        beside.push(median(&mut honest, "echo").await);
        if beside.last().is_some_and(|last| *last < 2 * of_one) {
            return;
        }
    }
    panic!("an alarm takes {of_one:?}, and an echo beside sixty {beside:?}");
}
