//! What only Go's requests do: several at a time in an event, and timers while one waits. Its
//! component is no part of docs/conformance.md: guest-sdk/go/conformance/requests.

use std::time::Duration;

use tokio::time::timeout;

use super::stage;
use crate::harness::{Client, Server, Start, Upstream};

/// A server of it at `/r`; None where it was not built, and need not be.
async fn serve(upstream: &Upstream, tables: &str) -> Option<Server> {
    let path = stage::folder().join("requests-go.wasm");
    let Ok(component) = std::fs::read(&path) else {
        assert!(
            std::env::var_os("SOCKLET_SKIP_MISSING_TOOLS").is_some(),
            "{}: no such component: run scripts/build-guests (or set SOCKLET_SKIP_MISSING_TOOLS=1)",
            path.display()
        );
        return None;
    };
    let manifest = format!(
        "[capabilities]\nallowed-hosts = ['{}']\n[limits]\nevent-cpu-time = '60s'\n{tables}",
        upstream.address
    );
    let files: [(&str, &[u8]); 2] = [("r.wasm", &component), ("r.toml", manifest.as_bytes())];
    Some(Start::with(&files).run().await)
}

/// Its next text, which does not wait for the upstream's time to be over.
async fn soon(client: &mut Client) -> String {
    timeout(Duration::from_secs(5), client.text()).await.expect("a timer was not noticed")
}

/// The collector marks for longest, and most often, where the memory is short.
#[tokio::test]
async fn goroutines_send_requests_side_by_side() {
    let upstream = Upstream::start().await;
    for memory in ["GOGC = '100'", "GOMEMLIMIT = '8MiB'", "GOGC = 'off'\nGOMEMLIMIT = '8MiB'"] {
        let Some(server) = serve(&upstream, &format!("[env]\n{memory}\n")).await else { return };
        let body = "x".repeat(1_000_000);
        for _ in 0..3 {
            let mut client = server.connect("/r").await;
            client.send(format!("together 8 {}", upstream.url())).await;
            let mut answers = tokio::task::JoinSet::new();
            for _ in 0..80 {
                let (mut call, body) = (upstream.call().await, body.clone());
                answers.spawn(async move { call.answer(&body).await });
            }
            answers.join_all().await;
            assert_eq!(client.text().await, "80000000", "{memory}");
        }
    }
}

#[tokio::test]
async fn a_timer_cancels_a_request_before_its_deadline() {
    let upstream = Upstream::start().await;
    let Some(server) = serve(&upstream, "").await else { return };
    let mut client = server.connect("/r").await;
    client.send(format!("cancel 100 {}", upstream.url())).await;
    let mut call = upstream.call().await;
    assert_eq!(soon(&mut client).await, "cancelled");
    call.closed().await;
}

#[tokio::test]
async fn a_timer_closes_a_body_that_is_read() {
    let upstream = Upstream::start().await;
    let Some(server) = serve(&upstream, "").await else { return };
    let mut client = server.connect("/r").await;
    client.send(format!("close 100 {}", upstream.url())).await;
    let mut call = upstream.call().await;
    call.begin().await;
    assert_eq!(client.text().await, "begun");
    assert_eq!(soon(&mut client).await, "the body is closed");
    call.closed().await;
}

#[tokio::test]
async fn a_timer_writes_while_an_answer_is_waited_for() {
    let upstream = Upstream::start().await;
    let Some(server) = serve(&upstream, "").await else { return };
    let mut client = server.connect("/r").await;
    client.send(format!("tick 100 {}", upstream.url())).await;
    let mut call = upstream.call().await;
    assert_eq!(soon(&mut client).await, "tick");
    call.answer("").await;
    assert_eq!(client.text().await, "200");
}

#[tokio::test]
async fn an_empty_body_has_its_length_and_no_other() {
    let upstream = Upstream::start().await;
    let Some(server) = serve(&upstream, "").await else { return };
    let mut client = server.connect("/r").await;
    client.send(format!("put 0 {}", upstream.url())).await;
    let mut call = upstream.call().await;
    assert!(call.head.starts_with("put / http/1.1\r\n"), "{}", call.head);
    assert!(call.head.contains("\r\ncontent-length: 0\r\n"), "{}", call.head);
    call.answer("").await;
    assert_eq!(client.text().await, "200");
    client.send(format!("put 5 {}", upstream.url())).await;
    let said = client.text().await;
    assert!(said.ends_with("content-length is not the length of the body"), "{said}");
}
