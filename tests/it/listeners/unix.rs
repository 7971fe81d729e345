//! Unix sockets, and the files that they leave.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_tungstenite::tungstenite::http::StatusCode;

use crate::harness::{Client, Server, Start, run, within};

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socklet.sock");
    (folder, path)
}

/// A server on this path, and on a port.
fn start(path: &Path) -> Start {
    Start::embedded().arg(format!("--listen=unix:{}", path.display()))
}

async fn serve(path: &Path) -> Server {
    start(path).run().await
}

async fn connect(
    path: &Path,
    route: &str,
    headers: &[(&'static str, &str)],
) -> Result<Client<UnixStream>, StatusCode> {
    let stream = UnixStream::connect(path).await.unwrap();
    Client::over(stream, &format!("ws://localhost{route}"), headers).await
}

#[tokio::test]
async fn a_unix_socket_serves_beside_a_port_and_its_peers_are_named_unix() {
    let (_folder, path) = folder();
    let server = serve(&path).await;
    let mut client = connect(&path, "/echo", &[]).await.unwrap();
    let large = "x".repeat(1 << 20);
    assert_eq!(client.ask(&large).await, large);
    assert_eq!(client.close(4000, "").await.1.unwrap().0, 4000);
    let told = connect(&path, "/whoami", &[]).await.unwrap().text().await;
    assert!(told.contains("\nremote address: unix\n"), "{told}");
    assert_eq!(server.connect("/echo").await.ask("a port").await, "a port");
    let line = format!("  unix:{} (/echo)\n", path.display());
    assert!(server.stdout().contains(&line), "{}", server.stdout());
}

#[tokio::test]
async fn a_file_that_nobody_serves_any_more_is_replaced() {
    let (_folder, path) = folder();
    drop(UnixListener::bind(&path).unwrap());
    let _server = serve(&path).await;
    assert_eq!(connect(&path, "/echo", &[]).await.unwrap().ask("new").await, "new");
}

#[tokio::test]
async fn a_path_that_is_served_is_refused_and_names_the_flag() {
    let (_folder, path) = folder();
    let _server = serve(&path).await;
    let address = format!("unix:{}", path.display());
    let (status, _, stderr) = run(&["--listen", &address]).await;
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("--listen") && stderr.contains(&address), "{stderr}");
    assert_eq!(connect(&path, "/echo", &[]).await.unwrap().ask("still").await, "still");
}

#[tokio::test]
async fn what_is_no_socket_is_never_removed() {
    let (folder, path) = folder();
    let stale = folder.path().join("stale.sock");
    drop(UnixListener::bind(&stale).unwrap());
    for make in [
        |path: &Path, _: &Path| std::fs::write(path, "precious"),
        |path: &Path, _: &Path| std::fs::create_dir(path),
        |path: &Path, stale: &Path| std::os::unix::fs::symlink(stale, path),
    ] {
        make(&path, &stale).unwrap();
        let before = std::fs::symlink_metadata(&path).unwrap();
        let (status, _, stderr) = run(&["--listen", &format!("unix:{}", path.display())]).await;
        assert_eq!(status.code(), Some(1));
        assert!(stderr.contains("no socket") && stderr.contains("--listen"), "{stderr}");
        let after = std::fs::symlink_metadata(&path).unwrap();
        assert_eq!(before.modified().unwrap(), after.modified().unwrap());
        match before.is_dir() {
            true => std::fs::remove_dir(&path).unwrap(),
            false => std::fs::remove_file(&path).unwrap(),
        }
    }
    assert!(std::fs::symlink_metadata(&stale).unwrap().file_type().is_socket());
}

#[tokio::test]
async fn the_file_is_removed_at_the_end_unless_another_has_taken_its_place() {
    let (_folder, path) = folder();
    for replaced in [false, true] {
        let mut server = serve(&path).await;
        let mut client = connect(&path, "/echo", &[]).await.unwrap();
        if replaced {
            std::fs::remove_file(&path).unwrap();
            std::mem::forget(UnixListener::bind(&path).unwrap());
        }
        server.signal(Signal::TERM);
        assert_eq!(client.closed().await.0, 1001);
        assert!(server.exit().await.success());
        assert_eq!(path.exists(), replaced);
    }
}

#[tokio::test]
async fn the_file_is_removed_where_the_start_fails_later() {
    let (_folder, path) = folder();
    let address = format!("--listen=unix:{}", path.display());
    let (status, _, stderr) = run(&[&address, "--listen=unix:/no/such/folder/x.sock"]).await;
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("/no/such/folder"), "{stderr}");
    assert!(!path.exists());
}

#[tokio::test]
async fn the_umask_says_who_may_connect() {
    let (_folder, path) = folder();
    for (umask, mode) in [("077", 0o700), ("007", 0o770)] {
        let _server = start(&path).shell(&format!("umask {umask}")).run().await;
        let permissions = std::fs::metadata(&path).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, mode);
        std::fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn peers_on_unix_sockets_are_not_counted() {
    let (_folder, path) = folder();
    let limits = ["--max-connections-per-address=1", "--max-handshake-rate=1"];
    let _server = limits.into_iter().fold(start(&path), Start::arg).run().await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(connect(&path, "/echo", &[]).await.unwrap());
    }
}

#[tokio::test]
async fn a_proxy_on_a_unix_socket_is_believed_only_if_it_is_named() {
    let forwarded = [("x-forwarded-for", "198.51.100.1, 203.0.113.7")];
    let limit = "--max-connections-per-address=1";
    let (_other_folder, path) = folder();
    let _other = start(&path).arg(limit).arg("--trusted-proxy=0.0.0.0/0").run().await;
    let told = connect(&path, "/whoami", &forwarded).await.unwrap().text().await;
    assert!(told.contains("\nremote address: unix\n"), "{told}");
    let (_folder, path) = folder();
    let server = start(&path).arg(limit).arg("--trusted-proxy=10.0.0.0/8,unix").run().await;
    let mut first = connect(&path, "/whoami", &forwarded).await.unwrap();
    let told = first.text().await;
    assert!(told.contains("\nremote address: 203.0.113.7:0\n"), "{told}");
    assert_eq!(connect(&path, "/whoami", &forwarded).await.err().unwrap(), 429);
    // It is for Unix sockets alone.
    let told = Client::try_connect(&server.url("/whoami"), &forwarded).await.unwrap().text().await;
    assert!(told.contains("\nremote address: 127.0.0.1:"), "{told}");
}

#[tokio::test]
async fn localhost_is_not_the_own_name_of_a_unix_socket_and_shows_no_page() {
    let (_folder, path) = folder();
    let server = start(&path).arg("--host=chat.example.com").run().await;
    // What nginx hands on of a stranger's request, unless it is told to keep the Host.
    let origin = [("origin", "http://localhost")];
    assert_eq!(connect(&path, "/echo", &origin).await.err().unwrap(), 403);
    server.log.message("--host localhost").await;
    let stream = UnixStream::connect(&path).await.unwrap();
    let own = [("origin", "http://chat.example.com")];
    assert!(Client::over(stream, "ws://chat.example.com/echo", &own).await.is_ok());
    let mut browser = UnixStream::connect(&path).await.unwrap();
    let request = b"GET /echo HTTP/1.1\r\nHost: chat.example.com\r\nAccept: text/html\r\n\r\n";
    browser.write_all(request).await.unwrap();
    let mut answer = String::new();
    within("an answer", browser.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
}
