//! Which browsers may connect, and which get the test page.

use crate::harness::{Client, Start, http};

#[tokio::test]
async fn a_foreign_origin_is_403_and_the_log_says_what_to_set() {
    let server = Start::embedded().run().await;
    let origin = [("origin", "https://evil.example")];
    assert_eq!(Client::try_connect(&server.url("/echo"), &origin).await.err().unwrap(), 403);
    let line = server.log.message("--allow-origin https://evil.example").await;
    assert!(line.message().contains(&format!("{:?}", server.address.to_string())));
}

#[tokio::test]
async fn an_allowed_origin_and_the_servers_own_pass() {
    let server = Start::embedded().arg("--allow-origin=https://app.example").run().await;
    let own = format!("http://{}", server.address);
    for origin in ["https://app.example", &own] {
        let connected = Client::try_connect(&server.url("/echo"), &[("origin", origin)]).await;
        assert!(connected.is_ok(), "{origin}");
    }
    let null = Client::try_connect(&server.url("/echo"), &[("origin", "null")]).await;
    assert_eq!(null.err().unwrap(), 403);
}

#[tokio::test]
async fn a_rebound_name_is_not_the_same_origin() {
    let server = Start::embedded().run().await;
    let headers = [
        "Host: rebound.example",
        "Origin: http://rebound.example",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    assert_eq!(http(server.address, "GET /echo", &headers).await.status, 403);
    server.log.message("--host rebound.example").await;
    let page = http(server.address, "GET /", &["Host: rebound.example", "Accept: text/html"]).await;
    assert_eq!(page.status, 403);
}

#[tokio::test]
async fn a_browser_gets_the_test_page_with_the_routes() {
    let server = Start::embedded().run().await;
    let browser = ["Host: localhost", "Accept: text/html,application/xhtml+xml;q=0.9"];
    for path in ["GET /", "GET /hello", "GET /hello?name=x"] {
        let page = http(server.address, path, &browser).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
        assert!(page.body.contains(r#"["/echo","/goodbye","/hello","/whoami"]"#));
    }
    assert_eq!(http(server.address, "GET /nothing", &browser).await.status, 404);
}

#[tokio::test]
async fn the_test_page_is_not_for_those_behind_a_proxy() {
    let server = Start::embedded().run().await;
    for sign in ["X-Forwarded-For: 203.0.113.7", "Forwarded: for=203.0.113.7", "Via: 1.1 proxy"] {
        let headers = ["Host: localhost", "Accept: text/html", sign];
        assert_eq!(http(server.address, "GET /", &headers).await.status, 404, "{sign}");
        assert_eq!(http(server.address, "GET /echo", &headers).await.status, 426, "{sign}");
    }
}

#[tokio::test]
async fn the_test_page_can_be_turned_off() {
    let server = Start::embedded().arg("--test-page=false").run().await;
    let browser = ["Host: localhost", "Accept: text/html"];
    assert_eq!(http(server.address, "GET /hello", &browser).await.status, 426);
    assert_eq!(http(server.address, "GET /", &browser).await.status, 404);
    assert!(!server.stdout().contains("http://"));
}
