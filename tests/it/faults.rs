//! Peers and sockets that fail in the middle of something.

use std::path::PathBuf;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::guests::{
    ANSWERS_A, ANSWERS_B, FLOODS_ON_MESSAGE, REPORTS_CLOSE, RUNS_ON_MESSAGE,
};
use crate::harness::{Client, LogLine, Start, example, frame, upgraded, within};

#[tokio::test]
async fn a_peer_that_vanishes_in_the_middle_of_a_frame_has_ended() {
    let server = Start::with(&[("reports.wasm", &REPORTS_CLOSE.bytes())]).run().await;
    let whole = frame(1, b"never finished");
    for part in [1, 2, 5, whole.len() - 1] {
        let start = server.log.len();
        let mut socket = upgraded(server.address, "/reports").await;
        socket.write_all(&whole[..part]).await.unwrap();
        drop(socket);
        let ended = r#"closed: Network 1006 "" "" after 0 messages"#;
        server.log.wait_from(start, ended, |line| line.message() == ended).await;
    }
}

#[tokio::test]
async fn a_socket_that_is_reset_while_it_is_written_to_has_ended() {
    let server = Start::with(&[("floods.wasm", &FLOODS_ON_MESSAGE.bytes())])
        .arg("--max-backpressure=16MiB")
        .run()
        .await;
    let mut other = server.connect("/floods").await;
    let mut socket = upgraded(server.address, "/floods").await;
    socket.write_all(&frame(1, b"try 15 1000000")).await.unwrap();
    server.log.message("queued=15").await;
    // Closing resets it then, with what it has not read.
    set_socket_linger(&socket, Some(Duration::ZERO)).unwrap();
    drop(socket);
    server.log.message("closed: Network 1006").await;
    assert_eq!(other.ask("fine").await, "fine");
}

#[tokio::test]
async fn handshakes_that_never_finish_hold_up_nobody_and_end_in_time() {
    let server = Start::embedded().arg("--handshake-timeout=2s").run().await;
    let mut unfinished = Vec::new();
    for number in 0..5000 {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        // Each stops somewhere else.
        let request = b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n";
        socket.write_all(&request[..number % request.len()]).await.unwrap();
        unfinished.push(socket);
    }
    let mut honest = server.connect("/echo").await;
    for mut socket in unfinished {
        let mut response = Vec::new();
        within("the end", socket.read_to_end(&mut response)).await.unwrap();
        assert!(response.starts_with(b"HTTP/1.1 408 "), "{}", response.escape_ascii());
    }
    assert_eq!(honest.ask("fine").await, "fine");
}

#[tokio::test]
async fn a_peer_that_ends_its_own_half_has_ended() {
    let server = Start::with(&[("reports.wasm", &REPORTS_CLOSE.bytes())]).run().await;
    let mut socket = upgraded(server.address, "/reports").await;
    // It could still be written to.
    socket.shutdown().await.unwrap();
    server.log.message(r#"closed: Network 1006 "" "" after 0 messages"#).await;
    let mut rest = Vec::new();
    within("the end", socket.read_to_end(&mut rest)).await.unwrap();
}

#[tokio::test]
async fn a_server_without_descriptors_goes_on_when_there_are_some_again() {
    let server = Start::embedded().run().await;
    let mut client = server.connect("/echo").await;
    // The server's is what this process has.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let limit = |current| {
        prlimit(Some(server.pid()), Resource::Nofile, Rlimit { current, maximum }).unwrap()
    };
    // What it has open stays so, and there is nothing below these to have.
    let before = limit(Some(3));
    let mut waiting = tokio::spawn({
        let url = server.url("/echo");
        async move { Client::connect(&url).await }
    });
    server.log.message("can't accept: Too many open files").await;
    // Whoever is there is served meanwhile.
    assert_eq!(client.ask("here").await, "here");
    assert!(!waiting.is_finished());
    limit(before.current);
    let mut late = within("an accept", &mut waiting).await.unwrap();
    assert_eq!(late.ask("there").await, "there");
}

#[tokio::test]
async fn a_full_disk_costs_a_line_in_the_log_until_there_is_room() {
    let cache = tempfile::TempDir::new().unwrap();
    let files = [("old.wasm", &*example("echo"))];
    Start::with(&files).cache(cache.path()).run().await;
    // What it writes may not be longer than this, as on a disk that is full.
    let full = "trap '' XFSZ && ulimit -Sf 8";
    let server = Start::with(&files).cache(cache.path()).shell(full).run().await;
    server.put("new.wasm", &RUNS_ON_MESSAGE.bytes());
    let line = server.log.message("compiled code can't be written to it: ").await;
    assert!(line.message().contains("make room"), "{}", line.message());
    assert!(line.message().contains(cache.path().to_str().unwrap()), "{}", line.message());
    // What was compiled before is served.
    assert_eq!(server.connect("/old").await.ask("here").await, "here");
    let Rlimit { maximum, .. } = getrlimit(Resource::Fsize);
    let limit = Rlimit { current: maximum, maximum };
    prlimit(Some(server.pid()), Resource::Fsize, limit).unwrap();
    // The file has not changed since.
    server.log.message("new.wasm: serves /new").await;
    assert_eq!(server.connect("/new").await.ask("there").await, "there");
    assert_eq!(server.log.text().matches("compiled code can't be written").count(), 1);
}

#[tokio::test]
async fn a_clock_that_jumps_changes_nothing() {
    let Some(library) = faketime() else { return };
    let clock = tempfile::NamedTempFile::new().unwrap();
    let set = |time: &str| std::fs::write(clock.path(), time).unwrap();
    set("+0");
    let server = Start::with(&[("x.wasm", &ANSWERS_A.bytes())])
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", clock.path())
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .arg("--pong-timeout=1h")
        .run()
        .await;
    let mut generation = 1;
    let mut client = server.connect("/x").await;
    let mut years = Vec::new();
    for jump in ["+400d", "-400d", "+0"] {
        let start = server.log.len();
        set(jump);
        assert_eq!(client.ask(jump).await, format!("a:{jump}"));
        generation += 1;
        let next = if generation % 2 == 0 { ANSWERS_B } else { ANSWERS_A };
        server.put("x.wasm", &next.bytes());
        let swapped = |line: &LogLine| line.number("generation") == Some(generation);
        let line = server.log.wait_from(start, "the next generation", swapped).await;
        years.push(line.year());
        let name = if generation % 2 == 0 { "b" } else { "a" };
        assert_eq!(server.connect("/x").await.ask("new").await, format!("{name}:new"));
        assert_eq!(client.ask("old").await, "a:old");
    }
    // It did jump.
    assert!(years[0] > years[2] && years[1] < years[2], "{years:?}");
}

/// The library that lies to a program about the time; in CI it has to be there.
fn faketime() -> Option<PathBuf> {
    let found = std::fs::read_dir("/usr/lib").unwrap().find_map(|folder| {
        let library = folder.unwrap().path().join("faketime/libfaketimeMT.so.1");
        library.exists().then_some(library)
    });
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "there is no libfaketime");
    if found.is_none() {
        eprintln!("skipped: there is no libfaketime (Debian: libfaketime)");
    }
    found
}
