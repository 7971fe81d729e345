//! A page of one's own: files where no handler matches.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::guests::ANSWERS_A;
use crate::harness::{Client, Response, Server, Start, http, metrics, run, within};

const HOST: &str = "Host: localhost";

/// A folder of files: path and content.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (path, bytes) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

/// A server of one handler, `/chat`, and of the files in a folder.
fn start(files: &Path) -> Start {
    let start = Start::with(&[("chat.wasm", &ANSWERS_A.bytes())]);
    start.arg(format!("--static={}", files.display()))
}

async fn get(server: &Server, path: &str, headers: &[&str]) -> Response {
    http(server.address, &format!("GET {path}"), &[&[HOST], headers].concat()).await
}

#[tokio::test]
async fn a_chat_and_its_page_are_one_command() {
    let files = folder(&[
        ("index.html", b"<script src=client.js></script>"),
        ("client.js", b"new WebSocket('/chat')"),
        ("docs/index.html", b"docs"),
        ("docs/a b.txt", "grüße".as_bytes()),
        ("chat", b"in the way of the handler"),
        ("data", b"?"),
    ]);
    let server = start(files.path()).run().await;
    // Rather than the test page.
    let page = get(&server, "/", &["Accept: text/html"]).await;
    assert_eq!((page.status, &*page.body), (200, "<script src=client.js></script>"));
    for (path, content_type, body) in [
        ("/", "text/html; charset=utf-8", "<script src=client.js></script>"),
        ("/index.html?v=2", "text/html; charset=utf-8", "<script src=client.js></script>"),
        ("/client.js", "text/javascript; charset=utf-8", "new WebSocket('/chat')"),
        ("/docs/", "text/html; charset=utf-8", "docs"),
        ("/docs/a%20b.txt", "text/plain; charset=utf-8", "grüße"),
        ("/data", "application/octet-stream", "?"),
    ] {
        let response = get(&server, path, &[]).await;
        assert_eq!((response.status, &*response.body), (200, body), "{path}");
        assert_eq!(response.header("content-type"), Some(content_type), "{path}");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(response.header("connection"), Some("close"), "{path}");
    }
    let moved = get(&server, "/docs?x=1", &[]).await;
    assert_eq!((moved.status, moved.header("location")), (301, Some("/docs/?x=1")));
    let head = http(server.address, "HEAD /client.js", &[HOST]).await;
    assert_eq!((head.status, &*head.body), (200, ""));
    assert_eq!(head.header("content-length"), Some("22"));
    assert_eq!(head.header("content-type"), Some("text/javascript; charset=utf-8"));

    // A handler's path is the handler's.
    assert_eq!(server.connect("/chat").await.ask("x").await, "a:x");
    assert_eq!(get(&server, "/chat", &[]).await.status, 426);
    assert!(get(&server, "/chat", &["Accept: text/html"]).await.body.contains("<!doctype html>"));
    // Files are neither connected to nor written to.
    let refused = Client::try_connect(&server.url("/client.js"), &[]).await.err().unwrap();
    assert_eq!(refused, 404);
    let posted = http(server.address, "POST /client.js", &[HOST, "Content-Length: 0"]).await;
    assert_eq!(posted.status, 404);
    assert_eq!(get(&server, "/none", &["Accept: text/html"]).await.status, 404);
    assert!(server.stdout().contains(&files.path().display().to_string()));
}

#[tokio::test]
async fn without_an_index_there_is_the_test_page() {
    let files = folder(&[("client.js", b"")]);
    let server = start(files.path()).run().await;
    let page = get(&server, "/", &["Accept: text/html"]).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("/chat"), "{}", page.body);
    assert_eq!(get(&server, "/", &[]).await.status, 404);
    assert_eq!(get(&server, "/client.js", &[]).await.status, 200);
}

#[tokio::test]
async fn what_a_browser_has_already_is_not_sent_again() {
    let files = folder(&[("page.html", b"first")]);
    let server = start(files.path()).run().await;
    let first = get(&server, "/page.html", &[]).await;
    let (etag, modified) = (first.header("etag").unwrap(), first.header("last-modified").unwrap());
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    let known = [
        format!("If-None-Match: {etag}"),
        format!("If-None-Match: \"x\", {etag}"),
        format!("If-Modified-Since: {modified}"),
    ];
    for known in &known {
        let again = get(&server, "/page.html", &[known]).await;
        assert_eq!((again.status, &*again.body), (304, ""), "{known}");
    }
    assert_eq!(get(&server, "/page.html", &[&known[0]]).await.header("etag"), Some(etag));
    // The tag is the more exact of the two.
    let other = ["If-None-Match: \"x\"", &known[2]];
    assert_eq!(get(&server, "/page.html", &other).await.status, 200);
    std::fs::write(files.path().join("page.html"), "second").unwrap();
    let changed = get(&server, "/page.html", &[&known[0]]).await;
    assert_eq!((changed.status, &*changed.body), (200, "second"));
}

#[tokio::test]
async fn a_part_of_a_file_is_a_range_of_it() {
    let files = folder(&[("ten.txt", b"0123456789"), ("empty", b"")]);
    let server = start(files.path()).run().await;
    for (range, status, part, body) in [
        ("bytes=2-4", 206, "bytes 2-4/10", "234"),
        ("bytes=7-", 206, "bytes 7-9/10", "789"),
        ("bytes=-2", 206, "bytes 8-9/10", "89"),
        ("bytes=0-100", 206, "bytes 0-9/10", "0123456789"),
        ("bytes=10-", 416, "bytes */10", ""),
        ("bytes=18446744073709551615-", 416, "bytes */10", ""),
        ("bytes=-0", 416, "bytes */10", ""),
    ] {
        let response = get(&server, "/ten.txt", &[&format!("Range: {range}")]).await;
        assert_eq!((response.status, &*response.body), (status, body), "{range}");
        assert_eq!(response.header("content-range"), Some(part), "{range}");
        let length = body.len().to_string();
        assert_eq!(response.header("content-length"), Some(&*length), "{range}");
    }
    assert_eq!(
        get(&server, "/ten.txt", &["Range: bytes=0-1"]).await.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    // What is no range, or many that could add up to more than the file, is all of it.
    let many = format!("bytes={}", vec!["0-"; 1000].join(","));
    for range in ["bytes=4-2", "bytes=x", "lines=1-2", "bytes=0-1,4-5", &many] {
        let response = get(&server, "/ten.txt", &[&format!("Range: {range}")]).await;
        assert_eq!((response.status, &*response.body), (200, "0123456789"), "{range:.20}");
    }
    assert_eq!(get(&server, "/empty", &["Range: bytes=0-"]).await.status, 416);
    assert_eq!(get(&server, "/empty", &[]).await.status, 200);
    let modified = get(&server, "/ten.txt", &[]).await.header("last-modified").unwrap().to_owned();
    for (of, status) in [(&*modified, 206), ("Thu, 01 Jan 1970 00:00:00 GMT", 200)] {
        let headers = ["Range: bytes=0-1", &format!("If-Range: {of}")];
        assert_eq!(get(&server, "/ten.txt", &headers).await.status, status, "{of}");
    }
}

#[tokio::test]
async fn nothing_outside_of_the_folder_is_served_and_nothing_hidden() {
    let outside = folder(&[
        ("secret.txt", b"secret"),
        ("public/page.txt", b"page"),
        ("public/.env", b"secret"),
        ("public/.git/config", b"secret"),
    ]);
    let public = outside.path().join("public");
    symlink("../secret.txt", public.join("upwards.txt")).unwrap();
    symlink(outside.path().join("secret.txt"), public.join("absolute.txt")).unwrap();
    symlink("..", public.join("parent")).unwrap();
    symlink("/proc/self", public.join("process")).unwrap();
    symlink("page.txt", public.join("inside.txt")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        public.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let server = start(&public).run().await;
    assert_eq!(get(&server, "/inside.txt", &[]).await.body, "page");
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/x/../../secret.txt",
        "//../secret.txt",
        "/%252e%252e/secret.txt",
        "/upwards.txt",
        "/absolute.txt",
        "/parent/secret.txt",
        "/process/environ",
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/.git/",
        "/.git",
        "/page.txt/",
        "/page.txt/x",
        "/page.txt%00",
        "/pipe",
    ] {
        let response = get(&server, path, &[]).await;
        assert!(matches!(response.status, 400 | 404), "{path}: {}", response.status);
        assert!(!response.body.contains("secret\n") && response.body != "secret", "{path}");
    }
    // Nor what a deploy has left readable for others only.
    let unreadable = public.join("unreadable.txt");
    std::fs::write(&unreadable, "secret").unwrap();
    if !rustix::process::geteuid().is_root() {
        rustix::fs::chmod(&unreadable, rustix::fs::Mode::empty()).unwrap();
        assert_eq!(get(&server, "/unreadable.txt", &[]).await.status, 404);
    }
}

#[tokio::test]
async fn a_folder_is_replaced_as_a_whole() {
    let files = folder(&[("one/index.html", b"one"), ("two/index.html", b"two")]);
    let current = files.path().join("current");
    symlink("one", &current).unwrap();
    let server = start(&current).run().await;
    assert_eq!(get(&server, "/", &[]).await.body, "one");
    symlink("two", files.path().join("next")).unwrap();
    std::fs::rename(files.path().join("next"), &current).unwrap();
    assert_eq!(get(&server, "/", &[]).await.body, "two");
    std::fs::remove_file(&current).unwrap();
    assert_eq!(get(&server, "/", &[]).await.status, 404);
    assert_eq!(server.connect("/chat").await.ask("x").await, "a:x");
}

#[tokio::test]
async fn on_this_machine_no_name_that_leads_here_reads_it() {
    let files = folder(&[("page.html", b"page")]);
    let server = start(files.path()).run().await;
    let rebound = http(server.address, "GET /page.html", &["Host: rebound.example.com"]).await;
    assert_eq!(rebound.status, 403);
    assert!(rebound.body.contains("--host"), "{}", rebound.body);
}

#[tokio::test]
async fn a_browser_loads_a_page_of_ten_files_at_once() {
    let names: Vec<_> = (0..10).map(|number| format!("{number}.css")).collect();
    let body = "x".repeat(100_000);
    let all: Vec<_> = names.iter().map(|name| (&**name, body.as_bytes())).collect();
    let files = folder(&all);
    let server = start(files.path()).shell("ulimit -n 256").run().await;
    for _ in 0..5 {
        let loads = names.iter().map(|name| {
            let address = server.address;
            let request = format!("GET /{name}");
            tokio::spawn(async move { http(address, &request, &[HOST]).await })
        });
        for load in loads.collect::<Vec<_>>() {
            let response = load.await.unwrap();
            assert_eq!((response.status, response.body.len()), (200, body.len()));
        }
    }
}

/// Asks for a file and reads nothing of it.
async fn ask(server: &Server, path: &str) -> TcpStream {
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

/// A file that no socket's buffers hold.
fn large() -> TempDir {
    let files = folder(&[("small.txt", b"small")]);
    std::fs::File::create(files.path().join("large")).unwrap().set_len(LARGE).unwrap();
    files
}

const LARGE: u64 = 256 << 20;

#[tokio::test]
async fn a_large_file_is_read_as_it_is_sent() {
    let files = large();
    let server = start(files.path()).run().await;
    let before = server.resident();
    let sockets = [(); 8].map(|()| ask(&server, "/large"));
    let mut sockets = futures_util::future::join_all(sockets).await;
    for socket in &mut sockets {
        let mut start = [0; 1024];
        within("the start", socket.read_exact(&mut start)).await.unwrap();
    }
    let mut socket = sockets.pop().unwrap();
    let rest = within("all of it", tokio::io::copy(&mut socket, &mut tokio::io::sink())).await;
    assert!(rest.unwrap() + 1024 > LARGE);
    let grown = server.resident().saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB for files that are sent");
}

#[tokio::test]
async fn who_takes_nothing_is_cut_off_and_holds_up_nobody() {
    let files = large();
    // 5 files at a time, and handshakes have places of their own.
    let server = start(files.path())
        .arg("--write-timeout=5s")
        .arg("--handshake-timeout=1h")
        .arg("--admin=127.0.0.1:0")
        .shell("ulimit -n 160")
        .run()
        .await;
    let mut slow = Vec::new();
    for _ in 0..5 {
        let mut socket = ask(&server, "/large").await;
        let mut start = [0; 1024];
        within("the start", socket.read_exact(&mut start)).await.unwrap();
        slow.push(socket);
    }
    // There is no room for another file by now, but for a connection.
    assert_eq!(server.connect("/chat").await.ask("x").await, "a:x");
    let refused = get(&server, "/small.txt", &[]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    let small = async { while get(&server, "/small.txt", &[]).await.status != 200 {} };
    within("a place", small).await;
    // Of those that have taken nothing since, no more is there than buffers hold.
    let mut left = 0;
    for mut socket in slow {
        let rest = within("its end", tokio::io::copy(&mut socket, &mut tokio::io::sink())).await;
        left += u64::from(rest.unwrap_or(0) < LARGE / 2);
    }
    assert!(left > 0, "everything was sent to those who did not read");
    let now = metrics(&server).await;
    assert!(now[r#"socklet_handshakes_total{status="200"}"#] >= 5.0, "{now:#?}");
}

#[tokio::test]
async fn who_takes_a_little_now_and_then_is_cut_off_as_well() {
    let files = large();
    let server =
        start(files.path()).arg("--write-timeout=1s").arg("--log=socklet=debug").run().await;
    // Small buffers, so that what is taken here is what the server sees taken.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut socket = socket.connect(server.address).await.unwrap();
    let request = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n";
    socket.write_all(request).await.unwrap();
    let slow = async {
        let mut pace = tokio::time::interval(Duration::from_millis(100));
        let mut part = [0; 1024];
        loop {
            pace.tick().await;
            if socket.read(&mut part).await.unwrap_or(0) == 0 {
                return;
            }
        }
    };
    let told = server.log.message("a file was not sent to its end: it was taken too slowly");
    let line = tokio::select! {
        line = told => line,
        () = slow => panic!("it ended, and the log says nothing"),
    };
    assert_eq!(line.level(), "DEBUG");
}

#[tokio::test]
async fn a_download_outlives_the_time_of_a_handshake_and_the_start_of_a_shutdown() {
    let files = large();
    let mut server = start(files.path())
        .arg("--handshake-timeout=300ms")
        .arg("--shutdown-timeout=60s")
        .run()
        .await;
    let mut socket = ask(&server, "/large").await;
    let mut taken = 0;
    let mut part = vec![0; 1 << 20];
    // Slower than a handshake may be, and steady.
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..10 {
        pace.tick().await;
        taken += within("a part", socket.read(&mut part)).await.unwrap() as u64;
    }
    server.signal(rustix::process::Signal::TERM);
    server.log.message("shutting down").await;
    let rest = within("the rest", tokio::io::copy(&mut socket, &mut tokio::io::sink())).await;
    assert!(taken + rest.unwrap() > LARGE);
    assert!(server.exit().await.success());
}

#[tokio::test]
async fn what_must_not_be_public_is_not_served() {
    let (status, _, stderr) = run(&["serve", "--static=no/such/folder"]).await;
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("--static") && stderr.contains("no/such/folder"), "{stderr}");
    let folder = folder(&[("handlers/chat.wasm", &ANSWERS_A.bytes()), ("index.html", b"")]);
    let (root, handlers) = (folder.path(), folder.path().join("handlers"));
    for files in [root, &handlers, &root.join("index.html")] {
        let files = format!("--static={}", files.display());
        let args = ["serve", handlers.to_str().unwrap(), "--listen=127.0.0.1:0", &files];
        let (status, _, stderr) = run(&args).await;
        assert_eq!(status.code(), Some(1), "{files}");
        assert!(stderr.contains("--static"), "{stderr}");
    }
    let token = root.join("token");
    let (files, token) =
        (format!("--static={}", root.display()), format!("--admin-token-file={}", token.display()));
    let args = ["serve", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0", &files, &token];
    let (status, _, stderr) = run(&args).await;
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("--admin-token-file"), "{stderr}");
}
