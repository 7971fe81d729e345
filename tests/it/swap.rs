//! Promise 6: a file is replaced under a running server, however that is done.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::harness::guests::{ANSWERS_A, ANSWERS_B, FLOODS_ON_MESSAGE, OTHER_TYPES, REPORTS_CLOSE};
use crate::harness::{Client, Server, Start};

async fn serving_a() -> Server {
    Start::with(&[("x.wasm", &ANSWERS_A.bytes())]).run().await
}

async fn generation(server: &Server, number: u64) {
    let line = |line: &crate::harness::LogLine| {
        line.message().contains("serves /x") && line.number("generation") == Some(number)
    };
    server.log.wait(&format!("generation {number}"), line).await;
}

/// The old connection stays with its generation, a new one gets the next.
async fn swapped(server: &Server, old: &mut Client) {
    generation(server, 2).await;
    assert_eq!(old.ask("old").await, "a:old");
    assert_eq!(server.connect("/x").await.ask("new").await, "b:new");
}

#[tokio::test]
async fn by_rename() {
    let server = serving_a().await;
    let mut old = server.connect("/x").await;
    server.put("x.wasm", &ANSWERS_B.bytes());
    swapped(&server, &mut old).await;
}

#[tokio::test]
async fn by_writing_in_place() {
    let server = serving_a().await;
    let mut old = server.connect("/x").await;
    std::fs::write(server.file("x.wasm"), ANSWERS_B.bytes()).unwrap();
    swapped(&server, &mut old).await;
}

#[tokio::test]
async fn by_removing_and_copying() {
    let server = serving_a().await;
    let mut old = server.connect("/x").await;
    std::fs::remove_file(server.file("x.wasm")).unwrap();
    // It is seen to be missing: another file that was put after that is served.
    server.put("y.wasm", &ANSWERS_A.bytes());
    server.log.message("serves /y").await;
    std::fs::write(server.file("x.wasm"), ANSWERS_B.bytes()).unwrap();
    swapped(&server, &mut old).await;
    assert!(!server.log.text().contains("/x is served no more"));
}

#[tokio::test]
async fn by_writing_slowly_in_place_without_a_word_about_the_halves() {
    use std::io::Write as _;
    let server = serving_a().await;
    let mut old = server.connect("/x").await;
    let bytes = ANSWERS_B.bytes();
    let mut file = std::fs::File::create(server.file("x.wasm")).unwrap();
    let mut pace = tokio::time::interval(Duration::from_millis(60));
    for part in bytes.chunks(bytes.len() / 20) {
        pace.tick().await;
        file.write_all(part).unwrap();
    }
    swapped(&server, &mut old).await;
    let errors = server.log.lines().iter().filter(|line| line.level() == "ERROR").count();
    assert_eq!(errors, 0, "{}", server.log.text());
}

#[tokio::test]
async fn a_broken_file_changes_nothing_although_no_instance_is_left_to_try_it_out() {
    let start = Start::with(&[("x.wasm", &ANSWERS_A.bytes())]).arg("--max-instances=1");
    let server = start.run().await;
    let mut only = server.connect("/x").await;
    server.put("x.wasm", &OTHER_TYPES.bytes());
    server.log.message("generation 1 serves on").await;
    assert_eq!(only.ask("still").await, "a:still");
    only.close(1000, "").await;
    while Client::try_connect(&server.url("/x"), &[]).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn by_flipping_a_symlink() {
    let elsewhere = tempfile::TempDir::new().unwrap();
    let target = |name: &str| elsewhere.path().join(name);
    std::fs::write(target("a"), ANSWERS_A.bytes()).unwrap();
    std::fs::write(target("b"), ANSWERS_B.bytes()).unwrap();
    let server = Start::with(&[])
        .prepare(|directory| symlink(target("a"), directory.join("x.wasm")).unwrap())
        .run()
        .await;
    let mut old = server.connect("/x").await;
    symlink(target("b"), server.file("x.new")).unwrap();
    std::fs::rename(server.file("x.new"), server.file("x.wasm")).unwrap();
    swapped(&server, &mut old).await;
}

#[tokio::test]
async fn by_writing_behind_a_symlink_that_leads_out_of_the_directory() {
    let elsewhere = tempfile::TempDir::new().unwrap();
    let target = elsewhere.path().join("a");
    std::fs::write(&target, ANSWERS_A.bytes()).unwrap();
    let server = Start::with(&[])
        .prepare(|directory| symlink(&target, directory.join("x.wasm")).unwrap())
        .run()
        .await;
    let mut old = server.connect("/x").await;
    std::fs::write(&target, ANSWERS_B.bytes()).unwrap();
    swapped(&server, &mut old).await;
}

/// A mounted volume: `x.wasm -> ..data/x.wasm`, `..data -> ..1`, and an update
/// makes `..2` and flips `..data`.
#[tokio::test]
async fn as_kubernetes_does() {
    let version = |directory: &Path, name: &str, bytes: Vec<u8>| {
        std::fs::create_dir(directory.join(name)).unwrap();
        std::fs::write(directory.join(name).join("x.wasm"), bytes).unwrap();
        symlink(name, directory.join("..data_tmp")).unwrap();
        std::fs::rename(directory.join("..data_tmp"), directory.join("..data")).unwrap();
    };
    let server = Start::with(&[])
        .prepare(|directory| {
            version(directory, "..1", ANSWERS_A.bytes());
            symlink("..data/x.wasm", directory.join("x.wasm")).unwrap();
        })
        .run()
        .await;
    let mut old = server.connect("/x").await;
    version(&server.file(""), "..2", ANSWERS_B.bytes());
    std::fs::remove_dir_all(server.file("..1")).unwrap();
    swapped(&server, &mut old).await;
}

#[tokio::test]
async fn by_replacing_the_whole_directory() {
    let server = serving_a().await;
    let mut old = server.connect("/x").await;
    let directory = server.file("");
    let aside = directory.with_extension("aside");
    std::fs::rename(&directory, &aside).unwrap();
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(server.file("x.wasm"), ANSWERS_B.bytes()).unwrap();
    swapped(&server, &mut old).await;
    // And it is the new directory that is watched from now on.
    server.put("x.wasm", &REPORTS_CLOSE.bytes());
    generation(&server, 3).await;
    std::fs::remove_dir_all(aside).unwrap();
}

#[tokio::test]
async fn a_directory_that_was_removed_and_made_again_is_watched_like_the_first() {
    let server = serving_a().await;
    let directory = server.file("");
    std::fs::remove_dir_all(&directory).unwrap();
    // It may have the inode of the old one.
    std::fs::create_dir(&directory).unwrap();
    server.put("x.wasm", &ANSWERS_B.bytes());
    generation(&server, 2).await;
    seen_by_events(&server, "").await;
}

#[tokio::test]
async fn what_symlinks_lead_to_is_watched_as_well() {
    let elsewhere = tempfile::TempDir::new().unwrap();
    let [real, other] = ["real", "other"].map(|name| elsewhere.path().join(name));
    let (served, start) = (other.clone(), Start::with(&[]));
    let start = start.prepare(|directory| {
        std::fs::remove_dir(directory).unwrap();
        std::fs::create_dir(&real).unwrap();
        std::fs::create_dir(&served).unwrap();
        symlink(&real, directory).unwrap();
        symlink(&served, directory.join("folder")).unwrap();
    });
    let server = start.run().await;
    seen_by_events(&server, "").await;
    seen_by_events(&server, "folder/").await;
}

/// Files are put one after the other, each right after a look; the next look
/// without an event is two seconds away.
async fn seen_by_events(server: &Server, folder: &str) {
    let started = Instant::now();
    for number in 0..10 {
        server.put(&format!("{folder}{number}.wasm"), &ANSWERS_B.bytes());
        server.log.message(&format!("serves /{folder}{number} ")).await;
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_file_of_which_nothing_can_be_known_is_not_removed() {
    let server = serving_a().await;
    server.put("y.wasm", &ANSWERS_A.bytes());
    server.log.message("serves /y").await;
    let mut old = server.connect("/x").await;
    // A symlink that leads to itself: not what "not found" means.
    std::fs::remove_file(server.file("x.wasm")).unwrap();
    std::os::unix::fs::symlink("x.wasm", server.file("x.wasm")).unwrap();
    server.log.message("x.wasm: can't be read").await;
    std::fs::remove_file(server.file("y.wasm")).unwrap();
    server.log.message("/y is served no more").await;
    assert_eq!(old.ask("old").await, "a:old");
    assert_eq!(server.connect("/x").await.ask("new").await, "a:new");
}

#[tokio::test]
async fn the_same_bytes_are_no_swap() {
    let server = serving_a().await;
    server.put("x.wasm", &ANSWERS_A.bytes());
    server.put("y.wasm", &ANSWERS_A.bytes());
    server.log.message("serves /y").await;
    server.put("x.wasm", &ANSWERS_B.bytes());
    generation(&server, 2).await;
    assert_eq!(server.connect("/x").await.ask("new").await, "b:new");
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_is_tried_again_when_it_changes() {
    let server = serving_a().await;
    let mut old = server.connect("/x").await;
    let b = ANSWERS_B.bytes();
    server.put("x.wasm", &b[..b.len() / 2]);
    let line = server.log.message("generation 1 serves on").await;
    assert!(line.message().contains("x.wasm: is not a valid component"), "{}", line.message());
    assert_eq!(old.ask("old").await, "a:old");
    assert_eq!(server.connect("/x").await.ask("new").await, "a:new");
    server.put("x.wasm", &b);
    swapped(&server, &mut old).await;
}

#[tokio::test]
async fn a_removed_file_is_404_and_its_connections_are_closed_with_1001() {
    let server = Start::with(&[("x.wasm", &REPORTS_CLOSE.bytes())]).run().await;
    let mut client = server.connect("/x").await;
    client.text().await;
    std::fs::remove_file(server.file("x.wasm")).unwrap();
    let removed = Instant::now();
    assert_eq!(client.ask("still here").await, "still here");
    assert_eq!(client.closed().await, (1001, "the handler was removed".into()));
    assert!(removed.elapsed() >= Duration::from_secs(2));
    server.log.message(r#"closed: Host 1001 "the handler was removed" "removed""#).await;
    let refused = Client::try_connect(&server.url("/x"), &[]).await;
    assert_eq!(refused.err().unwrap(), 404);
}

#[tokio::test]
async fn what_was_queued_arrives_before_the_close_of_a_removed_handler() {
    let start = Start::with(&[("x.wasm", &FLOODS_ON_MESSAGE.bytes())]);
    let server = start.arg("--max-backpressure=16MiB").run().await;
    let mut client = server.connect("/x").await;
    // More than the sockets hold while nothing is read.
    client.send("try 15 1000000").await;
    server.log.message("queued=15").await;
    std::fs::remove_file(server.file("x.wasm")).unwrap();
    server.log.message("/x is served no more").await;
    let (messages, close) = client.rest().await;
    assert_eq!(messages.len(), 15);
    assert_eq!(close, Some((1001, "the handler was removed".into())));
}

#[tokio::test]
async fn a_renamed_file_moves_its_route() {
    let server = serving_a().await;
    let mut old = server.connect("/x").await;
    std::fs::rename(server.file("x.wasm"), server.file("y.wasm")).unwrap();
    server.log.message("serves /y").await;
    assert_eq!(server.connect("/y").await.ask("new").await, "a:new");
    assert_eq!(old.closed().await.0, 1001);
}

#[tokio::test]
async fn an_unreadable_directory_removes_nothing() {
    let server = serving_a().await;
    let mut old = server.connect("/x").await;
    let directory = server.file("");
    let aside = directory.with_extension("aside");
    std::fs::rename(&directory, &aside).unwrap();
    server.log.message("nothing changes until it can").await;
    // Longer than a missing file is waited for.
    server.log.wait_from(0, "the directory", |l| l.message().contains("can't be read")).await;
    let waited = Instant::now();
    while waited.elapsed() < Duration::from_millis(2500) {
        assert_eq!(old.ask("old").await, "a:old");
    }
    assert_eq!(server.connect("/x").await.ask("new").await, "a:new");
    std::fs::rename(&aside, &directory).unwrap();
    server.put("x.wasm", &ANSWERS_B.bytes());
    swapped(&server, &mut old).await;
}

#[tokio::test]
async fn old_generations_end_with_1012_after_the_drain_timeout() {
    let server =
        Start::with(&[("x.wasm", &ANSWERS_A.bytes())]).arg("--drain-timeout=200ms").run().await;
    let mut old = server.connect("/x").await;
    server.put("x.wasm", &ANSWERS_B.bytes());
    assert_eq!(old.closed().await, (1012, "the handler was replaced".into()));
}

#[tokio::test]
async fn at_most_four_old_generations_hold_connections() {
    let server = serving_a().await;
    let mut clients = Vec::new();
    for number in 1..=6 {
        clients.push(server.connect("/x").await);
        let next = if number % 2 == 1 { ANSWERS_B } else { ANSWERS_A };
        server.put("x.wasm", &next.bytes());
        generation(&server, number + 1).await;
    }
    for client in &mut clients[..2] {
        assert_eq!(client.closed().await.0, 1012);
    }
    for client in &mut clients[2..] {
        assert!(client.ask("still here").await.ends_with(":still here"));
    }
}
