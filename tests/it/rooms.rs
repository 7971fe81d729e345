//! Scopes: which connections share an instance, and what they have of it.

use crate::harness::guests::SHARES;
use crate::harness::{Client, LogLine, Server, Start};

const PATH: &str = "route = \"/room/{name}\"\nscope = \"path\"\n";
const HANDLER: &str = "route = \"/hall/{*seat}\"\nscope = \"handler\"\n";

async fn server(manifest: &str) -> Server {
    started(manifest).run().await
}

fn started(manifest: &str) -> Start {
    Start::with(&[("shares.wasm", &SHARES.bytes()), ("shares.toml", manifest.as_bytes())])
}

async fn here(client: &mut Client, expected: usize) {
    assert_eq!(client.ask("here").await, expected.to_string());
}

async fn has_gone(server: &Server, id: &str) -> String {
    let gone = format!("{id} has gone with ");
    let line = server.log.message(&gone).await;
    line.message()[gone.len()..].to_owned()
}

#[tokio::test]
async fn connections_of_one_path_share_an_instance_and_others_have_their_own() {
    let server = server(PATH).await;
    let mut one = server.connect("/room/a").await;
    let mut two = server.connect("/room/a/?with=query").await;
    let mut other = server.connect("/room/b").await;
    for client in [&mut one, &mut two] {
        here(client, 2).await;
    }
    here(&mut other, 1).await;
    let id = one.ask("id").await;
    one.send("say hello").await;
    for client in [&mut one, &mut two] {
        assert_eq!(client.text().await, format!("{id}: hello"));
    }
    assert_eq!(other.ask("nothing of it").await, "nothing of it");
}

#[tokio::test]
async fn with_scope_handler_there_is_one_instance_for_all_paths() {
    let server = server(HANDLER).await;
    let mut one = server.connect("/hall/1").await;
    let mut two = server.connect("/hall/balcony/2").await;
    here(&mut one, 2).await;
    here(&mut two, 2).await;
}

#[tokio::test]
async fn without_a_scope_each_connection_has_an_instance_of_its_own() {
    let server = server("").await;
    let mut one = server.connect("/shares").await;
    let mut two = server.connect("/shares").await;
    here(&mut one, 1).await;
    here(&mut two, 1).await;
}

#[tokio::test]
async fn an_instance_reaches_all_its_connections_and_no_others() {
    let server = server(PATH).await;
    let mut one = server.connect("/room/a").await;
    let mut two = server.connect("/room/a").await;
    let mut stranger = server.connect("/room/b").await;
    let (neighbour, strange) = (two.ask("id").await, stranger.ask("id").await);
    assert_eq!(one.ask(&format!("to {strange} intruder")).await, "WriteOutcome::Closed");
    assert_eq!(one.ask(&format!("close {strange}")).await, "CloseOutcome::Closed");
    assert_eq!(one.ask(&format!("to {neighbour} hi there")).await, "WriteOutcome::Queued");
    assert_eq!(two.text().await, "hi there");
    assert_eq!(one.ask(&format!("close {neighbour}")).await, "CloseOutcome::Closing");
    assert_eq!(two.closed().await, (4000, "by another".into()));
    assert_eq!(has_gone(&server, &neighbour).await, "4000");
    here(&mut one, 1).await;
    assert_eq!(stranger.ask("unharmed").await, "unharmed");
}

#[tokio::test]
async fn everybody_hears_the_same_in_the_same_order() {
    const MESSAGES: usize = 300;
    let server = server(PATH).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(server.connect("/room/a").await);
    }
    for client in &mut clients {
        for number in 0..MESSAGES {
            client.feed(format!("say {number}")).await;
        }
        client.flush().await;
    }
    let mut heard = Vec::new();
    for client in &mut clients {
        let mut lines = Vec::new();
        for _ in 0..5 * MESSAGES {
            lines.push(client.text().await);
        }
        heard.push(lines);
    }
    let first = heard.pop().unwrap();
    assert!(heard.iter().all(|lines| *lines == first));
    // Of each sender all, in the order of its sending.
    for client in &mut clients {
        let prefix = format!("{}: ", client.ask("id").await);
        let said: Vec<_> = first.iter().filter_map(|line| line.strip_prefix(&prefix)).collect();
        let expected: Vec<_> = (0..MESSAGES).map(|number| number.to_string()).collect();
        assert_eq!(said, expected);
    }
}

/// Two events of a connection that wait together have one of each other connection
/// between them, however many those have sent.
#[tokio::test]
async fn who_sends_much_does_not_starve_who_sends_little() {
    let server = server(PATH).await;
    let mut flooder = server.connect("/room/a").await;
    let mut honest = server.connect("/room/a").await;
    let flood = tokio::spawn(async move { while flooder.try_send("quiet").await.is_ok() {} });
    let mut busy = 0;
    let mut before = 0;
    while busy < 20 {
        honest.feed("events").await;
        honest.feed("events").await;
        honest.flush().await;
        let first: usize = honest.text().await.parse().unwrap();
        let second: usize = honest.text().await.parse().unwrap();
        assert!(second - first <= 2, "{} events came between two", second - first - 1);
        // The other one has been heard meanwhile.
        busy += usize::from(first - before > 2);
        before = second;
    }
    flood.abort();
}

#[tokio::test]
async fn who_does_not_read_holds_up_nobody_else() {
    let server = server(PATH).await;
    let _deaf = server.connect("/room/a").await;
    let mut loud = server.connect("/room/a").await;
    for _ in 0..20 {
        assert_eq!(loud.ask("flood 100 65536").await, "flooded");
    }
    here(&mut loud, 2).await;
}

#[tokio::test]
async fn a_trap_ends_the_connections_of_its_instance_and_the_next_one_is_fresh() {
    let server = server(PATH).await;
    let mut one = server.connect("/room/a").await;
    let mut two = server.connect("/room/a").await;
    let mut other = server.connect("/room/b").await;
    here(&mut two, 2).await;
    one.send("panic").await;
    let failed = (1011, "the handler failed".into());
    assert_eq!(one.closed().await, failed);
    assert_eq!(two.closed().await, failed);
    let line = server.log.message("the instance failed").await;
    assert_eq!(line.number("connections"), Some(2));
    here(&mut other, 1).await;
    let mut fresh = server.connect("/room/a").await;
    assert_eq!(fresh.ask("events").await, "1");
}

#[tokio::test]
async fn an_event_that_runs_too_long_ends_its_own_instance_only() {
    let server = started(PATH).arg("--event-cpu-time=200ms").run().await;
    let mut looping = server.connect("/room/a").await;
    let mut beside = server.connect("/room/a").await;
    let mut other = server.connect("/room/b").await;
    assert_eq!(looping.ask("loop").await, "looping");
    for _ in 0..20 {
        here(&mut other, 1).await;
    }
    let failed = (1011, "the handler failed: event-cpu-time".into());
    assert_eq!(looping.closed().await, failed);
    assert_eq!(beside.closed().await, failed);
    here(&mut other, 1).await;
}

#[tokio::test]
async fn an_instance_outlives_its_last_connection_for_as_long_as_it_lingers() {
    let server = server(&format!("{PATH}linger = \"1h\"\n")).await;
    let mut client = server.connect("/room/a").await;
    let id = client.ask("id").await;
    client.close(1000, "").await;
    assert_eq!(has_gone(&server, &id).await, "1000");
    // `on-ready`, the question, and the second `on-ready`.
    let mut client = server.connect("/room/a").await;
    assert_eq!(client.ask("events").await, "3");
}

#[tokio::test]
async fn an_instance_that_does_not_linger_ends_with_its_last_connection() {
    let server =
        started(&format!("{PATH}linger = \"0s\"\n")).arg("--max-handler-instances=1").run().await;
    let mut client = server.connect("/room/a").await;
    let mut second = server.connect("/room/a").await;
    let id = client.ask("id").await;
    let full = Client::try_connect(&server.url("/room/b"), &[]).await;
    assert_eq!(full.err().unwrap(), 503);
    client.close(1000, "").await;
    has_gone(&server, &id).await;
    here(&mut second, 1).await;
    second.close(1000, "").await;
    // Its slot comes free when it has ended, and nothing else tells of that.
    let mut other = loop {
        match Client::try_connect(&server.url("/room/b"), &[]).await {
            Ok(client) => break client,
            Err(status) => assert_eq!(status, 503),
        }
    };
    assert_eq!(other.ask("events").await, "1");
}

/// One that lingers for an hour keeps nobody else out.
#[tokio::test]
async fn an_empty_instance_makes_room_where_instances_run_short() {
    let server = started(&format!("{PATH}linger = \"1h\"\n")).arg("--max-instances=4").run().await;
    let mut occupied = server.connect("/room/occupied").await;
    here(&mut occupied, 1).await;
    for number in 0..20 {
        let url = server.url(&format!("/room/{number}"));
        let mut client = loop {
            match Client::try_connect(&url, &[]).await {
                Ok(client) => break client,
                // Its place comes free when the other one has ended.
                Err(status) => assert_eq!(status, 503),
            }
        };
        assert_eq!(client.ask("events").await, "1");
        client.close(1000, "").await;
    }
    assert_eq!(occupied.ask("events").await, "2");
}

#[tokio::test]
async fn who_vanishes_is_gone_for_the_instance_too() {
    let server = server(PATH).await;
    let mut staying = server.connect("/room/a").await;
    let mut vanishing = server.connect("/room/a").await;
    let id = vanishing.ask("id").await;
    drop(vanishing);
    assert_eq!(has_gone(&server, &id).await, "1006");
    here(&mut staying, 1).await;
}

#[tokio::test]
async fn a_swap_closes_a_room_and_its_peers_meet_again_in_the_next_generation() {
    let server = server(PATH).await;
    let mut one = server.connect("/room/a").await;
    let mut two = server.connect("/room/a").await;
    here(&mut two, 2).await;
    let id = one.ask("id").await;
    server.put("shares.toml", format!("{PATH}linger = \"20s\"\n").as_bytes());
    assert_eq!(one.closed().await, (1012, "the handler was replaced".into()));
    assert_eq!(two.closed().await, (1012, "the handler was replaced".into()));
    assert_eq!(has_gone(&server, &id).await, "1012");
    let mut one = server.connect("/room/a").await;
    let mut two = server.connect("/room/a").await;
    here(&mut one, 2).await;
    assert_eq!(two.ask("events").await, "3");
}

#[tokio::test]
async fn a_room_that_drains_keeps_its_connections_and_who_joins_them() {
    let server = server(&format!("{PATH}swap = \"drain\"\nlinger = \"0s\"\n")).await;
    let mut one = server.connect("/room/a").await;
    here(&mut one, 1).await;
    let start = server.log.len();
    server.put("shares.toml", format!("{PATH}swap = \"drain\"\nlinger = \"1s\"\n").as_bytes());
    let new = |line: &LogLine| line.number("generation") == Some(2);
    server.log.wait_from(start, "generation 2", new).await;
    let mut joiner = server.connect("/room/a").await;
    here(&mut joiner, 2).await;
    let mut other = server.connect("/room/b").await;
    here(&mut other, 1).await;
    for (room, generation) in [("/room/a", 1), ("/room/b", 2)] {
        let came = format!("came to {room}");
        let there = |line: &LogLine| {
            line.message().ends_with(&came) && line.number("generation") == Some(generation)
        };
        server.log.wait_from(start, &came, there).await;
    }
}

#[tokio::test]
async fn at_a_shutdown_each_connection_of_a_room_hears_of_its_end() {
    let mut server = server(HANDLER).await;
    let mut clients = Vec::new();
    for seat in 0..10 {
        let mut client = server.connect(&format!("/hall/{seat}")).await;
        let id = client.ask("id").await;
        clients.push((id, client));
    }
    server.signal(rustix::process::Signal::TERM);
    for (id, mut client) in clients {
        assert_eq!(client.closed().await.0, 1001);
        assert_eq!(has_gone(&server, &id).await, "1001");
    }
    assert!(server.exit().await.success());
}
