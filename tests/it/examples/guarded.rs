//! The guarded handler, with tokens and without.

use std::time::{Duration, SystemTime};

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::http::StatusCode;

use super::start_of;
use crate::harness::{Client, Server, http};

/// The key in base64, as its variable has it, and in bytes.
const KEY: (&str, &[u8]) =
    ("YW4gZXhhbXBsZSdzIGtleSwga25vd24gdG8gZXZlcnlvbmU=", b"an example's key, known to everyone");

async fn server() -> Server {
    start_of("guarded").env("GUARDED_KEY", KEY.0).run().await
}

fn token(key: &[u8], claims: &Value) -> String {
    let mut all = json!({ "aud": "guarded", "exp": in_a_while(Duration::from_secs(600)) });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    encode(&Header::default(), &all, &EncodingKey::from_secret(key)).unwrap()
}

fn in_a_while(time: Duration) -> u64 {
    (SystemTime::now() + time).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

async fn connect(server: &Server, token: &str) -> Result<Client, StatusCode> {
    let cookie = format!("theme=dark; session={token}");
    Client::try_connect(&server.url("/guarded/blue"), &[("cookie", &cookie)]).await
}

#[tokio::test]
async fn a_member_of_the_team_is_told_who_they_are() {
    let server = server().await;
    let token = token(KEY.1, &json!({ "sub": "Ada", "team": "blue" }));
    let by_query = server.url(&format!("/guarded/blue?token={token}"));
    for mut client in [connect(&server, &token).await.unwrap(), Client::connect(&by_query).await] {
        assert_eq!(client.text().await, "Welcome, Ada!");
        let claims: Value = serde_json::from_str(&client.text().await).unwrap();
        assert_eq!((&claims["sub"], &claims["team"]), (&json!("Ada"), &json!("blue")));
        assert_eq!(client.ask("hello").await, "Ada said hello");
    }
}

#[tokio::test]
async fn without_a_good_token_no_one_comes_as_far_as_the_gate() {
    let server = server().await;
    let ada = json!({ "sub": "Ada", "team": "blue" });
    let expired = in_a_while(Duration::ZERO) - 600;
    for bad in [
        String::new(),
        "nonsense".to_owned(),
        token(&[b'x'; 32], &ada),
        token(KEY.1, &json!({ "sub": "Ada", "team": "blue", "exp": expired })),
        token(KEY.1, &json!({ "sub": "Ada", "team": "blue", "aud": "another" })),
    ] {
        let status = connect(&server, &bad).await.err();
        assert_eq!(status, Some(StatusCode::UNAUTHORIZED), "{bad}");
    }
    assert!(Client::try_connect(&server.url("/guarded/blue"), &[]).await.is_err());
}

#[tokio::test]
async fn the_gate_tells_the_others_why_they_stay_outside() {
    let server = server().await;
    for (claims, reason) in [
        (json!({ "sub": "Bob", "team": "red" }), "this is another team's"),
        (json!({ "sub": "Bob" }), "the token names no subject or no team"),
    ] {
        let bearer = format!("Authorization: Bearer {}", token(KEY.1, &claims));
        let response = http(
            server.address,
            "GET /guarded/blue",
            &[
                "Host: localhost",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
                &bearer,
            ],
        )
        .await;
        assert_eq!((response.status, &*response.body), (403, reason));
    }
}
