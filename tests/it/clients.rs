//! Clients of other ecosystems: the suites in `clients/`, each run against a
//! server that this test starts.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::harness::{Server, Start, example, tools};

/// The suites check every hello alike, whatever language it is written in.
const HELLOS: [&str; 4] = ["hello", "hello-js", "hello-python", "hello-c"];

async fn server() -> Server {
    let names = HELLOS.into_iter().chain(["echo", "goodbye", "whoami"]);
    let files: Vec<_> = names.map(|name| (format!("{name}.wasm"), example(name))).collect();
    let files: Vec<_> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    Start::with(&files).run().await
}

/// Runs a suite, and fails with what it printed.
async fn passes(suite: &str, program: PathBuf, args: &[&str], scheme: &str, server: &Server) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(suite);
    let hellos = HELLOS.map(|name| format!("/{name}")).join(",");
    let output = Command::new(&program)
        .args(args)
        .current_dir(folder)
        .env("SOCKLET_URL", format!("{scheme}://{}", server.address))
        .env("SOCKLET_LOG", server.log_file())
        .env("SOCKLET_HELLO", hellos)
        .env("SOCKLET_ECHO", "/echo")
        .env("SOCKLET_GOODBYE", "/goodbye")
        .env("SOCKLET_WHOAMI", "/whoami")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap_or_else(|error| panic!("{}: {error}: run scripts/setup", program.display()));
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{errors}");
    println!("{printed}");
}

#[tokio::test]
async fn python_websockets() {
    let python = tools().join("venv/bin/python");
    passes("python", python, &["-m", "pytest", "-q"], "ws", &server().await).await;
}

#[tokio::test]
async fn node_ws() {
    passes("node", "npm".into(), &["test", "--silent"], "ws", &server().await).await;
}

#[tokio::test]
async fn the_test_page_in_chromium() {
    let server = Start::embedded().run().await;
    passes("page", "npm".into(), &["test", "--silent"], "http", &server).await;
}
