//! A new process takes the listeners over from the one that serves.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use tokio::net::UnixStream;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::guests::{ANSWERS_A, ANSWERS_B, REPORTS_CLOSE, STARTS_SLOWLY};
use crate::harness::{Client, Start, get};

fn start(component: &[u8], meeting: &Path) -> Start {
    slowly(component, meeting).arg("--takeover-drain=1s")
}

fn slowly(component: &[u8], meeting: &Path) -> Start {
    Start::with(&[("x.wasm", component)]).arg(format!("--takeover={}", meeting.display()))
}

/// Connects and asks, again and again, until told to stop. Returns who has answered.
async fn knock(url: String, stop: Arc<AtomicBool>) -> Vec<String> {
    let mut answers = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let mut client = Client::connect(&url).await;
        // The old process may be about to close it: what matters is that it was let in.
        if client.try_send("hi").await.is_ok()
            && let Some(Ok(Message::Text(answer))) = client.next().await
        {
            answers.push(answer.to_string());
        }
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_handshake_is_refused_while_one_process_replaces_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let meeting = folder.path().join("takeover");
    let mut old = start(&ANSWERS_A.bytes(), &meeting).run().await;
    let stop = Arc::new(AtomicBool::new(false));
    let knocking: Vec<_> =
        (0..4).map(|_| tokio::spawn(knock(old.url("/x"), stop.clone()))).collect();
    let mut stays = old.connect("/x").await;
    for round in 0..4 {
        let component = if round % 2 == 0 { ANSWERS_B } else { ANSWERS_A };
        let mut new = start(&component.bytes(), &meeting).run().await;
        new.log.message("took over").await;
        assert_eq!(new.address, old.address);
        assert_eq!(stays.closed().await, (1012, "the host was replaced".into()));
        assert!(old.exit().await.success());
        stays = new.connect("/x").await;
        let letter = if round % 2 == 0 { "b" } else { "a" };
        assert_eq!(stays.ask("hi").await, format!("{letter}:hi"));
        std::mem::swap(&mut old, &mut new);
    }
    stop.store(true, Ordering::Relaxed);
    for knocking in knocking {
        let answers = knocking.await.unwrap();
        assert!(answers.contains(&"a:hi".to_owned()) && answers.contains(&"b:hi".to_owned()));
    }
}

#[tokio::test]
async fn connections_end_in_the_course_of_takeover_drain_and_handlers_hear_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let meeting = folder.path().join("takeover");
    let mut old = start(&REPORTS_CLOSE.bytes(), &meeting).run().await;
    let mut client = old.connect("/x").await;
    client.text().await;
    let new = start(&REPORTS_CLOSE.bytes(), &meeting).run().await;
    old.log.message("another process serves now").await;
    assert_eq!(client.closed().await.0, 1012);
    old.log.message(r#"closed: Host 1012 "the host was replaced" "takeover""#).await;
    assert!(old.exit().await.success());
    new.connect("/x").await.text().await;
}

#[tokio::test]
async fn a_new_process_that_does_not_get_ready_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let meeting = folder.path().join("takeover");
    let old = start(&ANSWERS_A.bytes(), &meeting).run().await;
    // It never comes to be ready: its handler starts for ever.
    let slow = start(&STARTS_SLOWLY.bytes(), &meeting).endless_events();
    let mut broken = slow.arg("--handshake-timeout=1h").run_unready().await;
    old.log.message("another process asks for the listeners").await;
    broken.signal(Signal::KILL);
    broken.exit().await;
    old.log.message("this process serves on").await;
    assert_eq!(old.connect("/x").await.ask("hi").await, "a:hi");
    let new = start(&ANSWERS_B.bytes(), &meeting).run().await;
    assert_eq!(new.address, old.address);
    old.log.message("another process serves now").await;
    assert_eq!(new.connect("/x").await.ask("hi").await, "b:hi");
}

#[tokio::test]
async fn a_signal_while_it_drains_is_a_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let meeting = folder.path().join("takeover");
    let mut old = slowly(&ANSWERS_A.bytes(), &meeting).arg("--takeover-drain=1h").run().await;
    let mut client = old.connect("/x").await;
    let _new = slowly(&ANSWERS_B.bytes(), &meeting).run().await;
    old.log.message("another process serves now").await;
    assert_eq!(client.ask("hi").await, "a:hi");
    old.signal(Signal::TERM);
    assert_eq!(client.closed().await.0, 1001);
    assert!(old.exit().await.success());
}

#[tokio::test]
async fn a_unix_socket_and_the_admin_listener_change_hands_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let (meeting, path) = (folder.path().join("takeover"), folder.path().join("clients"));
    let start = |component: &[u8]| {
        start(component, &meeting)
            .arg(format!("--listen=unix:{}", path.display()))
            .arg("--admin=127.0.0.1:0")
    };
    let mut old = start(&ANSWERS_A.bytes()).run().await;
    let admin = old.admin().await;
    let mut new = start(&ANSWERS_B.bytes()).run().await;
    assert!(old.exit().await.success());
    let ask = async || {
        let stream = UnixStream::connect(&path).await.unwrap();
        Client::over(stream, "ws://localhost/x", &[]).await.unwrap().ask("hi").await
    };
    assert_eq!(ask().await, "b:hi");
    assert_eq!(new.admin().await, admin);
    assert_eq!(get(admin, "/readyz").await, (200, "ready\n".into()));
    new.signal(Signal::TERM);
    assert!(new.exit().await.success());
    assert!(!path.exists());
}

#[tokio::test]
async fn who_is_not_the_next_process_is_told_nothing_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let meeting = folder.path().join("takeover");
    let server = start(&ANSWERS_A.bytes(), &meeting).run().await;
    // Something that says the wrong thing.
    let mut stranger = UnixStream::connect(&meeting).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stranger, b"x").await.unwrap();
    server.log.message("speaks another protocol").await;
    drop(stranger);
    assert_eq!(server.connect("/x").await.ask("hi").await, "a:hi");
    let new = start(&ANSWERS_B.bytes(), &meeting).run().await;
    server.log.message("another process serves now").await;
    assert_eq!(new.connect("/x").await.ask("hi").await, "b:hi");
}

#[tokio::test]
async fn a_path_that_can_not_be_used_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let (status, said) = start(&ANSWERS_A.bytes(), &folder.path().join("file/x")).fail().await;
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("file/x: can't be used to take over: "), "{said}");
}
