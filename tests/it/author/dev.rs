//! `socklet dev`: sources are followed.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tempfile::TempDir;
use tokio::process::Child;
use tokio::time::sleep;

use super::{command, edit, finish, project};
use crate::harness::{Client, Log, binary, http, within};

struct Development {
    child: Child,
    _files: TempDir,
    log: Log,
    address: SocketAddr,
}

impl Development {
    async fn of(project: &Path) -> Self {
        let files = TempDir::new().unwrap();
        let mut dev = command(binary(), project);
        dev.args(["dev", "--listen", "127.0.0.1:0", "--", "--log-format", "json"]);
        dev.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = dev.spawn().unwrap();
        let log = Log::follow(child.stderr.take().unwrap(), files.path().join("log"));
        log.wait("ready", |line| line.message() == "ready").await;
        let listening = log.wait("listening", |line| line.message() == "listening").await;
        let address = listening.field("address").unwrap().as_str().unwrap().parse().unwrap();
        Self { child, _files: files, log, address }
    }

    async fn connect(&self) -> Client {
        Client::connect(&format!("ws://{}/trial", self.address)).await
    }

    async fn says(&self, from: usize, what: &'static str) {
        self.log.wait_from(from, what, |line| line.message().contains(what)).await;
    }
}

#[tokio::test]
async fn an_edit_is_built_and_swapped_in_and_a_mistake_leaves_what_serves() {
    let (_folder, project) = project("c", "hello").await;
    let dev = Development::of(&project).await;
    let mut client = dev.connect().await;
    assert_eq!(client.text().await, "Hello!");

    let log = dev.log.len();
    edit(&project, "\"Hello!\"", "\"Hello?\" mistake");
    dev.says(log, "error: ").await;
    dev.says(log, "not built: what was there before serves on").await;
    assert_eq!(dev.connect().await.text().await, "Hello!");

    // Connections that can't move come back by themselves.
    let log = dev.log.len();
    edit(&project, "\"Hello?\" mistake", "\"Hello again!\"");
    dev.says(log, ": serves /trial").await;
    assert_eq!(client.closed().await.0, 1012);
    assert_eq!(dev.connect().await.text().await, "Hello again!");
}

#[tokio::test]
async fn a_project_that_can_not_be_built_yet_is_served_once_it_can() {
    let (_folder, project) = project("c", "hello").await;
    edit(&project, "\"Hello!\"", "\"Hello!\" mistake");
    let dev = Development::of(&project).await;
    dev.says(0, "not built").await;
    edit(&project, "\"Hello!\" mistake", "\"Hello!\"");
    dev.says(0, ": serves /trial").await;
    assert_eq!(dev.connect().await.text().await, "Hello!");
}

#[tokio::test]
async fn pages_of_the_loopback_may_connect_and_the_test_page_learns_of_generations() {
    let (_folder, project) = project("c", "hello").await;
    let dev = Development::of(&project).await;
    let url = format!("ws://{}/trial", dev.address);
    for origin in ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:8080"] {
        let opened = Client::try_connect(&url, &[("origin", origin)]).await;
        assert!(opened.is_ok(), "{origin}");
    }
    for origin in ["http://example.com", "http://localhost.example.com", "null"] {
        let opened = Client::try_connect(&url, &[("origin", origin)]).await;
        assert!(opened.is_err(), "{origin}");
    }
    let host = format!("Host: {}", dev.address);
    let ask = ["Accept: application/vnd.socklet.generations+json", &host];
    let answer = http(dev.address, "GET /", &ask).await;
    assert_eq!((answer.status, &*answer.body), (200, r#"{"/trial":1}"#));
    // A name that leads here from elsewhere learns nothing.
    let ask = ["Accept: application/vnd.socklet.generations+json", "Host: example.com"];
    assert_eq!(http(dev.address, "GET /", &ask).await.status, 403);
}

#[tokio::test]
async fn the_test_page_comes_back_to_each_new_version() {
    let (_folder, project) = project("c", "hello").await;
    let dev = Development::of(&project).await;
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/page");
    let mut node = command("node", &page);
    node.args(["--test", "development.mjs"]);
    node.env("SOCKLET_URL", format!("http://{}", dev.address)).env("SOCKLET_PROJECT", &project);
    finish(node).await.succeeded();
}

/// Has the project's Makefile do this first.
fn begin_with(project: &Path, recipe: &str) {
    let makefile = project.join("Makefile");
    let text = std::fs::read_to_string(&makefile).unwrap();
    std::fs::write(&makefile, format!("hang:\n\t{recipe}\n\n{text}")).unwrap();
}

/// The process of a build that says in `build/pid` who it is, and hangs.
async fn hanging(project: &Path) -> Pid {
    let file = project.join("build/pid");
    let written = async {
        loop {
            let pid = std::fs::read_to_string(&file).unwrap_or_default();
            if let Some(pid) = pid.strip_suffix('\n') {
                break Pid::from_raw(pid.parse().unwrap()).unwrap();
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    within("a build that hangs", written).await
}

async fn ends(process: Pid) {
    let ended = async {
        while test_kill_process(process).is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    within("the end of a build", ended).await;
}

/// Has something in the project change all the time, until this comes.
async fn until(comes: impl Future<Output = ()>, project: &Path) {
    let changes = async {
        for round in 0.. {
            std::fs::write(project.join("notes.txt"), format!("{round}")).unwrap();
            sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = comes => {}
        () = changes => {}
    }
}

const HANG: &str = "@mkdir -p build; echo $$$$ >build/pid; exec sleep 1000";

#[tokio::test]
async fn a_build_that_hangs_is_stopped_by_a_change_and_by_the_end() {
    let (_folder, project) = project("c", "hello").await;
    let makefile = std::fs::read_to_string(project.join("Makefile")).unwrap();
    let mut dev = Development::of(&project).await;
    let log = dev.log.len();
    begin_with(&project, HANG);
    let process = hanging(&project).await;
    // The next one hangs as well.
    std::fs::remove_file(project.join("build/pid")).unwrap();
    until(dev.says(log, "that build is stopped"), &project).await;
    ends(process).await;
    let process = hanging(&project).await;
    let log = dev.log.len();
    std::fs::write(project.join("Makefile"), &makefile).unwrap();
    edit(&project, "\"Hello!\"", "\"Hello again!\"");
    // A change in its first seconds is taken for its own, and seen when it is over.
    until(dev.says(log, "that build is stopped"), &project).await;
    ends(process).await;
    dev.says(log, ": serves /trial").await;
    assert_eq!(dev.connect().await.text().await, "Hello again!");

    std::fs::remove_file(project.join("build/pid")).unwrap();
    begin_with(&project, HANG);
    let process = hanging(&project).await;
    kill_process(Pid::from_raw(dev.child.id().unwrap().cast_signed()).unwrap(), Signal::TERM)
        .unwrap();
    assert!(within("its end", dev.child.wait()).await.unwrap().success());
    ends(process).await;
}

#[tokio::test]
async fn a_project_that_never_rests_is_built_all_the_same() {
    let (_folder, project) = project("c", "hello").await;
    let dev = Development::of(&project).await;
    let log = dev.log.len();
    // It takes longer than builds do that are let alone.
    begin_with(&project, "@sleep 3; $(MAKE) --silent build/trial.core.wasm");
    edit(&project, "\"Hello!\"", "\"Hello again!\"");
    until(dev.says(log, ": serves /trial"), &project).await;
    assert_eq!(dev.connect().await.text().await, "Hello again!");
}
