//! What outlives the host: what was served last of a file that can't be loaded any more,
//! and rollbacks.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::guests::{ANSWERS_A, ANSWERS_B, DECIDES, TRAPS_ON_MESSAGE};
use crate::harness::{Client, LogLine, Operator, Server, Start, within};

const ADMIN: &str = "--admin=127.0.0.1:0";
const BROUGHT_BACK: &str = "what was last served of it serves";

/// A server of `x.wasm`, which keeps its state in `state`.
async fn start(state: &TempDir, content: &[u8]) -> Server {
    let start = Start::with(&[("x.wasm", content)]).state(state.path()).arg(ADMIN);
    start.run().await
}

async fn again(state: &TempDir, directory: TempDir) -> Server {
    Start::again(directory).state(state.path()).arg(ADMIN).run().await
}

/// The files in the folder of the handlers' directory, but for its own.
fn files(state: &Path, extension: &str) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    let folders = folders.filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|it| it == extension)).collect()
}

/// The records of all handlers.
fn records(state: &Path) -> Vec<Value> {
    let records = files(state, "record").into_iter().filter_map(|path| {
        let text = std::fs::read_to_string(path).ok()?;
        serde_json::from_str(text.split_once('\n')?.1).ok()
    });
    records.collect()
}

/// Waits until some record is as it should be.
async fn kept(state: &TempDir, what: &str, is: impl Fn(&Value) -> bool) {
    let waits = async {
        while !records(state.path()).iter().any(&is) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(&format!("a record: {what}"), waits).await;
}

async fn kept_version(state: &TempDir, content: &[u8]) {
    let digest = digest(content);
    kept(state, "of what serves", |record| record["good"]["component"] == *digest).await;
}

fn digest(content: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn says(server: &Server, route: &str) -> String {
    server.connect(route).await.ask("hi").await
}

async fn swap(server: &Server, content: &[u8], generation: u64) {
    server.put("x.wasm", content);
    let serves = move |line: &LogLine| {
        line.message().contains(": serves /") && line.number("generation") == Some(generation)
    };
    server.log.wait(&format!("generation {generation}"), serves).await;
}

fn put(directory: &TempDir, path: &str, content: &[u8]) {
    std::fs::write(directory.path().join(path), content).unwrap();
}

#[tokio::test]
async fn a_broken_file_finds_its_last_good_one_after_a_restart() {
    let state = TempDir::new().unwrap();
    let server = start(&state, &ANSWERS_A.bytes()).await;
    swap(&server, &ANSWERS_B.bytes(), 2).await;
    kept_version(&state, &ANSWERS_B.bytes()).await;
    server.put("x.wasm", b"garbage");
    server.log.message("is not WebAssembly").await;
    let directory = server.end(Signal::KILL).await;

    let server = again(&state, directory).await;
    assert_eq!(says(&server, "/x").await, "b:hi");
    let line = server.log.message(BROUGHT_BACK).await;
    assert_eq!((line.level(), line.number("generation")), ("WARN", Some(1)));
    let operator = Operator::of(&server).await;
    let status = operator.handler("x").await;
    assert_eq!((&status["state"], &status["restored"]), (&"serving".into(), &true.into()));
    assert!(status["complaint"].as_str().unwrap().contains("is not WebAssembly"), "{status}");
    assert!(!server.stdout().contains("not loaded"), "{}", server.stdout());
    // Still so the next time; and a file that can be loaded takes over.
    let server = again(&state, server.end(Signal::TERM).await).await;
    assert_eq!(says(&server, "/x").await, "b:hi");
    swap(&server, &ANSWERS_A.bytes(), 2).await;
    assert_eq!(says(&server, "/x").await, "a:hi");
    let status = Operator::of(&server).await.handler("x").await;
    assert_eq!((&status["complaint"], &status["restored"]), (&Value::Null, &false.into()));
}

#[tokio::test]
async fn a_broken_manifest_finds_the_last_good_one_and_its_route() {
    let state = TempDir::new().unwrap();
    let files = [("x.wasm", &*ANSWERS_A.bytes()), ("x.toml", b"route = \"/first/{name}\"\n")];
    let server = Start::with(&files).state(state.path()).run().await;
    kept_version(&state, &ANSWERS_A.bytes()).await;
    let directory = server.end(Signal::KILL).await;
    put(&directory, "x.toml", b"route = 7\n");
    let server = again(&state, directory).await;
    assert_eq!(says(&server, "/first/1").await, "a:hi");
    // Mended to what it was, it is not loaded again; but the file serves.
    server.put("x.toml", b"route = \"/first/{name}\"\n");
    let operator = Operator::of(&server).await;
    let mended = async {
        while operator.handler("x").await["restored"] == true {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within("the mended manifest", mended).await;
    let status = operator.handler("x").await;
    assert_eq!((&status["generation"], &status["complaint"]), (&1.into(), &Value::Null));
}

#[tokio::test]
async fn a_rollback_holds_over_restarts_until_the_file_changes() {
    let state = TempDir::new().unwrap();
    let server = start(&state, &ANSWERS_A.bytes()).await;
    swap(&server, &ANSWERS_B.bytes(), 2).await;
    let (status, _) = Operator::of(&server).await.ask("POST /handlers/x/rollback").await;
    assert_eq!(status, 200);
    kept(&state, "of the rollback", |record| record["rolled_back"].is_object()).await;
    let mut directory = server.end(Signal::KILL).await;
    for _ in 0..2 {
        let server = again(&state, directory).await;
        assert_eq!(says(&server, "/x").await, "a:hi");
        server.log.message("was rolled back (by an operator) before the host started").await;
        let status = Operator::of(&server).await.handler("x").await;
        assert_eq!(status["rolled_back_by"], "operator", "{status}");
        assert_eq!((&status["restored"], &status["complaint"]), (&true.into(), &Value::Null));
        directory = server.end(Signal::TERM).await;
    }
    // Another file is news, while a host is there and while none is.
    let server = again(&state, directory).await;
    swap(&server, &ANSWERS_B.bytes(), 2).await;
    assert_eq!(says(&server, "/x").await, "b:hi");
    kept(&state, "without it", |record| record["rolled_back"].is_null()).await;
    let server = again(&state, server.end(Signal::KILL).await).await;
    assert_eq!(says(&server, "/x").await, "b:hi");
}

#[tokio::test]
async fn a_file_that_has_changed_after_a_rollback_is_loaded_at_the_next_start() {
    let state = TempDir::new().unwrap();
    let server = start(&state, &ANSWERS_A.bytes()).await;
    swap(&server, &TRAPS_ON_MESSAGE.bytes(), 2).await;
    for _ in 0..3 {
        let mut client = server.connect("/x").await;
        client.send("trap").await;
        assert_eq!(client.closed().await.0, 1011);
    }
    server.log.message("is rolled back by itself").await;
    kept(&state, "why", |record| record["rolled_back"]["why"].is_string()).await;
    let directory = server.end(Signal::KILL).await;
    let server = again(&state, directory).await;
    assert_eq!(says(&server, "/x").await, "a:hi");
    let status = Operator::of(&server).await.handler("x").await;
    assert_eq!(status["rolled_back_by"], "itself", "{status}");
    assert!(status["rolled_back_why"].as_str().unwrap().contains("3 peers"), "{status}");
    let directory = server.end(Signal::KILL).await;
    put(&directory, "x.wasm", &ANSWERS_B.bytes());
    let server = again(&state, directory).await;
    assert_eq!(says(&server, "/x").await, "b:hi");
    // Where it is broken, that one serves, and not what was rolled back to before.
    let directory = server.end(Signal::TERM).await;
    put(&directory, "x.wasm", b"");
    let server = again(&state, directory).await;
    assert_eq!(says(&server, "/x").await, "b:hi");
}

#[tokio::test]
async fn what_is_damaged_is_passed_over() {
    for extension in ["record", "component"] {
        let state = TempDir::new().unwrap();
        let server = start(&state, &ANSWERS_A.bytes()).await;
        kept_version(&state, &ANSWERS_A.bytes()).await;
        let directory = server.end(Signal::TERM).await;
        put(&directory, "x.wasm", b"garbage");
        for path in files(state.path(), extension) {
            let mut bytes = std::fs::read(&path).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            std::fs::write(path, bytes).unwrap();
        }
        let server = again(&state, directory).await;
        server.log.message("damaged").await;
        let refused = Client::try_connect(&server.url("/x"), &[]).await;
        assert_eq!(refused.err().unwrap(), 500, "{extension}");
        // What comes then is kept as ever.
        swap(&server, &ANSWERS_B.bytes(), 1).await;
        kept_version(&state, &ANSWERS_B.bytes()).await;
        let directory = server.end(Signal::KILL).await;
        put(&directory, "x.wasm", b"garbage");
        assert_eq!(says(&again(&state, directory).await, "/x").await, "b:hi");
    }
}

#[tokio::test]
async fn the_policy_of_today_has_the_last_word() {
    let state = TempDir::new().unwrap();
    let handler = [
        ("x.wasm", &*ANSWERS_A.bytes()),
        ("x.toml", b"[secrets]\nKEY = \"THE_KEY\"\n[limits]\nmax-memory = \"32MiB\"\n"),
    ];
    let start = Start::with(&handler).state(state.path()).env("THE_KEY", "hunter2-hunter2");
    let server = start.run().await;
    kept_version(&state, &ANSWERS_A.bytes()).await;
    let directory = server.end(Signal::TERM).await;
    // No secret was written, and nobody else may read what was.
    for folder in std::fs::read_dir(state.path()).unwrap().map(|entry| entry.unwrap().path()) {
        let mode = folder.metadata().unwrap().permissions().mode() & 0o077;
        assert_eq!(mode, 0, "{}", folder.display());
    }
    for path in files(state.path(), "record") {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains("THE_KEY") && !text.contains("hunter2"), "{text}");
    }
    put(&directory, "x.wasm", b"garbage");
    let policy = TempDir::new().unwrap();
    let file = policy.path().join("socklet.toml");
    std::fs::write(&file, "[ceilings]\nmax-memory = \"16MiB\"\n").unwrap();
    let again = |directory, key: Option<&str>, arg: String| {
        let start = Start::again(directory).state(state.path()).arg(arg);
        match key {
            Some(key) => start.env("THE_KEY", key).run(),
            None => start.run(),
        }
    };
    let config = format!("--config={}", file.display());
    let mut directory = directory;
    for (key, arg, why) in [
        (Some("other"), &*config, "limits.max-memory is more than the policy allows"),
        (Some("other"), "--untrusted", "is not granted"),
        (None, "--auto-rollback", "secrets.KEY names a variable that is not"),
    ] {
        let server = again(directory, key, arg.to_owned()).await;
        let line = server.log.message("can't be brought back").await;
        assert!(line.message().contains(why), "{line:?}");
        let refused = Client::try_connect(&server.url("/x"), &[]).await;
        assert_eq!(refused.err().unwrap(), 500);
        directory = server.end(Signal::TERM).await;
    }
    let server = again(directory, Some("other"), "--auto-rollback".to_owned()).await;
    assert_eq!(says(&server, "/x").await, "a:hi");
}

#[tokio::test]
async fn a_gate_that_was_brought_back_is_not_lost_again() {
    let state = TempDir::new().unwrap();
    let server = start(&state, &DECIDES.bytes()).await;
    kept_version(&state, &DECIDES.bytes()).await;
    let directory = server.end(Signal::KILL).await;
    put(&directory, "x.wasm", b"garbage");
    let server = again(&state, directory).await;
    server.log.message(BROUGHT_BACK).await;
    server.put("x.wasm", &ANSWERS_A.bytes());
    server.log.message("has no gate any more").await;
}

#[tokio::test]
async fn a_file_that_was_removed_is_not_brought_back() {
    let state = TempDir::new().unwrap();
    let server = start(&state, &ANSWERS_A.bytes()).await;
    kept_version(&state, &ANSWERS_A.bytes()).await;
    let directory = server.end(Signal::TERM).await;
    std::fs::remove_file(directory.path().join("x.wasm")).unwrap();
    let server = again(&state, directory).await;
    let refused = Client::try_connect(&server.url("/x"), &[]).await;
    assert_eq!(refused.err().unwrap(), 404);
    let forgotten = async {
        while !records(state.path()).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within("what was kept to be forgotten", forgotten).await;
    assert!(files(state.path(), "component").is_empty());
    // Nor is what was removed while the host was there.
    server.put("x.wasm", &ANSWERS_B.bytes());
    kept_version(&state, &ANSWERS_B.bytes()).await;
    std::fs::remove_file(server.file("x.wasm")).unwrap();
    server.log.message("is served no more").await;
    let directory = server.end(Signal::TERM).await;
    put(&directory, "x.wasm", b"garbage");
    let server = again(&state, directory).await;
    let refused = Client::try_connect(&server.url("/x"), &[]).await;
    assert_eq!(refused.err().unwrap(), 500);
}

#[tokio::test]
async fn a_folder_that_can_not_be_written_costs_a_warning_and_no_swap() {
    // Root minds no permissions unless it has to.
    let obeys = "exec setpriv --bounding-set=-dac_override --inh-caps=-dac_override \"$0\" \"$@\"";
    let state = TempDir::new().unwrap();
    let server = start(&state, &ANSWERS_A.bytes()).await;
    kept_version(&state, &ANSWERS_A.bytes()).await;
    let directory = server.end(Signal::TERM).await;
    put(&directory, "x.wasm", b"garbage");
    let folder = files(state.path(), "record")[0].parent().unwrap().to_owned();
    let set = |mode| {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o500);
    let server = Start::again(directory).state(state.path()).shell(obeys).run().await;
    // What is there is read all the same.
    assert_eq!(says(&server, "/x").await, "a:hi");
    for (content, generation, answer) in [(ANSWERS_B, 2, "b:hi"), (ANSWERS_A, 3, "a:hi")] {
        swap(&server, &content.bytes(), generation).await;
        assert_eq!(says(&server, "/x").await, answer);
    }
    server.log.message("what serves is not kept for the next start").await;
    let directory = server.end(Signal::TERM).await;
    set(0o770);
    // One that others may write to is not even read.
    let server = Start::again(directory).state(state.path()).run().await;
    server.log.message("others may write to the folder").await;
    set(0o700);
    let text = server.log.text();
    assert_eq!(text.matches("is not kept for the next start").count(), 1, "{text}");
}

#[tokio::test]
async fn hosts_that_share_a_folder_do_no_harm() {
    let state = TempDir::new().unwrap();
    let one = start(&state, &ANSWERS_A.bytes()).await;
    let shared = one.file("").to_str().unwrap().to_owned();
    // Each swaps by itself what both see.
    let two = Start::embedded().arg(shared).state(state.path()).run().await;
    for round in 0..10 {
        let content = if round % 2 == 0 { ANSWERS_B } else { ANSWERS_A };
        let before = (one.log.len(), two.log.len());
        one.put("x.wasm", &content.bytes());
        let serves = |line: &LogLine| line.message().contains(": serves /x");
        one.log.wait_from(before.0, "the swap", serves).await;
        two.log.wait_from(before.1, "the swap", serves).await;
    }
    kept_version(&state, &ANSWERS_A.bytes()).await;
    drop(two);
    let directory = one.end(Signal::KILL).await;
    put(&directory, "x.wasm", b"garbage");
    assert_eq!(files(state.path(), "record").len(), 1);
    let server = again(&state, directory).await;
    assert_eq!(says(&server, "/x").await, "a:hi");
    assert!(!server.log.text().contains("damaged"));
}

#[tokio::test]
async fn no_more_is_kept_than_may_be_and_nothing_where_that_is_not_wanted() {
    let state = TempDir::new().unwrap();
    let contents = (ANSWERS_A.bytes(), ANSWERS_B.bytes());
    let both = [("x.wasm", &*contents.0), ("y.wasm", &contents.1)];
    let largest = contents.0.len().max(contents.1.len());
    let server = Start::with(&both).state(state.path());
    let server = server.arg(format!("--max-state-size={}", largest + 2000)).run().await;
    // All is written at the end.
    server.end(Signal::TERM).await;
    assert_eq!(records(state.path()).len(), 1);
    assert_eq!(files(state.path(), "component").len(), 1);

    let nothing = TempDir::new().unwrap();
    let server = Start::with(&both).state(nothing.path()).arg("--no-state").run().await;
    server.end(Signal::TERM).await;
    assert_eq!(std::fs::read_dir(nothing.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn the_folder_is_found_where_systemd_and_users_have_it_and_never_among_the_handlers() {
    let home = TempDir::new().unwrap();
    let (systemd, xdg) = (home.path().join("systemd"), home.path().join("xdg"));
    for (variables, expected) in [
        (vec![("STATE_DIRECTORY", format!("{}:/no/such", systemd.display()))], systemd.clone()),
        (vec![("XDG_STATE_HOME", xdg.display().to_string())], xdg.join("socklet")),
        (vec![], home.path().join(".local/state/socklet")),
    ] {
        let mut start = Start::with(&[("x.wasm", &ANSWERS_A.bytes())]).without_state();
        start = start.env("HOME", home.path()).env("XDG_STATE_HOME", "");
        for (name, value) in variables {
            start = start.env(name, value);
        }
        start.run().await.end(Signal::TERM).await;
        assert_eq!(records(&expected).len(), 1, "{}", expected.display());
    }
    let handlers = TempDir::new().unwrap();
    let inside = handlers.path().join("state");
    let (status, stderr) = Start::again(handlers).state(&inside).fail().await;
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("lies in the handlers' directory"), "{stderr}");
}
