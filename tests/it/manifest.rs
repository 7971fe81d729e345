//! What a handler says about itself, in `x.toml` beside `x.wasm`.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FileType, Mode};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::guests::{ANSWERS_A, ANSWERS_B, FLOODS_ON_MESSAGE, RUNS_ON_MESSAGE, USES_WASI};
use crate::harness::{Client, LogLine, Operator, Server, Start, example, http};

async fn status(server: &Server, route: &str) -> u16 {
    match Client::try_connect(&server.url(route), &[]).await {
        Ok(_) => 101,
        Err(status) => status.as_u16(),
    }
}

/// A server of one handler with a manifest.
async fn server(component: &[u8], manifest: &str) -> Server {
    Start::with(&[("x.wasm", component), ("x.toml", manifest.as_bytes())]).run().await
}

async fn generation(server: &Server, number: u64) -> LogLine {
    let line = |line: &LogLine| {
        line.message().contains("serves /") && line.number("generation") == Some(number)
    };
    server.log.wait(&format!("generation {number}"), line).await
}

#[tokio::test]
async fn a_route_takes_segments_of_the_path_decoded_once() {
    let manifest = "route = \"/rooms/{room}/{*rest}\"";
    let server = server(&USES_WASI.bytes(), manifest).await;
    let mut client = server.connect("/rooms/a%20b%2525/c/d%C3%A9").await;
    assert_eq!(client.ask("params").await, "room=a b%25 rest=c/dé");
    for route in ["/x", "/rooms", "/rooms/a", "/rooms/a/"] {
        assert_eq!(status(&server, route).await, 404, "{route}");
    }
    assert_eq!(status(&server, "/rooms/a%2Fb/c").await, 400);
    let plain = http(server.address, "GET /rooms/a/b", &["Host: localhost"]).await;
    assert_eq!(plain.status, 426);
    let line = "/rooms/{room}/{*rest}   (a pattern: fill in what is in braces)\n";
    assert!(server.stdout().contains(line), "{}", server.stdout());
}

#[tokio::test]
async fn without_captures_there_are_no_params() {
    let server = server(&USES_WASI.bytes(), "").await;
    assert_eq!(server.connect("/x").await.ask("params").await, "");
}

#[tokio::test]
async fn a_route_may_be_for_one_host() {
    let (a, b) = (ANSWERS_A.bytes(), ANSWERS_B.bytes());
    let server = Start::with(&[
        ("a.wasm", &a),
        ("a.toml", b"route = \"/chat\"\nhost = \"a.example.com\""),
        ("b.wasm", &b),
        ("b.toml", b"route = \"/chat\""),
    ])
    .run()
    .await;
    let answer = async |host: &str| {
        let request = format!("ws://{host}/chat");
        let socket = tokio::net::TcpStream::connect(server.address).await.unwrap();
        Client::over(socket, &request, &[]).await.unwrap().ask("x").await
    };
    assert_eq!(answer("a.example.com").await, "a:x");
    assert_eq!(answer("A.example.com:8443").await, "a:x");
    assert_eq!(answer("b.example.com").await, "b:x");
    assert_eq!(answer("localhost").await, "b:x");
}

#[tokio::test]
async fn limits_are_the_handlers_own() {
    let runs = RUNS_ON_MESSAGE.bytes();
    let server = Start::with(&[
        ("x.wasm", &runs),
        ("x.toml", b"[limits]\nmax-message-size = 10\nmax-handler-instances = 1"),
        ("y.wasm", &runs),
    ])
    .run()
    .await;
    let mut small = server.connect("/x").await;
    let mut large = server.connect("/y").await;
    assert_eq!(small.ask("0123456789").await, "0123456789");
    assert_eq!(status(&server, "/x").await, 503);
    small.send("0123456789a").await;
    assert_eq!(small.closed().await.0, 1009);
    assert_eq!(large.ask("0123456789a").await, "0123456789a");
}

#[tokio::test]
async fn memory_may_be_more_than_it_is_by_default() {
    let runs = RUNS_ON_MESSAGE.bytes();
    let server = Start::with(&[
        ("x.wasm", &runs),
        ("x.toml", b"[limits]\nmax-memory = \"32MiB\""),
        ("y.wasm", &runs),
    ])
    .arg("--max-memory=8MiB")
    .run()
    .await;
    let got = async |route: &str| server.connect(route).await.ask("grow 20").await;
    assert_eq!(got("/x").await, "got 20");
    assert_ne!(got("/y").await, "got 20");
}

#[tokio::test]
async fn keepalive_is_the_handlers_own() {
    let manifest = "[keepalive]\nidle-timeout = \"100ms\"";
    let server = server(&ANSWERS_A.bytes(), manifest).await;
    assert_eq!(server.connect("/x").await.closed().await.0, 1001);
    let manifest = "[keepalive]\nping-interval = \"50ms\"\npong-timeout = \"10s\"";
    server.put("x.toml", manifest.as_bytes());
    generation(&server, 2).await;
    let mut client = server.connect("/x").await;
    assert!(matches!(client.next().await, Some(Ok(Message::Ping(_)))));
}

#[tokio::test]
async fn the_environment_is_what_the_manifest_gives_and_no_more() {
    let manifest = "[env]\nGREETING = \"hello\"\n[secrets]\nKEY = \"CHAT_KEY\"";
    let start = Start::with(&[
        ("x.wasm", &USES_WASI.bytes()),
        ("x.toml", manifest.as_bytes()),
        ("y.wasm", &USES_WASI.bytes()),
    ]);
    let server = start.env("CHAT_KEY", "s3cret").env("OTHER_KEY", "other").run().await;
    let environment = async |route: &str| server.connect(route).await.ask("environment").await;
    assert_eq!(environment("/x").await, "GREETING=hello KEY=s3cret");
    assert_eq!(environment("/y").await, "");
    assert!(!server.log.text().contains("s3cret"));
    server.put("x.toml", b"[secrets]\nKEY = \"NO_SUCH_KEY\"");
    let line = server.log.message("x.toml: line 2: secrets.KEY names a variable that is not").await;
    assert!(line.message().contains("generation 1 serves on"), "{}", line.message());
    assert!(!line.message().contains("NO_SUCH_KEY"), "{}", line.message());
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once_with_its_lines() {
    let server = Start::with(&[("x.wasm", &ANSWERS_A.bytes()), ("x.toml", b"")])
        .arg("--admin=127.0.0.1:0")
        .run()
        .await;
    let operator = Operator::of(&server).await;
    let wrong = "rout = \"/y\"\n[limits]\nmax-memory = \"5GiB\"\n[secrets]\nKEY = \"NO_SUCH_KEY\"";
    server.put("x.toml", wrong.as_bytes());
    for said in [
        "x.toml: line 1: rout is no key here",
        "x.toml: line 3: limits.max-memory must be at most 4GiB",
        "x.toml: line 5: secrets.KEY names a variable",
    ] {
        let line = server.log.message(said).await;
        assert!(line.message().contains("generation 1 serves on"), "{}", line.message());
    }
    let complaint = operator.handler("x").await["complaint"].as_str().unwrap().to_owned();
    assert!(complaint.contains("x.toml: line 1: rout is no key here"), "{complaint}");
    assert!(complaint.ends_with("(and 2 more: see the log)"), "{complaint}");
    // Where one of them is mended, the others are told.
    let start = server.log.len();
    server.put("x.toml", wrong.replace("rout ", "route ").as_bytes());
    let told = |line: &LogLine| line.message().contains("x.toml: line 5: secrets.KEY names");
    server.log.wait_from(start, "what is left", told).await;
    let complaint = operator.handler("x").await["complaint"].as_str().unwrap().to_owned();
    assert!(complaint.contains("x.toml: line 3: limits.max-memory"), "{complaint}");
    assert!(complaint.ends_with("(and 1 more: see the log)"), "{complaint}");
}

#[tokio::test]
async fn a_subprotocol_is_the_first_of_the_handlers_that_the_peer_offers() {
    let manifest = "subprotocols = [\"chat.v2\", \"chat.v1\"]";
    let server = server(&example("whoami"), manifest).await;
    for (offer, agreed) in [
        ("chat.v1, chat.v2", Some("chat.v2")),
        ("other, chat.v1", Some("chat.v1")),
        ("other", None),
    ] {
        let request = [
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            &format!("Sec-WebSocket-Protocol: {offer}"),
        ];
        let response = http(server.address, "GET /x", &request).await;
        assert_eq!(response.status, 101);
        assert_eq!(response.header("sec-websocket-protocol"), agreed, "{offer}");
    }
    let url = server.url("/x");
    let mut client =
        Client::try_connect(&url, &[("sec-websocket-protocol", "chat.v1")]).await.unwrap();
    let seen = client.text().await;
    assert!(seen.contains("subprotocol: chat.v1\n"), "{seen}");
}

#[tokio::test]
async fn an_origin_may_be_allowed_for_one_handler() {
    let answers = ANSWERS_A.bytes();
    let server = Start::with(&[
        ("x.wasm", &answers),
        ("x.toml", b"allow-origins = [\"https://app.example.com\"]"),
        ("y.wasm", &answers),
    ])
    .run()
    .await;
    let from = async |route: &str, origin: &str| {
        Client::try_connect(&server.url(route), &[("origin", origin)]).await.map(drop)
    };
    from("/x", "https://App.example.com").await.unwrap();
    assert_eq!(from("/y", "https://app.example.com").await.unwrap_err(), 403);
    assert_eq!(from("/x", "https://other.example.com").await.unwrap_err(), 403);
    // Whoever is no longer allowed is not let in any more.
    server.put("x.toml", b"");
    generation(&server, 2).await;
    assert_eq!(from("/x", "https://app.example.com").await.unwrap_err(), 403);
}

#[tokio::test]
async fn a_manifest_that_changes_is_a_swap_without_a_new_component() {
    let server = server(&FLOODS_ON_MESSAGE.bytes(), "[limits]\nmax-message-size = 100").await;
    let mut old = server.connect("/x").await;
    server.put("x.toml", b"route = \"/y\"\n[limits]\nmax-message-size = 5");
    let line = generation(&server, 2).await;
    assert!(line.message().contains("serves /y"), "{}", line.message());
    assert_eq!(status(&server, "/x").await, 404);
    let mut new = server.connect("/y").await;
    new.send("123456").await;
    assert_eq!(new.closed().await.0, 1009);
    assert_eq!(old.ask("123456").await, "123456");
    // What says the same in other words is no other generation.
    server.put("x.toml", b"# The same.\nroute = '/y'\n[limits]\nmax-message-size = 5");
    server.put("z.wasm", &ANSWERS_A.bytes());
    server.log.message("serves /z").await;
    let third = |line: &&LogLine| line.number("generation") == Some(3);
    assert_eq!(server.log.lines().iter().filter(third).count(), 0);
}

#[tokio::test]
async fn a_manifest_that_is_wrong_changes_nothing_but_the_log() {
    let server = server(&ANSWERS_A.bytes(), "[limits]\nmax-message-size = 100").await;
    for (manifest, said) in [
        ("\n[limits]\nmax-memry = \"hunter2\"", "x.toml: line 3: limits.max-memry is no key here"),
        ("scope = \"hunter2\"", "x.toml: line 1: scope must be one of"),
        ("route = hunter2", "x.toml: line 1: "),
    ] {
        let before = server.log.len();
        server.put("x.toml", manifest.as_bytes());
        let named = |line: &LogLine| line.message().contains(said);
        let line = server.log.wait_from(before, said, named).await;
        assert_eq!(line.level(), "ERROR");
        assert!(line.message().contains("(generation 1 serves on)"), "{}", line.message());
        assert_eq!(server.connect("/x").await.ask("on").await, "a:on");
    }
    assert!(!server.log.text().contains("hunter2"));
    server.put("x.toml", b"route = \"/y\"");
    generation(&server, 2).await;
    assert_eq!(status(&server, "/y").await, 101);
}

#[tokio::test]
async fn a_handler_whose_manifest_is_wrong_at_the_start_is_not_served() {
    let server = server(&ANSWERS_A.bytes(), "rout = \"/y\"").await;
    server.log.message("did you mean route? (nothing serves its route yet)").await;
    assert_eq!(status(&server, "/x").await, 500);
    assert_eq!(status(&server, "/y").await, 404);
}

#[tokio::test]
async fn a_manifest_without_a_component_is_named() {
    let server = Start::with(&[("lonely.toml", b"")]).run().await;
    let line = server.log.message("lonely.toml: is no component's manifest").await;
    assert!(line.message().contains("put lonely.wasm beside it"), "{}", line.message());
    server.put("lonely.wasm", &ANSWERS_A.bytes());
    server.log.message("serves /lonely").await;
}

#[tokio::test]
async fn of_two_that_claim_one_route_both_are_named_and_neither_is_served() {
    let (a, b) = (ANSWERS_A.bytes(), ANSWERS_B.bytes());
    let server = Start::with(&[
        ("a.wasm", &a),
        ("a.toml", b"route = \"/rooms/{room}\""),
        ("b.wasm", &b),
        ("b.toml", b"route = \"/rooms/{name}\""),
    ])
    .run()
    .await;
    let line = server.log.message("both claim the route").await;
    for at in ["a.wasm (line 1 of a.toml)", "b.wasm (line 1 of b.toml)"] {
        assert!(line.message().contains(at), "{}", line.message());
    }
    for part in ["a.wasm", "b.wasm", "/rooms/{room}", "/rooms/{name}", "neither is loaded"] {
        assert!(line.message().contains(part), "{}", line.message());
    }
    assert_eq!(status(&server, "/rooms/x").await, 404);
    // Once one of them claims something else, both are served.
    server.put("b.toml", b"route = \"/rooms/lobby\"");
    server.log.message("serves /rooms/lobby").await;
    server.log.message("serves /rooms/{room}").await;
    assert_eq!(server.connect("/rooms/lobby").await.ask("x").await, "b:x");
    assert_eq!(server.connect("/rooms/x").await.ask("x").await, "a:x");
}

#[tokio::test]
async fn who_comes_to_claim_what_is_served_does_not_get_it() {
    let (a, b) = (ANSWERS_A.bytes(), ANSWERS_B.bytes());
    let server = Start::with(&[("a.wasm", &a)]).run().await;
    let mut old = server.connect("/a").await;
    server.put("b.toml", b"route = \"/a\"");
    server.put("b.wasm", &b);
    let line = server.log.message("both claim the route /a").await;
    assert!(line.message().contains("a.wasm") && line.message().contains("b.wasm"));
    assert_eq!(old.ask("x").await, "a:x");
    assert_eq!(server.connect("/a").await.ask("x").await, "a:x");
    // It gets it when the other one is gone.
    std::fs::remove_file(server.file("a.wasm")).unwrap();
    server.log.message("b.wasm: serves /a").await;
    assert_eq!(server.connect("/a").await.ask("x").await, "b:x");
}

#[tokio::test]
async fn what_was_served_with_a_manifest_is_not_swapped_for_something_without() {
    let server = server(&ANSWERS_A.bytes(), "[limits]\nmax-message-size = 100").await;
    std::fs::remove_file(server.file("x.toml")).unwrap();
    server.put("x.wasm", &ANSWERS_B.bytes());
    let line = server.log.message("x.wasm: has no manifest any more").await;
    assert!(line.message().contains("(generation 1 serves on)"), "{}", line.message());
    assert_eq!(server.connect("/x").await.ask("x").await, "a:x");
    // With it, the new one comes.
    server.put("x.toml", b"");
    generation(&server, 2).await;
    assert_eq!(server.connect("/x").await.ask("x").await, "b:x");
}

#[tokio::test]
async fn a_manifest_that_is_replaced_by_removing_and_copying_is_not_missed() {
    let server = server(&ANSWERS_A.bytes(), "").await;
    std::fs::remove_file(server.file("x.toml")).unwrap();
    // It is seen to be missing: what was put after that is served.
    server.put("y.wasm", &ANSWERS_A.bytes());
    server.log.message("serves /y").await;
    std::fs::write(server.file("x.toml"), "route = \"/z\"").unwrap();
    server.log.message("serves /z").await;
    assert!(!server.log.text().contains("no manifest any more"), "{}", server.log.text());
}

#[tokio::test]
async fn a_manifest_written_slowly_in_place_gets_no_word_about_its_halves() {
    use std::io::Write as _;
    let server = server(&ANSWERS_A.bytes(), "").await;
    let mut file = std::fs::File::create(server.file("x.toml")).unwrap();
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    for part in ["route ", "= \"/y", "es\"\n[lim", "its]\n", "max-message-size = 5"] {
        pace.tick().await;
        file.write_all(part.as_bytes()).unwrap();
    }
    server.log.message("serves /yes").await;
    let errors = server.log.lines().iter().filter(|line| line.level() == "ERROR").count();
    assert_eq!(errors, 0, "{}", server.log.text());
}

#[tokio::test]
async fn a_manifest_that_cannot_be_used_is_not_taken_for_none() {
    let elsewhere = TempDir::new().unwrap();
    std::fs::write(elsewhere.path().join("x.toml"), "").unwrap();
    let out = elsewhere.path().join("x.toml");
    let start = || {
        let wasm = ANSWERS_A.bytes();
        let names = ["nowhere", "folder", "pipe", "loop", "out", "plain"];
        let files: Vec<_> = names.iter().map(|name| format!("{name}.wasm")).collect();
        let files: Vec<_> = files.iter().map(|name| (name.as_str(), &*wasm)).collect();
        let out = out.clone();
        Start::with(&files).prepare(move |directory: &Path| {
            symlink("none", directory.join("nowhere.toml")).unwrap();
            std::fs::create_dir(directory.join("folder.toml")).unwrap();
            let pipe = directory.join("pipe.toml");
            let mode = Mode::from_raw_mode(0o600);
            rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, mode, 0).unwrap();
            symlink("loop.toml", directory.join("loop.toml")).unwrap();
            symlink(&out, directory.join("out.toml")).unwrap();
        })
    };
    for (start, out) in [(start(), 101), (start().arg("--untrusted"), 500)] {
        let server = start.run().await;
        for name in ["nowhere", "folder", "pipe", "loop"] {
            assert_eq!(status(&server, &format!("/{name}")).await, 500, "{name}");
            let why = match name {
                "folder" | "pipe" => "is no file",
                _ => "",
            };
            server.log.message(&format!("{name}.toml: {why}")).await;
        }
        assert_eq!(status(&server, "/out").await, out);
        assert_eq!(status(&server, "/plain").await, 101);
    }
    let server = start().run().await;
    assert_eq!(status(&server, "/nowhere").await, 500);
    // A file in its place is one.
    server.put("nowhere.toml", b"");
    server.log.message("nowhere.wasm: serves /nowhere").await;
    assert_eq!(status(&server, "/nowhere").await, 101);
}
