//! Promise 7: a host is reached that is named, at an address that is public or named.

use std::net::Ipv4Addr;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;

use super::{allowing, outcome, start};
use crate::harness::guests::FETCHES;
use crate::harness::{Client, Start, Upstream};
use crate::tls::{self, Identity};

async fn get(client: &mut Client, url: &str) -> String {
    outcome(client, &format!("get {url}")).await
}

/// Has the upstream answer whom it is asked by.
async fn reaches(client: &mut Client, upstream: &Upstream, url: &str) {
    let serve = async { upstream.call().await.answer("hello").await };
    let (told, ()) = tokio::join!(get(client, url), serve);
    assert_eq!(told, "end", "{url}");
}

#[tokio::test]
async fn a_host_that_is_not_named_is_refused_and_the_log_says_what_to_add() {
    let (upstream, other) = (Upstream::start().await, Upstream::start().await);
    let server = start(&upstream).run().await;
    let mut client = server.connect("/f").await;
    reaches(&mut client, &upstream, &upstream.url()).await;
    assert_eq!(get(&mut client, &other.url()).await, "error Denied");
    let line = server.log.message(&format!("add \"{}\" to", other.address)).await;
    assert!(line.message().contains("capabilities.allowed-hosts"), "{}", line.message());
    assert_eq!((line.level(), line.field("handler").unwrap().as_str()), ("WARN", Some("f")));
    let url = format!("http://localhost:{}/", upstream.port());
    assert_eq!(get(&mut client, &url).await, "error Denied");
    server.log.message(&format!("add \"localhost:{}\" to", upstream.port())).await;
    let url = format!("http://user@{}/", upstream.address);
    assert!(get(&mut client, &url).await.starts_with("error Url("));
    assert!(!other.is_asked() && !upstream.is_asked());
}

#[tokio::test]
async fn an_address_that_is_not_public_is_refused_unless_it_is_named_whatever_its_name_is() {
    let upstream = Upstream::start().await;
    let port = upstream.port();
    let server = allowing(&["*:*"], "").run().await;
    let mut client = server.connect("/f").await;
    let number = u32::from(Ipv4Addr::LOCALHOST);
    for name in ["localhost", "LOCALHOST", "127.1", "0x7f.1", &number.to_string()] {
        let told = get(&mut client, &format!("http://{name}:{port}/")).await;
        assert_eq!(told, "error PrivateAddress", "{name}");
    }
    server.log.message(&format!("add \"127.0.0.1:{port}\" to")).await;
    // A pattern of names stands for no address.
    for address in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254"] {
        let told = get(&mut client, &format!("http://{address}:{port}/")).await;
        assert_eq!(told, "error Denied", "{address}");
    }
    assert!(!upstream.is_asked());

    let named = format!("127.0.0.1:{port}");
    let server = allowing(&["localhost:*", &named], "").run().await;
    let mut client = server.connect("/f").await;
    for host in ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]"] {
        reaches(&mut client, &upstream, &format!("http://{host}:{port}/")).await;
    }
}

#[tokio::test]
async fn a_name_that_nobody_has_is_told() {
    // Longer than any label, so that nobody is asked.
    let name = "x".repeat(64);
    let server = allowing(&["*.invalid"], "").run().await;
    let mut client = server.connect("/f").await;
    let told = get(&mut client, &format!("http://{name}.invalid/")).await;
    assert!(told.starts_with("error Name("), "{told}");
}

#[tokio::test]
async fn who_imports_http_and_names_no_host_is_not_loaded() {
    let server = Start::with(&[("f.wasm", &FETCHES.bytes())]).run().await;
    let line = server.log.message("f.wasm: imports wasi:http, and no host is allowed").await;
    assert!(line.message().contains("allowed-hosts = ["), "{}", line.message());
    let refused = Client::try_connect(&server.url("/f"), &[]).await.err();
    assert_eq!(refused.map(|status| status.as_u16()), Some(500));
}

#[tokio::test]
async fn what_the_policy_does_not_grant_is_not_had() {
    let upstream = Upstream::start().await;
    let folder = TempDir::new().unwrap();
    let granting = |hosts: &str| {
        let path = folder.path().join("socklet.toml");
        let text = format!("[[grants]]\nhandlers = [\"f\"]\nallowed-hosts = {hosts}\n");
        std::fs::write(&path, text).unwrap();
        start(&upstream).arg(format!("--config={}", path.display()))
    };
    for denying in [granting("[]"), granting("[\"*:*\"]"), start(&upstream).arg("--untrusted")] {
        let server = denying.run().await;
        let line = server.log.message("capabilities.allowed-hosts").await;
        assert!(
            line.message().contains("f.toml: line") && line.message().contains("is not granted"),
            "{}",
            line.message()
        );
    }
    let server = granting("[\"127.0.0.0/8:*\"]").run().await;
    let mut client = server.connect("/f").await;
    reaches(&mut client, &upstream, &upstream.url()).await;
}

fn config(identity: &Identity) -> ServerConfig {
    let key = PrivateKeyDer::try_from(identity.signing_key.serialize_der()).unwrap();
    ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.der().clone()], key)
        .unwrap()
}

#[tokio::test]
async fn who_can_t_prove_its_name_is_not_talked_to() {
    let identity = tls::identity();
    let upstream = Upstream::secure(config(&identity)).await;
    let folder = TempDir::new().unwrap();
    tls::write(folder.path(), &identity);
    let port = upstream.port();
    let start = |file: &str| {
        allowing(&["localhost:*", "127.0.0.1:*"], "")
            .env("SSL_CERT_FILE", folder.path().join(file))
            .env("SSL_CERT_DIR", "/nowhere")
    };
    let by_name = format!("https://localhost:{port}/");
    let server = start("cert.pem").run().await;
    let mut client = server.connect("/f").await;
    reaches(&mut client, &upstream, &by_name).await;
    // It is not the one of that name.
    let by_address = format!("https://127.0.0.1:{port}/");
    let refused = async { assert!(upstream.shakes_hands().await.is_err()) };
    let (told, ()) = tokio::join!(get(&mut client, &by_address), refused);
    assert_eq!(told, "error Tls(\"bad certificate\")");

    let stranger = tls::identity();
    tls::write(folder.path(), &stranger);
    let server = start("cert.pem").run().await;
    let mut client = server.connect("/f").await;
    let refused = async { assert!(upstream.shakes_hands().await.is_err()) };
    let (told, ()) = tokio::join!(get(&mut client, &by_name), refused);
    assert_eq!(told, "error Tls(\"bad certificate\")");

    std::fs::write(folder.path().join("empty.pem"), "").unwrap();
    let server = start("empty.pem").run().await;
    let mut client = server.connect("/f").await;
    assert!(get(&mut client, &by_name).await.contains("ConfigurationError"));
    server.log.message("install ca-certificates, or set SSL_CERT_FILE").await;
}
