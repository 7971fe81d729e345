//! What the command line says, right and wrong.

use crate::harness::{Start, http, run};

#[tokio::test]
async fn the_table_shows_each_route_as_urls_that_can_be_pasted() {
    let server = Start::embedded().run().await;
    let table = server.stdout();
    assert!(table.contains("the embedded examples"), "{table}");
    for route in ["echo", "goodbye", "hello", "whoami"] {
        for scheme in ["ws", "http"] {
            let url = format!("{scheme}://{}/{route}", server.address);
            assert!(table.contains(&url), "{url} is not in\n{table}");
        }
    }
}

#[tokio::test]
async fn a_port_that_is_taken_names_the_flag() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, _, stderr) = run(&["serve", "--listen", &address]).await;
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("--listen") && stderr.contains(&address), "{stderr}");
}

#[tokio::test]
async fn what_is_printed_for_any_address_can_be_pasted_too() {
    let start = Start::with(&[("echo.wasm", &crate::harness::example("echo"))]);
    let server = start.arg("--listen=0.0.0.0:0").arg("--test-page").run().await;
    let port = server.log.wait("the other listener", |line| {
        line.field("address")
            .is_some_and(|address| address.as_str().unwrap().starts_with("0.0.0.0"))
    });
    let port = port
        .await
        .field("address")
        .unwrap()
        .as_str()
        .unwrap()
        .split_once(':')
        .unwrap()
        .1
        .to_owned();
    let url = format!("ws://localhost:{port}/echo");
    assert!(server.stdout().contains(&url), "{}", server.stdout());
    let address = format!("127.0.0.1:{port}");
    let page = [&*format!("Host: {address}"), "Accept: text/html"];
    assert_eq!(http(address.parse().unwrap(), "GET /echo", &page).await.status, 200);
}

#[tokio::test]
async fn a_ping_interval_that_would_never_be_waited_for_is_refused() {
    let (status, _, stderr) = run(&["--ping-interval=60s", "--listen=127.0.0.1:0"]).await;
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("--ping-interval") && stderr.contains("--pong-timeout"), "{stderr}");
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_named() {
    let (status, _, stderr) = run(&["serve", "no/such/folder"]).await;
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("no/such/folder") && stderr.contains("create it"), "{stderr}");
}

#[tokio::test]
async fn wrong_values_are_named() {
    for (args, said) in [
        (["--event-cpu-time", "soon"], "500ms"),
        (["--max-message-size", "much"], "--max-message-size"),
        (["--listen", "localhost"], "--listen"),
        (["--listen", "/run/socklet.sock"], "unix:/run/socklet.sock"),
        (["--trusted-proxy", "10.0.0.1"], "10.0.0.0/8"),
        (["--log", "a=b=c"], "--log"),
        (["--max-instances", "0"], "at least 1"),
        (["--allow-origin", "example.com"], "https://example.com"),
        (["--allow-origin", "https://example.com/"], "https://example.com"),
        (["--host", "https://chat.example.com"], "chat.example.com"),
    ] {
        let (status, _, stderr) = run(&args).await;
        assert_eq!(status.code(), Some(2), "{args:?}");
        assert!(stderr.contains(said), "{args:?}: {stderr}");
    }
}

#[tokio::test]
async fn help_shows_examples() {
    let (status, stdout, _) = run(&["serve", "--help"]).await;
    assert!(status.success());
    assert!(stdout.contains("Examples:") && stdout.contains("SOCKLET_LISTEN"), "{stdout}");
    let (_, stdout, _) = run(&["--help"]).await;
    let (_, commands) = stdout.split_once("\nCommands:\n").unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    // What goes on from the line before is indented more.
    let commands = commands.filter_map(|line| line.strip_prefix("  ")?.split_once("  "));
    let commands: Vec<_> = commands.map(|(name, _)| name).filter(|name| !name.is_empty()).collect();
    assert!(commands.contains(&"inspect") && commands.len() > 8, "{commands:?}");
    for command in commands.iter().filter(|name| **name != "help") {
        let (status, stdout, _) = run(&[command, "--help"]).await;
        assert!(status.success() && stdout.contains("\nExample"), "{command}: {stdout}");
    }
}
