//! The token: where it comes from, and what goes without it.

use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{Operator, Start, http, http_bytes, run, token_file};

#[tokio::test]
async fn all_but_health_metrics_and_the_description_asks_for_the_token() {
    let server = Start::embedded().arg("--admin=127.0.0.1:0").run().await;
    let operator = Operator::of(&server).await;
    let wrong = format!("Authorization: Bearer {}x", &operator.token[1..]);
    let token = &operator.token;
    for (path, item) in operator.document["paths"].as_object().unwrap() {
        let path = path.replace("{name}", "echo").replace("{id}", "1").replace("{topic}", "x");
        for (method, operation) in item.as_object().unwrap() {
            if method == "parameters" {
                continue;
            }
            let request = format!("{} {path}", method.to_uppercase());
            let open = operation["security"].is_array();
            let shown: [&[&str]; 5] = [
                &[],
                &[&wrong],
                &["Authorization: Bearer"],
                &[&format!("Authorization: Basic {token}")],
                &[&wrong, &format!("Authorization: Bearer {token}")],
            ];
            for headers in shown {
                let response = operator.try_send(&request, headers, b"").await;
                assert_eq!(response.status == 401, !open, "{request} with {headers:?}");
                let challenge = response.header("www-authenticate").unwrap_or("Bearer");
                assert!(challenge.starts_with("Bearer"), "{challenge}");
            }
            // A page that knows the token is still a page.
            let page = ["Origin: http://localhost", &format!("Authorization: Bearer {token}")];
            assert_eq!(operator.try_send(&request, &page, b"").await.status, 403, "{request}");
            // What is not there is told to those only who have it.
            let nowhere = format!("{request}/nowhere/at/all");
            assert_eq!(operator.try_send(&nowhere, &[], b"").await.status, 401);
            assert_eq!(operator.ask(&nowhere).await.0, 404);
        }
        let (status, _) = operator.ask(&format!("PATCH {path}")).await;
        assert_eq!(status, 405, "{path}");
    }
    let authorized = [&*format!("authorization: bearer   {token}"), "Host: localhost"];
    let response = http(operator.admin, "HEAD /handlers", &authorized).await;
    assert_eq!((response.status, &*response.body), (200, ""));
    let response = http(operator.admin, "PUT /connections/1", &authorized).await;
    assert_eq!(response.header("allow"), Some("POST, DELETE"));
    server.log.message("has shown a wrong token").await;
    assert!(!server.log.text().contains(token));
}

#[tokio::test]
async fn a_token_is_made_at_the_first_start_and_kept() {
    let folder = tempfile::TempDir::new().unwrap();
    let start = || Start::embedded().cache(folder.path()).arg("--admin=127.0.0.1:0");
    let server = start().run().await;
    let file = token_file(&server).await;
    assert!(file.starts_with(folder.path().canonicalize().unwrap()), "{}", file.display());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let first = Operator::of(&server).await;
    assert_eq!(first.token.len(), 64);
    drop(server);
    let server = start().run().await;
    let second = Operator::of(&server).await;
    assert_eq!(second.token, first.token);
    assert_eq!(second.ask("GET /handlers").await.0, 200);
}

#[tokio::test]
async fn a_token_that_others_can_read_is_no_token() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "a secret of some length\n").unwrap();
    let start = || {
        let file = format!("--admin-token-file={}", file.display());
        Start::embedded().arg("--admin=127.0.0.1:0").arg(file)
    };
    let set_mode = |mode| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set_mode(0o644);
    let (status, stderr) = start().fail().await;
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("--admin-token-file") && stderr.contains("chmod 600"), "{stderr}");
    set_mode(0o600);
    let (status, stderr) = start().fail().await;
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("one word"), "{stderr}");
    std::fs::write(&file, "a-secret-of-some-length\n").unwrap();
    let server = start().run().await;
    let operator = Operator::of(&server).await;
    assert_eq!(operator.token, "a-secret-of-some-length");
    assert_eq!(operator.ask("GET /handlers").await.0, 200);
}

#[tokio::test]
async fn a_token_without_a_listener_is_a_mistake() {
    let (status, _, stderr) = run(&["serve", "--admin-token-file=x"]).await;
    assert_eq!(status.code(), Some(2));
    assert!(stderr.contains("--admin"), "{stderr}");
}

#[tokio::test]
async fn nothing_is_read_of_whoever_has_no_token() {
    let server = Start::embedded().arg("--admin=127.0.0.1:0").run().await;
    let admin = server.admin().await;
    // What is announced never comes: the answer does.
    let request =
        b"POST /connections/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx";
    assert_eq!(http_bytes(admin, request).await.status, 401);
}
