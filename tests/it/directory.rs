//! Which files serve which routes, and what happens to the others.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use crate::harness::guests::{
    ANSWERS_A, ANSWERS_B, IMPORTS_UNKNOWN, OTHER_TYPES, OTHER_VERSION, OTHER_WORLD,
};
use crate::harness::{Client, Server, Start, example};

const HEADER_OF_A_CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

async fn status(server: &Server, route: &str) -> u16 {
    match Client::try_connect(&server.url(route), &[]).await {
        Ok(_) => 101,
        Err(status) => status.as_u16(),
    }
}

#[tokio::test]
async fn a_files_path_is_its_route() {
    let echo = example("echo");
    let server = Start::with(&[
        ("index.wasm", &echo),
        ("chat.wasm", &echo),
        ("games/chess.wasm", &echo),
        ("games/index.wasm", &echo),
        ("a b.wasm", &echo),
        ("é/ü.wasm", &echo),
    ])
    .run()
    .await;
    for route in ["/", "/chat", "/games/chess", "/games", "/games/", "/a%20b", "/%C3%A9/%C3%BC"] {
        assert_eq!(status(&server, route).await, 101, "{route}");
    }
    for route in ["/index", "/games/index", "/chat.wasm", "/nothing"] {
        assert_eq!(status(&server, route).await, 404, "{route}");
    }
    assert!(server.stdout().contains("/a%20b"), "{}", server.stdout());
}

#[tokio::test]
async fn other_files_and_hidden_ones_are_ignored() {
    let server = Start::with(&[
        ("echo.wasm", &example("echo")),
        ("notes.txt", b"text"),
        ("echo.toml", b""),
        (".hidden.wasm", b"garbage"),
        (".git/object.wasm", b"garbage"),
        ("folder.wasm/inside.txt", b"text"),
    ])
    .run()
    .await;
    assert_eq!(status(&server, "/echo").await, 101);
    for route in ["/notes", "/.hidden", "/.git/object", "/folder"] {
        assert_eq!(status(&server, route).await, 404, "{route}");
    }
    assert!(!server.log.text().contains("garbage"), "{}", server.log.text());
    assert!(server.log.lines().iter().all(|line| line.level() == "INFO"), "{}", server.log.text());
}

#[tokio::test]
async fn names_that_cannot_be_a_route_get_a_warning() {
    let echo = example("echo");
    let server = Start::with(&[("back\\slash.wasm", &echo), ("tab\there.wasm", &echo)])
        .prepare(|directory| {
            let name = std::ffi::OsStr::from_bytes(b"not-utf8-\xff.wasm");
            std::fs::write(directory.join(name), &echo).unwrap();
        })
        .run()
        .await;
    for part in ["back\\slash.wasm: can't be a route", "its name is not UTF-8", "control character"]
    {
        assert_eq!(server.log.message(part).await.level(), "WARN");
    }
}

#[tokio::test]
async fn two_files_for_one_route_are_both_named_and_neither_is_loaded() {
    let (a, b) = (ANSWERS_A.bytes(), ANSWERS_B.bytes());
    let server = Start::with(&[("games.wasm", &a)]).run().await;
    let mut old = server.connect("/games").await;
    server.put("games/index.wasm", &b);
    let line = server.log.message("all claim the route /games").await;
    assert!(line.message().contains("games.wasm") && line.message().contains("games/index.wasm"));
    // What served before goes on.
    assert_eq!(old.ask("x").await, "a:x");
    assert_eq!(server.connect("/games").await.ask("x").await, "a:x");

    let server = Start::with(&[("games.wasm", &a), ("games/index.wasm", &b)]).run().await;
    server.log.message("all claim the route /games").await;
    assert_eq!(status(&server, "/games").await, 404);
}

#[tokio::test]
async fn symlinks_are_followed_and_loops_end() {
    let elsewhere = tempfile::TempDir::new().unwrap();
    std::fs::write(elsewhere.path().join("real.wasm"), example("echo")).unwrap();
    let server = Start::with(&[])
        .prepare(|directory| {
            symlink(elsewhere.path().join("real.wasm"), directory.join("file.wasm")).unwrap();
            symlink(elsewhere.path(), directory.join("folder")).unwrap();
            symlink(directory, directory.join("loop")).unwrap();
            symlink("nowhere", directory.join("dangling.wasm")).unwrap();
        })
        .run()
        .await;
    for route in ["/file", "/folder/real"] {
        assert_eq!(status(&server, route).await, 101, "{route}");
    }
    for route in ["/dangling", "/loop/file"] {
        assert_eq!(status(&server, route).await, 404, "{route}");
    }
}

#[tokio::test]
async fn each_kind_of_broken_file_gets_one_line_that_says_what_to_do() {
    let echo = example("echo");
    let cases: [(&str, &[u8], &str); 9] = [
        ("empty", b"", "is empty"),
        ("garbage", b"hello there", "not WebAssembly"),
        ("truncated", &echo[..echo.len() / 2], "not a valid component"),
        ("core", HEADER_OF_A_CORE_MODULE, "wasm-tools component new"),
        ("world", &OTHER_WORLD.bytes(), "it exports other:place/greeter@1.0.0"),
        ("version", &OTHER_VERSION.bytes(), "found socklet:websocket/handler@0.2.0"),
        ("types", &OTHER_TYPES.bytes(), "with other types"),
        ("imports", &IMPORTS_UNKNOWN.bytes(), "strange:power/rockets@1.0.0"),
        ("header", b"\0asm\x0d\0\x01\0garbage", "not a valid component"),
    ];
    let files: Vec<_> =
        cases.iter().map(|(name, bytes, _)| (format!("{name}.wasm"), *bytes)).collect();
    let files: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let server = Start::with(&files).run().await;
    for (name, _, said) in cases {
        let line = server.log.message(&format!("{name}.wasm: ")).await;
        assert_eq!(line.level(), "ERROR");
        assert!(line.message().contains(said), "{name}: {}", line.message());
        assert!(line.message().contains("nothing serves its route yet"));
        let of_file =
            |line: &&crate::harness::LogLine| line.message().contains(&format!("/{name}.wasm"));
        assert_eq!(server.log.lines().iter().filter(of_file).count(), 1, "{name}");
        assert_eq!(status(&server, &format!("/{name}")).await, 500);
    }
}

#[tokio::test]
async fn symlinks_between_folders_do_not_multiply() {
    let folders: Vec<_> = (0..12).map(|number| format!("f{number}")).collect();
    let server = Start::with(&[("echo.wasm", &example("echo"))])
        .prepare(|directory| {
            for folder in &folders {
                std::fs::create_dir(directory.join(folder)).unwrap();
                for other in &folders {
                    symlink(format!("../{other}"), directory.join(folder).join(other)).unwrap();
                }
            }
        })
        .run()
        .await;
    server.put("f0/new.wasm", &example("echo"));
    for route in ["/f0/new", "/f3/f0/new"] {
        server.log.message(&format!("serves {route} ")).await;
        assert_eq!(status(&server, route).await, 101, "{route}");
    }
}

#[tokio::test]
async fn a_folder_that_lies_too_deep_is_named() {
    let echo = example("echo");
    let deep = format!("{}x.wasm", "d/".repeat(16));
    let deeper = format!("{}x.wasm", "d/".repeat(17));
    let server = Start::with(&[(&deep, &echo), (&deeper, &echo)]).run().await;
    assert_eq!(status(&server, &format!("/{}x", "d/".repeat(16))).await, 101);
    assert_eq!(status(&server, &format!("/{}x", "d/".repeat(17))).await, 404);
    server.log.message("lies more than 16 folders deep").await;
}

#[tokio::test]
async fn an_empty_directory_serves_what_comes_later() {
    let server = Start::with(&[]).run().await;
    assert!(server.stdout().contains("no handlers yet"));
    server.put("new/echo.wasm", &example("echo"));
    server.log.message("serves /new/echo").await;
    assert_eq!(server.connect("/new/echo").await.ask("hi").await, "hi");
}
