//! The examples do what their READMEs say: those inside the binary, and those
//! just built from source.

mod assistant;
mod board;
mod chat;
mod clock;
mod guarded;
mod ticker;

use crate::harness::{Client, Server, Start, example, example_manifest};

const NAMES: [&str; 4] = ["echo", "goodbye", "hello", "whoami"];

async fn servers() -> [Server; 2] {
    let built = NAMES.map(|name| (format!("{name}.wasm"), example(name)));
    let built = built.each_ref().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    [Start::embedded().run().await, Start::with(&built).run().await]
}

/// A server of one example that has a manifest, with both as they were built.
fn start_of(name: &str) -> Start {
    let (component, manifest) = (format!("{name}.wasm"), format!("{name}.toml"));
    Start::with(&[(&component, &example(name)), (&manifest, &example_manifest(name))])
}

async fn server_of(name: &str) -> Server {
    start_of(name).run().await
}

#[tokio::test]
async fn hello_says_hello_and_logs_what_it_is_told() {
    for server in servers().await {
        let mut client = server.connect("/hello").await;
        assert_eq!(client.text().await, "Hello!");
        client.send("how are you?").await;
        client.send(vec![1, 2, 3]).await;
        assert!(client.close(1000, "").await.0.is_empty());
        server.log.message("Disconnected").await;
        assert_eq!(server.log.said_by(1), ["how are you?", "<3 bytes>", "Disconnected"]);
    }
}

#[tokio::test]
async fn goodbye_says_hello_and_closes() {
    for server in servers().await {
        let mut client = server.connect("/goodbye").await;
        let (messages, close) = client.rest().await;
        assert_eq!(messages, ["Hello!".into()]);
        assert_eq!(close, Some((1000, String::new())));
        server.log.message("Disconnected").await;
    }
}

#[tokio::test]
async fn echo_sends_back_what_it_gets() {
    for server in servers().await {
        let mut client = server.connect("/echo").await;
        assert_eq!(client.ask("text").await, "text");
    }
}

#[tokio::test]
async fn whoami_tells_what_a_handler_sees() {
    for server in servers().await {
        let url = server.url("/%77hoami?name=J%C3%BCrgen&x=1");
        let headers = [("x-thing", "one"), ("x-thing", "two"), ("cookie", "theme=dark; id=7")];
        let mut client = Client::try_connect(&url, &headers).await.unwrap();
        let seen = client.text().await;
        let lines: Vec<_> = seen.lines().collect();
        for line in [
            "path: /whoami",
            "query: name=J%C3%BCrgen&x=1",
            "query name: Jürgen",
            "header x-thing: one",
            "header x-thing: two",
            "cookie theme: dark",
            "cookie id: 7",
        ] {
            assert!(lines.contains(&line), "{line} is not in\n{seen}");
        }
        let place = |line: &str| lines.iter().position(|found| *found == line).unwrap();
        assert!(place("header x-thing: one") < place("header x-thing: two"));
        assert!(seen.contains("remote address: 127.0.0.1:"), "{seen}");
        assert_eq!(client.ask("again?").await, seen);
    }
}
