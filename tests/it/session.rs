//! Tokens: verified by the host, handed on as claims, and seen by nobody else.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::harness::guests::{ANSWERS_A, SHARES, SHOWS_OPENING};
use crate::harness::{Client, LogLine, Operator, Server, Start, http, metrics};

const SECRET: &str = "c29ja2xldCBzb2NrbGV0IHNvY2tsZXQgc29ja2xldCE=";
/// Of RFC 7515, appendix A.3.
const P256: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7
6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
-----END PUBLIC KEY-----
";
const P256_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff
H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp
7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt
-----END PRIVATE KEY-----
";

/// What a secret is replaced by.
const OTHER_SECRET: &str = "b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIhISE=";

const EVERYWHERE: &str = "[{ cookie = 'session' }, 'authorization', { query = 'token' }, \
     { subprotocol = 'bearer.' }]";

/// A server of one handler, whose sessions are these and whose secret is in `CHAT_KEY`.
fn start(session: &str) -> Start {
    let manifest = format!(
        "subprotocols = ['chat']\n[session]\nalgorithm = 'HS256'\nkey-env = 'CHAT_KEY'\n{session}\n"
    );
    serving(&manifest).env("CHAT_KEY", SECRET)
}

fn serving(manifest: &str) -> Start {
    Start::with(&[("chat.wasm", &SHOWS_OPENING.bytes()), ("chat.toml", manifest.as_bytes())])
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn token(claims: &Value) -> String {
    signed(SECRET, claims)
}

fn signed(secret: &str, claims: &Value) -> String {
    let key = EncodingKey::from_base64_secret(secret).unwrap();
    jsonwebtoken::encode(&Header::default(), claims, &key).unwrap()
}

async fn generation(server: &Server, number: u64) {
    let loaded = |line: &LogLine| line.number("generation") == Some(number);
    server.log.wait(&format!("generation {number}"), loaded).await;
}

fn good() -> String {
    token(&json!({ "sub": "ada", "exp": now() + 60 }))
}

async fn bearing(server: &Server, token: &str) -> Result<Client, u16> {
    let headers = [("authorization", &*format!("Bearer {token}"))];
    let connected = Client::try_connect(&server.url("/chat"), &headers).await;
    connected.map_err(|status| status.as_u16())
}

/// Nobody has seen it.
fn is_kept_secret(token: &str, server: &Server) {
    let [_, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let log = server.log.text();
    assert!(!log.contains(claims) && !log.contains(signature), "{log}");
}

fn was_entered(server: &Server) -> bool {
    server.log.lines().iter().any(|line| line.is_guests())
}

#[tokio::test]
async fn claims_are_handed_on_from_every_place_and_the_token_is_not() {
    let server = start(&format!("from = {EVERYWHERE}")).run().await;
    let token = good();
    let cookie = format!("theme=dark; session={token}; lang=en");
    let bearer = format!("Bearer {token}");
    let offers = format!("bearer.{token}, chat");
    let query = format!("/chat?room=1&token={token}&x=%20");
    for (path, name, value, left) in [
        ("/chat", "cookie", &cookie, "cookie: theme=dark; lang=en"),
        ("/chat", "authorization", &bearer, "query None"),
        ("/chat", "sec-websocket-protocol", &offers, "sec-websocket-protocol: chat"),
        (&query, "x-nothing", &"1".to_owned(), "query Some(\"room=1&x=%20\")"),
    ] {
        let connected = Client::try_connect(&server.url(path), &[(name, value)]).await;
        let opening = connected.unwrap_or_else(|_| panic!("{name}")).text().await;
        assert!(opening.contains(r#"claims Some("{\"exp\":"#), "{opening}");
        assert!(opening.contains(r#"\"sub\":\"ada\"}")"#), "{opening}");
        assert!(opening.lines().any(|line| line == left), "{opening}");
        for secret in token.split('.') {
            assert!(!opening.contains(secret), "{opening}");
        }
    }
    is_kept_secret(&token, &server);
}

#[tokio::test]
async fn all_places_are_emptied_whichever_counts() {
    let server = start(&format!("from = {EVERYWHERE}\nrequired = false")).run().await;
    let bad = token(&json!({ "exp": 1 }));
    for first in [good(), bad] {
        let other = good();
        let path = format!("/chat?token={other}");
        let headers = [
            ("cookie", &*format!("session={first}")),
            ("authorization", &*format!("Bearer {other}")),
            ("sec-websocket-protocol", &*format!("chat, bearer.{other}")),
        ];
        let connected = Client::try_connect(&server.url(&path), &headers).await;
        let opening = connected.ok().unwrap().text().await;
        assert_eq!(opening.contains("claims None"), first != other && !opening.contains("ada"));
        assert!(opening.contains("query None"), "{opening}");
        for secret in first.split('.').chain(other.split('.')) {
            assert!(!opening.contains(secret), "{opening}");
        }
        for name in ["cookie:", "authorization:", "bearer."] {
            assert!(!opening.contains(name), "{opening}");
        }
        is_kept_secret(&other, &server);
    }
    server.log.message("opened without a session: the token has expired").await;
}

#[tokio::test]
async fn without_a_good_token_the_answer_is_401_and_the_log_says_why() {
    let session = "from = [{ cookie = 'session' }, 'authorization']\nissuer = 'us'\naudience = 'a'";
    let server = start(session).run().await;
    let claims = json!({ "exp": now() + 60, "iss": "us", "aud": ["a", "b"] });
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        token(&claims)
    };
    let other_key = EncodingKey::from_secret(&[1; 32]);
    let forged = jsonwebtoken::encode(&Header::default(), &claims, &other_key).unwrap();
    let hs512 = Header::new(Algorithm::HS512);
    let ours = EncodingKey::from_base64_secret(SECRET).unwrap();
    let other_algorithm = jsonwebtoken::encode(&hs512, &claims, &ours).unwrap();
    // {"alg":"none"}
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", token(&claims).split('.').nth(1).unwrap());
    for (bad, why) in [
        (with("exp", json!(now() - 60)), "has expired"),
        (with("exp", json!((now() + 60).to_string())), "claim exp is of the wrong type"),
        (with("nbf", json!(now() + 120)), "is not good yet"),
        (with("iss", json!("them")), "of another issuer"),
        (with("aud", json!("c")), "for another audience"),
        (token(&json!({ "iss": "us", "aud": "a" })), "lacks the claim exp"),
        (forged, "signature is not of this key"),
        (other_algorithm, "another algorithm"),
        (unsigned, "no signed JWT"),
        (format!("{}x", "x".repeat(9000)), "longer than 8192 bytes"),
    ] {
        assert_eq!(bearing(&server, &bad).await.err(), Some(401), "{why}");
        let line = server.log.message(why).await;
        assert!(line.message().starts_with("handshake refused: no session: "), "{why}");
        assert!(!server.log.text().contains(&bad), "{why}");
    }
    let cookies = format!("session={}; session={}", token(&claims), token(&claims));
    let twice = Client::try_connect(&server.url("/chat"), &[("cookie", &cookies)]).await;
    assert_eq!(twice.err().unwrap(), 401);
    server.log.message("more than one token").await;
    assert!(!was_entered(&server));
    assert!(bearing(&server, &token(&claims)).await.is_ok());
}

#[tokio::test]
async fn a_401_challenges_and_says_no_more_than_it_has_to() {
    let server = start("from = ['authorization']").run().await;
    let handshake = [
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    let missing = http(server.address, "GET /chat", &handshake).await;
    assert_eq!((missing.status, missing.header("www-authenticate")), (401, Some("Bearer")));
    let expired = format!("Authorization: Bearer {}", token(&json!({ "exp": 1 })));
    let lines: Vec<_> = handshake.into_iter().chain([&*expired]).collect();
    let bad = http(server.address, "GET /chat", &lines).await;
    let challenge = "Bearer error=\"invalid_token\"";
    assert_eq!((bad.status, bad.header("www-authenticate")), (401, Some(challenge)));
    assert!(!bad.body.contains("exp"), "{}", bad.body);
}

#[tokio::test]
async fn where_a_page_has_to_see_it_the_connection_is_opened_and_closed() {
    let server = start("from = [{ subprotocol = 'bearer.' }]\nreject = 'close'")
        .arg("--max-instances=1")
        .arg("--admin=127.0.0.1:0")
        .run()
        .await;
    let offers = format!("chat, bearer.{}", good());
    let headers = [("sec-websocket-protocol", &*offers)];
    let mut only = Client::try_connect(&server.url("/chat"), &headers).await.ok().unwrap();
    only.text().await;
    server.log.wait("the guest's word", LogLine::is_guests).await;
    let expired = format!("chat, bearer.{}", token(&json!({ "exp": 1 })));
    // It takes no instance, of which there is no more.
    for offers in ["chat", &expired] {
        let headers = [("sec-websocket-protocol", offers)];
        let mut client = Client::try_connect(&server.url("/chat"), &headers).await.ok().unwrap();
        client.send("hello?").await;
        let (messages, close) = client.rest().await;
        assert!(messages.is_empty());
        assert_eq!(close.unwrap().0, 1008);
    }
    server.log.message("no session: the token has expired").await;
    assert_eq!(only.ask("still here").await, "still here");
    let lines = server.log.lines();
    assert_eq!(lines.iter().filter(|line| line.is_guests()).count(), 1);
    let counted = metrics(&server).await;
    let closes = "socklet_closes_total{detail=\"no-session\",handler=\"chat\",origin=\"host\"}";
    assert_eq!(counted.get(closes), Some(&2.0), "{counted:?}");
}

#[tokio::test]
async fn where_none_is_required_who_has_none_connects_without_claims() {
    let server = start("from = ['authorization']\nrequired = false").run().await;
    let mut stranger = server.connect("/chat").await;
    assert!(stranger.text().await.contains("claims None"));
    let mut late = bearing(&server, &token(&json!({ "exp": 1 }))).await.ok().unwrap();
    assert!(late.text().await.contains("claims None"));
    let mut known = bearing(&server, &good()).await.ok().unwrap();
    assert!(known.text().await.contains("claims Some("));
}

#[tokio::test]
async fn a_connection_ends_with_its_token_unless_it_may_outlive_it() {
    let session = |outlive: bool| {
        format!(
            "[session]\nalgorithm = 'HS256'\nkey-env = 'CHAT_KEY'\nfrom = ['authorization']\n\
             leeway = '0s'\noutlive = {outlive}\n"
        )
    };
    let (mortal, lasting, guest) = (session(false), session(true), SHOWS_OPENING.bytes());
    let server = Start::with(&[
        ("chat.wasm", &guest),
        ("chat.toml", mortal.as_bytes()),
        ("lasting.wasm", &guest),
        ("lasting.toml", lasting.as_bytes()),
    ])
    .env("CHAT_KEY", SECRET)
    .run()
    .await;
    let exp = now() + 2;
    let bearer = format!("Bearer {}", token(&json!({ "exp": exp })));
    let headers = [("authorization", &*bearer)];
    let mut lasting = Client::try_connect(&server.url("/lasting"), &headers).await.ok().unwrap();
    lasting.text().await;
    let mut mortal = Client::try_connect(&server.url("/chat"), &headers).await.ok().unwrap();
    mortal.text().await;
    assert_eq!(mortal.closed().await, (1008, "the session has expired".to_owned()));
    assert!(now() >= exp);
    server.log.message("closed: Host 1008 \"session-expired\"").await;
    // A shared clock: had it an end, that would have come.
    assert_eq!(lasting.ask("still here").await, "still here");
    assert_eq!(bearing(&server, &token(&json!({ "exp": exp }))).await.err(), Some(401));
}

#[tokio::test]
async fn a_key_file_and_a_set_lie_beside_the_manifest() {
    let set = json!({ "keys": [
        { "kty": "EC", "crv": "P-256", "kid": "k1",
          "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
          "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" },
        { "kty": "oct", "kid": "k2", "k": SECRET.trim_end_matches('=') },
    ]});
    let pem =
        "[session]\nalgorithm = 'ES256'\nkey-file = 'keys/p256.pem'\nfrom = ['authorization']";
    let jwks = "[session]\nalgorithm = ['ES256', 'HS256']\njwks-file = 'keys/set.json'\n\
                from = ['authorization']";
    let guest = SHOWS_OPENING.bytes();
    let server = Start::with(&[
        ("chat.wasm", &guest[..]),
        ("chat.toml", pem.as_bytes()),
        ("set.wasm", &guest[..]),
        ("set.toml", jwks.as_bytes()),
        ("keys/p256.pem", P256.as_bytes()),
        ("keys/set.json", set.to_string().as_bytes()),
    ])
    .run()
    .await;
    let es256 = EncodingKey::from_ec_pem(P256_PRIVATE.as_bytes()).unwrap();
    let hs256 = EncodingKey::from_base64_secret(SECRET).unwrap();
    let sign = |algorithm, kid: &str, key: &EncodingKey| {
        let mut header = Header::new(algorithm);
        header.kid = Some(kid.to_owned());
        let claims = json!({ "exp": now() + 60 });
        format!("Bearer {}", jsonwebtoken::encode(&header, &claims, key).unwrap())
    };
    // What everybody can read must not pass for a secret.
    let public = EncodingKey::from_secret(P256.as_bytes());
    for (path, token, expected) in [
        ("/chat", sign(Algorithm::ES256, "any", &es256), 101),
        ("/chat", sign(Algorithm::HS256, "any", &public), 401),
        ("/chat", sign(Algorithm::HS256, "any", &hs256), 401),
        ("/set", sign(Algorithm::ES256, "k1", &es256), 101),
        ("/set", sign(Algorithm::HS256, "k2", &hs256), 101),
        ("/set", sign(Algorithm::HS256, "k1", &hs256), 401),
        ("/set", sign(Algorithm::ES256, "k3", &es256), 401),
        ("/set", sign(Algorithm::HS256, "k2", &public), 401),
    ] {
        let headers = [("authorization", &*token)];
        let connected = Client::try_connect(&server.url(path), &headers).await;
        let status = connected.err().map_or(101, |status| status.as_u16());
        assert_eq!(status, expected, "{path} {token}");
    }
}

#[tokio::test]
async fn a_key_that_will_not_do_is_told_and_not_quoted() {
    let es256 = "[session]\nalgorithm = 'ES256'\nkey-file = 'p256.pem'\nfrom = ['authorization']";
    let server = Start::with(&[
        ("chat.wasm", &SHOWS_OPENING.bytes()),
        ("chat.toml", es256.as_bytes()),
        ("p256.pem", P256_PRIVATE.as_bytes()),
    ])
    .run()
    .await;
    let line = server.log.message("session.key-file").await;
    let said = line.message();
    assert!(
        said.contains("chat.toml: line 3: session.key-file names a file that is a private"),
        "{said}"
    );
    assert!(!server.log.text().contains("MIGHAgEAMBM"));
    let refused = Client::try_connect(&server.url("/chat"), &[]).await;
    assert_eq!(refused.err().unwrap(), 500);

    let server = start("from = ['authorization']").env("CHAT_KEY", "c2hvcnQ=").run().await;
    let line = server.log.message("session.key-env").await;
    assert!(line.message().contains("names a variable that is a secret of 5 bytes"));
    let server = start("from = ['autorization']").run().await;
    server.log.message("chat.toml: line 5: session.from must be one of").await;
}

#[tokio::test]
async fn a_swap_that_would_lose_the_session_is_refused() {
    let server = start("from = ['authorization']").run().await;
    server.put("chat.toml", b"subprotocols = ['chat']");
    let line = server.log.message("no session any more").await;
    assert!(line.message().contains("generation 1 serves on"), "{}", line.message());
    let refused = Client::try_connect(&server.url("/chat"), &[]).await;
    assert_eq!(refused.err().unwrap(), 401);
    assert!(bearing(&server, &good()).await.is_ok());
}

#[tokio::test]
async fn who_joins_after_a_swap_is_verified_by_the_new_key() {
    let server = start("from = ['authorization']").run().await;
    assert!(bearing(&server, &good()).await.is_ok());
    let manifest =
        "[session]\nalgorithm = 'ES256'\nkey-file = 'p256.pem'\nfrom = ['authorization']";
    server.put("p256.pem", P256.as_bytes());
    server.put("chat.toml", manifest.as_bytes());
    server.log.wait("generation 2", |line| line.number("generation") == Some(2)).await;
    assert_eq!(bearing(&server, &good()).await.err(), Some(401));
}

fn rotated() -> String {
    signed(OTHER_SECRET, &json!({ "sub": "ada", "exp": now() + 60 }))
}

#[tokio::test]
async fn a_key_that_is_replaced_in_its_file_is_good_no_more() {
    let set = |secret: &str| {
        let key = secret.trim_end_matches('=');
        json!({ "keys": [{ "kty": "oct", "kid": "k", "k": key }] }).to_string()
    };
    for (key, content, other) in [
        ("key-file", SECRET.to_owned(), OTHER_SECRET.to_owned()),
        ("jwks-file", set(SECRET), set(OTHER_SECRET)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, content).unwrap();
        let manifest =
            format!("[session]\nalgorithm = 'HS256'\n{key} = {file:?}\nfrom = ['authorization']\n");
        let server = serving(&manifest).run().await;
        let mut open = bearing(&server, &good()).await.ok().unwrap();
        open.text().await;
        assert_eq!(bearing(&server, &rotated()).await.err(), Some(401));
        std::fs::write(&file, other).unwrap();
        generation(&server, 2).await;
        assert_eq!(bearing(&server, &good()).await.err(), Some(401), "{key}");
        assert!(bearing(&server, &rotated()).await.is_ok(), "{key}");
        assert_eq!(open.ask("still here").await, "still here");
        // Where the key is the same, a touch changes nothing.
        server.put("chat.toml", manifest.as_bytes());
        server.put("other.wasm", &SHOWS_OPENING.bytes());
        server.log.message("other.wasm: serves").await;
        let third = server.log.lines().iter().any(|line| line.number("generation") == Some(3));
        assert!(!third, "{key}");
    }
}

/// A JWK set of secrets, each named by a number.
fn set_of(secrets: &[(u32, &str)]) -> Vec<u8> {
    let keys = secrets.iter().map(|(kid, secret)| {
        json!({ "kty": "oct", "kid": kid.to_string(), "k": secret.trim_end_matches('=') })
    });
    json!({ "keys": keys.collect::<Vec<_>>() }).to_string().into_bytes()
}

#[tokio::test]
async fn keys_of_a_set_rotate_under_a_live_server() {
    let manifest = "swap = 'drain'\n[session]\nalgorithm = 'HS256'\njwks-file = 'keys/set.json'\n\
                    from = ['authorization']\n";
    let server = Start::with(&[
        ("chat.wasm", &SHOWS_OPENING.bytes()),
        ("chat.toml", manifest.as_bytes()),
        ("keys/set.json", &set_of(&[(1, SECRET)])),
    ])
    .arg("--admin=127.0.0.1:0")
    .run()
    .await;
    let operator = Operator::of(&server).await;
    let of = |kid: u32, secret: &str| {
        let header = Header { kid: Some(kid.to_string()), ..Header::default() };
        let key = EncodingKey::from_base64_secret(secret).unwrap();
        let claims = json!({ "sub": "ada", "exp": now() + 60 });
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    };
    let (old, new) = (of(1, SECRET), of(2, OTHER_SECRET));
    let mut live = Vec::new();
    live.push(bearing(&server, &old).await.ok().unwrap());
    assert_eq!(bearing(&server, &new).await.err(), Some(401));

    server.put("keys/set.json", &set_of(&[(1, SECRET), (2, OTHER_SECRET)]));
    generation(&server, 2).await;
    live.push(bearing(&server, &old).await.ok().unwrap());
    live.push(bearing(&server, &new).await.ok().unwrap());

    // A file that will not do changes nothing but the log and the status.
    let broken = b"{\"keys\": [";
    server.put("keys/set.json", broken);
    let said = "chat.toml: line 4: session.jwks-file names a file that is not a JWK set";
    let line = server.log.message(said).await;
    assert!(line.message().contains("generation 2 serves on"), "{}", line.message());
    let status = operator.handler("chat").await;
    assert!(status["complaint"].as_str().unwrap().contains("session.jwks-file"), "{status}");
    live.push(bearing(&server, &old).await.ok().unwrap());
    std::fs::remove_file(server.file("keys/set.json")).unwrap();
    server.log.message("session.jwks-file names a file that can't be read").await;
    live.push(bearing(&server, &new).await.ok().unwrap());

    server.put("keys/set.json", &set_of(&[(2, OTHER_SECRET)]));
    generation(&server, 3).await;
    assert_eq!(operator.handler("chat").await["complaint"], Value::Null);
    assert_eq!(bearing(&server, &old).await.err(), Some(401));
    live.push(bearing(&server, &new).await.ok().unwrap());
    for client in &mut live {
        client.text().await;
        assert_eq!(client.ask("still here").await, "still here");
    }
    // The same keys in another file are no news.
    server.put("keys/set.json", &set_of(&[(2, OTHER_SECRET)]));
    server.put("other.wasm", &SHOWS_OPENING.bytes());
    server.log.message("other.wasm: serves").await;
    assert!(!server.log.lines().iter().any(|line| line.number("generation") == Some(4)));
}

#[tokio::test]
async fn what_was_rolled_back_to_gets_its_keys_and_stays() {
    let manifest = "[session]\nalgorithm = 'HS256'\nkey-file = 'key'\nfrom = ['authorization']\n";
    let server = serving(manifest)
        .prepare(|folder| std::fs::write(folder.join("key"), SECRET).unwrap())
        .arg("--admin=127.0.0.1:0")
        .run()
        .await;
    let operator = Operator::of(&server).await;
    server.put("chat.wasm", &ANSWERS_A.bytes());
    generation(&server, 2).await;
    assert_eq!(operator.ask("POST /handlers/chat/rollback").await.0, 200);
    server.put("key", OTHER_SECRET.as_bytes());
    generation(&server, 4).await;
    assert_eq!(bearing(&server, &good()).await.err(), Some(401));
    let opening = bearing(&server, &rotated()).await.ok().unwrap().text().await;
    assert!(opening.contains("ada"), "{opening}");
    let status = operator.handler("chat").await;
    assert_eq!((&status["rolled_back_to"], &status["previous"]), (&json!(1), &json!(2)));
    // Nor does a new key take away what a rollback would bring back.
    assert_eq!(operator.ask("POST /handlers/chat/rollback").await.1["rolled_back_to"], 2);
    assert_eq!(bearing(&server, &rotated()).await.ok().unwrap().ask("x").await, "a:x");
}

#[tokio::test]
async fn a_handler_that_lacked_its_key_is_served_once_that_is_there() {
    let server =
        serving("[session]\nalgorithm = 'HS256'\nkey-file = 'key'\nfrom = ['authorization']")
            .run()
            .await;
    server.log.message("line 3: session.key-file names a file that can't be read").await;
    server.put("key", SECRET.as_bytes());
    generation(&server, 1).await;
    assert!(bearing(&server, &good()).await.is_ok());
}

#[tokio::test]
async fn a_rollback_does_not_bring_back_a_key_that_was_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, SECRET).unwrap();
    let manifest =
        format!("[session]\nalgorithm = 'HS256'\nkey-file = {file:?}\nfrom = ['authorization']\n");
    let server = serving(&manifest).arg("--admin=127.0.0.1:0").run().await;
    let operator = Operator::of(&server).await;
    assert!(bearing(&server, &good()).await.is_ok());
    std::fs::write(&file, OTHER_SECRET).unwrap();
    server.put("chat.wasm", &ANSWERS_A.bytes());
    generation(&server, 2).await;
    assert_eq!(bearing(&server, &good()).await.err(), Some(401));

    let (status, done) = operator.ask("POST /handlers/chat/rollback").await;
    assert_eq!((status, &done["rolled_back_to"]), (200, &json!(1)));
    assert_eq!(bearing(&server, &good()).await.err(), Some(401));
    let mut client = bearing(&server, &rotated()).await.ok().unwrap();
    assert!(client.text().await.contains("ada"));

    std::fs::write(&file, "c2hvcnQ=").unwrap();
    let (status, problem) = operator.ask("POST /handlers/chat/rollback").await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("session.key-file"), "{problem}");
    assert!(bearing(&server, &rotated()).await.is_ok());
}

#[tokio::test]
async fn a_rollback_after_a_key_was_replaced_goes_back_to_the_older_route() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, SECRET).unwrap();
    let session =
        format!("[session]\nalgorithm = 'HS256'\nkey-file = {file:?}\nfrom = ['authorization']\n");
    let server = serving(&session).arg("--admin=127.0.0.1:0").run().await;
    let operator = Operator::of(&server).await;
    server.put("chat.toml", format!("route = '/moved'\n{session}").as_bytes());
    generation(&server, 2).await;
    std::fs::write(&file, OTHER_SECRET).unwrap();
    generation(&server, 3).await;
    let (status, done) = operator.ask("POST /handlers/chat/rollback").await;
    assert_eq!((status, &done["rolled_back_to"]), (200, &json!(1)));
    assert!(bearing(&server, &rotated()).await.is_ok());
    let moved = Client::try_connect(&server.url("/moved"), &[]).await;
    assert_eq!(moved.err().unwrap(), 404);
}

#[tokio::test]
async fn nobody_joins_a_room_that_drains_by_terms_that_hold_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, SECRET).unwrap();
    let open = "scope = 'path'\nswap = 'drain'\n";
    let guarded = format!(
        "{open}[session]\nalgorithm = 'HS256'\nkey-file = {file:?}\nfrom = ['authorization']\n"
    );
    let files = [("chat.wasm", &SHARES.bytes()[..]), ("chat.toml", open.as_bytes())];
    let server = Start::with(&files).run().await;
    let mut first = server.connect("/chat").await;
    assert_eq!(first.ask("here").await, "1");
    server.put("chat.toml", guarded.as_bytes());
    generation(&server, 2).await;
    let stranger = Client::try_connect(&server.url("/chat"), &[]).await;
    assert_eq!(stranger.err().unwrap(), 401);
    let mut second = bearing(&server, &good()).await.ok().unwrap();
    assert_eq!(second.ask("here").await, "1");
    // A key that has leaked opens no room either.
    std::fs::write(&file, OTHER_SECRET).unwrap();
    server.put("chat.toml", guarded.as_bytes());
    generation(&server, 3).await;
    assert_eq!(bearing(&server, &good()).await.err(), Some(401));
    let mut third = bearing(&server, &rotated()).await.ok().unwrap();
    assert_eq!(third.ask("here").await, "1");
    for old in [&mut first, &mut second] {
        assert_eq!(old.ask("still here").await, "still here");
    }
}

#[tokio::test]
async fn a_policy_that_denies_has_to_grant_the_key() {
    let manifest =
        |key: &str| format!("[session]\nalgorithm = 'HS256'\n{key}\nfrom = ['authorization']");
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(outside.path(), SECRET).unwrap();
    for (key, why) in [
        ("key-env = 'CHAT_KEY'".to_owned(), "session.key-env is not granted"),
        (format!("key-file = {:?}", outside.path()), "lies outside the manifest's folder"),
    ] {
        let server = serving(&manifest(&key)).env("CHAT_KEY", SECRET).arg("--untrusted");
        server.run().await.log.message(why).await;
    }
    let server = serving(&manifest("key-file = 'key'"))
        .prepare(|folder| std::fs::write(folder.join("key"), SECRET).unwrap())
        .arg("--untrusted")
        .run()
        .await;
    // It is verified before it is hidden.
    assert!(bearing(&server, &good()).await.ok().unwrap().text().await.contains("ada"));
}

/// What docs/sessions.md teaches.
#[tokio::test]
async fn the_documented_tokens_are_good_for_the_documented_manifest() {
    let page = include_str!("../../docs/sessions.md");
    let server = serving(snippet(page, "toml")).env("CHAT_KEY", SECRET).run().await;
    for (language, command, argument) in
        [("python", "python3", "-c"), ("javascript", "node", "-e"), ("sh", "sh", "-c")]
    {
        let output = Command::new(command)
            .args([argument, snippet(page, language)])
            .env("CHAT_KEY", SECRET)
            .output()
            .await
            .unwrap_or_else(|error| panic!("{command}: {error}: install it"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let token = String::from_utf8(output.stdout).unwrap();
        let connected = bearing(&server, token.trim()).await;
        let opening = connected.unwrap_or_else(|_| panic!("{language}: {token}")).text().await;
        assert!(opening.contains(r#"\"sub\":\"ada\""#), "{opening}");
    }
}

/// The first block of a language.
fn snippet<'a>(page: &'a str, language: &str) -> &'a str {
    let start = page.split_once(&format!("```{language}\n")).unwrap().1;
    start.split_once("```").unwrap().0
}
