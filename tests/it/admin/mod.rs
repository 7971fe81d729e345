//! What an operator sees and does: health, readiness and metrics here.

mod api;
mod rollback;
mod token;

use rustix::process::Signal;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::guests::{
    ANSWERS_A, ANSWERS_B, FLOODS_ON_MESSAGE, RUNS_ON_MESSAGE, TRAPS_ON_MESSAGE,
};
use crate::harness::{Client, Server, Start, example, get, http, http_bytes, metrics};

const HOST: &str = "Host: localhost";

/// Waits until a sample has this value: what ends a connection on the server comes
/// a moment after its client has seen the end.
async fn until(server: &Server, name: &str, value: f64) {
    let wait = async {
        while metrics(server).await.get(name) != Some(&value) {
            tokio::task::yield_now().await;
        }
    };
    crate::harness::within(&format!("{name} {value}"), wait).await;
}

#[tokio::test]
async fn what_happens_is_counted_by_handler() {
    let server = Start::with(&[
        ("floods.wasm", &FLOODS_ON_MESSAGE.bytes()),
        ("traps.wasm", &TRAPS_ON_MESSAGE.bytes()),
        ("broken.wasm", b"garbage"),
    ])
    .arg("--admin=127.0.0.1:0")
    .arg("--max-backpressure=10000")
    .run()
    .await;
    let mut client = server.connect("/floods").await;
    for _ in 0..3 {
        assert_eq!(client.ask("12345").await, "12345");
    }
    client.send(Message::binary(vec![0; 100])).await;
    client.next().await.unwrap().unwrap();
    let mut trapped = server.connect("/traps").await;
    trapped.send("trap").await;
    assert_eq!(trapped.closed().await.0, 1011);
    assert!(Client::try_connect(&server.url("/nowhere/in/particular"), &[]).await.is_err());
    assert!(Client::try_connect(&server.url("/broken"), &[]).await.is_err());
    assert_eq!(http(server.address, "GET /floods", &[HOST]).await.status, 426);

    until(&server, r#"socklet_closes_total{detail="",handler="traps",origin="host"}"#, 1.0).await;
    until(&server, r#"socklet_instances{handler="traps"}"#, 0.0).await;
    let now = metrics(&server).await;
    for (name, value) in [
        (r#"socklet_connections{handler="floods"}"#, 1.0),
        (r#"socklet_instances{handler="floods"}"#, 1.0),
        (r#"socklet_generation{handler="floods"}"#, 1.0),
        (r#"socklet_loads_total{handler="floods",outcome="loaded"}"#, 1.0),
        (r#"socklet_loads_total{handler="broken",outcome="refused"}"#, 1.0),
        (r#"socklet_handshakes_total{handler="floods",status="101"}"#, 1.0),
        (r#"socklet_handshakes_total{handler="floods",status="426"}"#, 1.0),
        (r#"socklet_handshakes_total{handler="broken",status="500"}"#, 1.0),
        (r#"socklet_handshakes_total{status="404"}"#, 1.0),
        (r#"socklet_messages_total{direction="in",handler="floods"}"#, 4.0),
        (r#"socklet_messages_total{direction="out",handler="floods"}"#, 4.0),
        (r#"socklet_message_bytes_total{direction="in",handler="floods"}"#, 115.0),
        (r#"socklet_message_bytes_total{direction="out",handler="floods"}"#, 115.0),
        (r#"socklet_event_duration_seconds_count{export="on-ready",handler="floods"}"#, 1.0),
        (r#"socklet_event_duration_seconds_count{export="on-message",handler="floods"}"#, 4.0),
        (r#"socklet_event_duration_seconds_count{export="on-close",handler="floods"}"#, 0.0),
        (r#"socklet_instance_failures_total{cause="trap",handler="traps"}"#, 1.0),
    ] {
        assert_eq!(now.get(name), Some(&value), "{name}: {now:#?}");
    }
    assert!(now.contains_key("process_open_fds"));
    assert!(!now.keys().any(|name| name.contains("particular")));

    // Writes that find no room.
    client.send("try 30000 996").await;
    let line = server.log.wait("outcomes", |l| l.message().starts_with("queued=")).await;
    let full = line.message().split(' ').nth(1).unwrap().strip_prefix("full=").unwrap();
    let refused = r#"socklet_writes_refused_total{handler="floods",limit="max-backpressure"}"#;
    until(&server, refused, full.parse().unwrap()).await;
    drop(client);
    until(&server, r#"socklet_closes_total{detail="",handler="floods",origin="network"}"#, 1.0)
        .await;
    until(&server, r#"socklet_connections{handler="floods"}"#, 0.0).await;
    until(&server, r#"socklet_instances{handler="floods"}"#, 0.0).await;
}

#[tokio::test]
async fn a_swap_shows_and_a_removed_handler_leaves_no_series() {
    let start = Start::with(&[("x.wasm", &ANSWERS_A.bytes()), ("y.wasm", &ANSWERS_A.bytes())]);
    let server = start.arg("--admin=127.0.0.1:0").run().await;
    server.put("x.wasm", &ANSWERS_B.bytes());
    until(&server, r#"socklet_generation{handler="x"}"#, 2.0).await;
    assert_eq!(metrics(&server).await[r#"socklet_loads_total{handler="x",outcome="loaded"}"#], 2.0);
    std::fs::remove_file(server.file("y.wasm")).unwrap();
    server.log.message("/y is served no more").await;
    let now = metrics(&server).await;
    assert!(!now.keys().any(|name| name.contains(r#"handler="y""#)), "{now:#?}");
    assert!(now.keys().any(|name| name.contains(r#"handler="x""#)));
}

#[tokio::test]
async fn it_is_ready_once_everything_is_loaded_and_not_while_it_stops() {
    let cache = tempfile::TempDir::new().unwrap();
    // Takes seconds to compile.
    let mut server = Start::with(&[("slow.wasm", &example("hello-python"))])
        .cache(cache.path())
        .arg("--admin=127.0.0.1:0")
        .arg("--shutdown-delay=1s")
        .run_unready()
        .await;
    let admin = server.admin().await;
    assert_eq!(get(admin, "/healthz").await, (200, "alive\n".into()));
    assert_eq!(get(admin, "/readyz").await, (503, "loading handlers\n".into()));
    server.log.wait("ready", |line| line.message() == "ready").await;
    assert_eq!(get(admin, "/readyz").await, (200, "ready\n".into()));
    let mut before = server.connect("/slow").await;
    server.signal(Signal::TERM);
    server.log.message("shutting down").await;
    while get(admin, "/readyz").await.0 == 200 {
        tokio::task::yield_now().await;
    }
    // Whoever has not heard of it yet is still served.
    let mut late = server.connect("/slow").await;
    for client in [&mut before, &mut late] {
        assert_eq!(client.text().await, "Hello!");
        assert_eq!(client.closed().await.0, 1001);
    }
    assert!(server.exit().await.success());
}

#[tokio::test]
async fn web_pages_and_names_that_lead_here_get_nothing() {
    let server = Start::embedded().arg("--admin=127.0.0.1:0").run().await;
    let admin = server.admin().await;
    let page = ["Host: localhost", "Origin: http://localhost"];
    assert_eq!(http(admin, "GET /metrics", &page).await.status, 403);
    assert_eq!(http(admin, "GET /metrics", &["Host: rebound.example.com"]).await.status, 403);
    assert_eq!(http(admin, "GET /metrics", &["Host: 10.0.0.1:9090"]).await.status, 200);
    let refused = http(admin, "POST /metrics", &[HOST, "Content-Length: 0"]).await;
    assert_eq!(refused.status, 405);
    let why = "POST can't be done to this: there are GET, HEAD";
    assert!(refused.body.contains(why), "{}", refused.body);
    // What is there is not told to everybody.
    assert_eq!(get(admin, "/").await.0, 401);
    // And the clients' listener knows nothing of it.
    assert_eq!(http(server.address, "GET /metrics", &[HOST]).await.status, 404);
}

#[tokio::test]
async fn a_health_check_without_a_host_is_answered() {
    let server = Start::embedded().arg("--admin=127.0.0.1:0").run().await;
    let request = b"GET /healthz HTTP/1.0\r\n\r\n";
    assert_eq!(http_bytes(server.admin().await, request).await.status, 200);
}

#[tokio::test]
async fn the_docs_list_every_metric() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let mut listed: Vec<_> =
        docs.lines().filter_map(|line| line.strip_prefix("| `socklet_")).collect();
    listed.iter_mut().for_each(|line| *line = line.split('`').next().unwrap());
    let server = Start::with(&[
        ("x.wasm", &TRAPS_ON_MESSAGE.bytes()),
        ("floods.wasm", &FLOODS_ON_MESSAGE.bytes()),
        ("runs.wasm", &RUNS_ON_MESSAGE.bytes()),
    ])
    .arg("--admin=127.0.0.1:0")
    .arg("--max-message-rate=1")
    .arg("--max-backpressure=1000")
    .run()
    .await;
    // Each of them needs to have counted once to be shown.
    server.connect("/runs").await.ask("grow 100").await;
    let mut flooded = server.connect("/floods").await;
    for _ in 0..2 {
        flooded.send("try 30000 996").await;
    }
    server.log.message("held back by max-message-rate").await;
    server.log.message("held back by max-backpressure").await;
    let mut client = server.connect("/x").await;
    client.send("trap").await;
    client.closed().await;
    until(&server, r#"socklet_closes_total{detail="",handler="x",origin="host"}"#, 1.0).await;
    let (_, text) = get(server.admin().await, "/metrics").await;
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE socklet_"));
    let mut served: Vec<_> = types.map(|line| line.split(' ').next().unwrap()).collect();
    listed.sort_unstable();
    served.sort_unstable();
    assert_eq!(listed, served);
}
