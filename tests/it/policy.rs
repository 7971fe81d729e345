//! The operator's policy: what manifests get of what they ask for.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use crate::harness::guests::{ANSWERS_A, USES_WASI};
use crate::harness::{Client, Server, Start, example, run};

/// A file outside the handlers' directory.
fn file(content: &str) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socklet.toml");
    std::fs::write(&path, content).unwrap();
    let arg = format!("--config={}", path.display());
    (folder, arg)
}

async fn status(server: &Server, route: &str) -> u16 {
    match Client::try_connect(&server.url(route), &[]).await {
        Ok(_) => 101,
        Err(status) => status.as_u16(),
    }
}

const ASKING: &str = "route = \"/elsewhere\"\n[secrets]\nKEY = \"CHAT_KEY\"";

fn asking() -> Start {
    let wasi = USES_WASI.bytes();
    Start::with(&[("chat.wasm", &wasi), ("chat.toml", ASKING.as_bytes()), ("plain.wasm", &wasi)])
        .env("CHAT_KEY", "s3cret")
}

#[tokio::test]
async fn without_a_policy_manifests_are_trusted_and_the_start_says_so() {
    let server = asking().run().await;
    assert_eq!(server.connect("/elsewhere").await.ask("environment").await, "KEY=s3cret");
    server.log.message("manifests are trusted: no grants are set").await;
    assert!(server.stdout().contains("manifests are trusted"), "{}", server.stdout());
}

#[tokio::test]
async fn what_no_grant_names_is_denied() {
    let (_folder, config) = file("[[grants]]\nhandlers = [\"other\"]\nsecrets = [\"*\"]");
    for start in [asking().arg("--untrusted"), asking().arg(config)] {
        let server = start.run().await;
        let line = server.log.message("chat.toml: line 1: route is not granted").await;
        assert!(line.message().contains("nothing serves its route yet"), "{}", line.message());
        assert_eq!(status(&server, "/elsewhere").await, 404);
        assert_eq!(status(&server, "/chat").await, 500);
        assert_eq!(status(&server, "/plain").await, 101);
    }
}

#[tokio::test]
async fn what_a_grant_names_is_had() {
    let (_folder, config) = file(
        "untrusted = true\n[[grants]]\nhandlers = [\"ch*\"]\nroutes = [\"/elsewhere\"]\n\
         [[grants]]\nhandlers = [\"chat\"]\nsecrets = [\"CHAT_*\"]",
    );
    let server = asking().arg(config).run().await;
    assert_eq!(server.connect("/elsewhere").await.ask("environment").await, "KEY=s3cret");
    server.log.message("they get what 2 grants name").await;
    // A swap that asks for more is refused.
    server.put("chat.toml", b"route = \"/elsewhere\"\n[secrets]\nKEY = \"HOME\"");
    let line = server.log.message("chat.toml: line 3: secrets.KEY is not granted").await;
    assert!(line.message().contains("generation 1 serves on"), "{}", line.message());
    assert_eq!(server.connect("/elsewhere").await.ask("environment").await, "KEY=s3cret");
}

#[tokio::test]
async fn a_ceiling_bounds_manifests_and_defaults() {
    let (_folder, config) =
        file("[defaults]\nmax-backpressure = \"1MiB\"\n[ceilings]\nmax-message-size = 100");
    let server = Start::with(&[
        ("x.wasm", &ANSWERS_A.bytes()),
        ("more.wasm", &ANSWERS_A.bytes()),
        ("more.toml", b"[limits]\nmax-message-size = 101"),
    ])
    .arg(config)
    .run()
    .await;
    let said = "more.toml: line 2: limits.max-message-size is more than the policy allows";
    server.log.message(said).await;
    let mut client = server.connect("/x").await;
    client.send("x".repeat(101)).await;
    assert_eq!(client.closed().await.0, 1009);
}

#[tokio::test]
async fn a_file_sets_flags_and_the_command_line_comes_before_it() {
    let (_folder, config) = file("max-connections = 1\nlog = \"warn\"\ntest-page = false");
    let server =
        Start::with(&[("x.wasm", &ANSWERS_A.bytes())]).arg(config).arg("--log=info").run().await;
    let _only = server.connect("/x").await;
    assert_eq!(status(&server, "/x").await, 503);
    let (_folder, config) = file("max-connections = 1");
    let server = Start::with(&[("x.wasm", &ANSWERS_A.bytes())])
        .arg(config)
        .env("SOCKLET_MAX_CONNECTIONS", "2")
        .run()
        .await;
    let _one = server.connect("/x").await;
    let _two = server.connect("/x").await;
    assert_eq!(status(&server, "/x").await, 503);
}

#[tokio::test]
async fn all_that_is_wrong_in_the_file_is_named_at_once() {
    for (content, lines) in [
        ("max-conections = 5\nlisten = \"x\"\nconfig = \"y\"", ["line 1", "line 2", "line 3"]),
        ("[ceilings]\na = 1\nmax-topics = 0\n[grant]", ["line 2", "line 3", "line 4"]),
    ] {
        let (_folder, config) = file(content);
        let (status, _, stderr) = run(&["serve", &config]).await;
        assert_eq!(status.code(), Some(2), "{stderr}");
        for line in lines {
            assert!(stderr.contains(&format!("socklet.toml: {line}: ")), "{content}: {stderr}");
        }
    }
}

#[tokio::test]
async fn a_policy_among_the_handlers_is_refused() {
    let handlers = TempDir::new().unwrap();
    let (elsewhere, _) = file("");
    let inside = handlers.path().join("socklet.toml");
    std::fs::write(&inside, "").unwrap();
    let to_inside = elsewhere.path().join("link.toml");
    symlink(&inside, &to_inside).unwrap();
    let from_inside = handlers.path().join("link.toml");
    symlink(elsewhere.path().join("socklet.toml"), &from_inside).unwrap();
    for path in [inside, to_inside, from_inside] {
        let directory = handlers.path().to_str().unwrap();
        let config = format!("--config={}", path.display());
        let (status, _, stderr) = run(&["serve", directory, &config, "--listen=127.0.0.1:0"]).await;
        assert_eq!(status.code(), Some(1), "{stderr}");
        let said = format!("{}: lies in the handlers' directory", path.display());
        assert!(stderr.contains(&said), "{stderr}");
    }
}

#[tokio::test]
async fn what_is_wrong_in_the_file_is_named() {
    for (content, said) in [
        (
            "max-conections = 5",
            "socklet.toml: line 1: max-conections is no flag of serve: did you mean max-connections?",
        ),
        ("config = \"x\"", "socklet.toml: line 1: config names this file and can't be set in it"),
        ("\nmax-connections = 0", "socklet.toml: line 2: max-connections is wrong: "),
        ("listen = [\"localhost\"]", "socklet.toml: line 1: listen is wrong: "),
        (
            "[ceilings]\nmax-memory = \"much\"",
            "socklet.toml: line 2: ceilings.max-memory must be a size",
        ),
        (
            "[[grants]]\nhandler = [\"x\"]",
            "socklet.toml: line 2: grants.handler is no key here: did you mean handlers?",
        ),
        ("[grants]", "socklet.toml: line 1: grants must be"),
    ] {
        let (_folder, config) = file(content);
        for arguments in [&["serve", &*config][..], &[&*config], &["check", &*config, "x.wasm"]] {
            let (status, _, stderr) = run(arguments).await;
            assert_eq!(status.code(), Some(2), "{content}: {stderr}");
            assert!(stderr.contains(said), "{stderr}");
        }
    }
    let (status, _, stderr) = run(&["serve", "--config=none.toml"]).await;
    assert_eq!(status.code(), Some(2));
    assert!(stderr.contains("none.toml: can't be read"), "{stderr}");
}

#[tokio::test]
async fn symlinks_stay_inside_where_nobody_is_trusted() {
    let elsewhere = TempDir::new().unwrap();
    std::fs::write(elsewhere.path().join("real.wasm"), ANSWERS_A.bytes()).unwrap();
    std::fs::write(elsewhere.path().join("secret.toml"), "[env]\nA = \"b\"").unwrap();
    let start = || {
        Start::with(&[("inside/real.wasm", &ANSWERS_A.bytes()), ("x.wasm", &ANSWERS_A.bytes())])
            .prepare(|directory| {
                let out = |name: &str| elsewhere.path().join(name);
                symlink(out("real.wasm"), directory.join("file.wasm")).unwrap();
                symlink(out(""), directory.join("folder")).unwrap();
                symlink(out("secret.toml"), directory.join("x.toml")).unwrap();
                symlink("inside/real.wasm", directory.join("link.wasm")).unwrap();
                symlink("inside", directory.join("links")).unwrap();
            })
    };
    let routes = ["/file", "/folder/real", "/link", "/links/real", "/inside/real"];
    let server = start().run().await;
    for route in routes {
        assert_eq!(status(&server, route).await, 101, "{route}");
    }
    let server = start().arg("--untrusted").run().await;
    for (route, expected) in routes.into_iter().zip([404, 404, 101, 101, 101]) {
        assert_eq!(status(&server, route).await, expected, "{route}");
    }
    for name in ["file.wasm", "folder", "x.toml"] {
        server.log.message(&format!("{name}: leads out of the directory")).await;
    }
    let told = server.log.text().matches("x.toml: leads out of the directory").count();
    assert_eq!(told, 1, "{}", server.log.text());
    // An absolute one is not followed, wherever it leads.
    let target = server.file("inside/real.wasm").canonicalize().unwrap();
    symlink(target, server.file("absolute.wasm")).unwrap();
    server.log.message("absolute.wasm: can't be read: a symlink leads out").await;
}

#[tokio::test]
async fn handlers_see_no_credentials_where_nobody_is_trusted() {
    let headers = [
        ("cookie", "session=s3cret"),
        ("authorization", "Bearer s3cret"),
        ("proxy-authorization", "Basic s3cret"),
        ("x-thing", "seen"),
    ];
    let seen = async |start: Start| {
        let server = start.run().await;
        let url = server.url("/x");
        Client::try_connect(&url, &headers).await.unwrap().text().await
    };
    let start = || Start::with(&[("x.wasm", &example("whoami"))]);
    let trusted = seen(start()).await;
    assert_eq!(trusted.matches("s3cret").count(), 4, "{trusted}");
    let untrusted = seen(start().arg("--untrusted")).await;
    assert!(!untrusted.contains("s3cret") && untrusted.contains("x-thing: seen"), "{untrusted}");
}

#[tokio::test]
async fn clocks_are_coarse_where_nobody_is_trusted() {
    let start = || Start::with(&[("x.wasm", &USES_WASI.bytes())]);
    let now = async |client: &mut Client| client.ask("now").await.parse::<u64>().unwrap();
    let fine = start().run().await;
    let mut client = fine.connect("/x").await;
    let mut all_coarse = true;
    for _ in 0..10 {
        all_coarse &= now(&mut client).await.is_multiple_of(1_000_000);
    }
    assert!(!all_coarse);
    let coarse = start().arg("--untrusted").run().await;
    let mut client = coarse.connect("/x").await;
    let first = now(&mut client).await;
    for _ in 0..10 {
        assert_eq!(now(&mut client).await % 1_000_000, 0);
    }
    assert_eq!(client.ask("sleep 5").await, "sleeping");
    assert_eq!(client.text().await, "slept");
    assert!(now(&mut client).await > first);
}
