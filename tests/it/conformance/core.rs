//! What a handler is told of its connection, and what it writes and logs.

use super::stage::{Manifest, Peer, Stage, Unknown};

super::cases! {
    super::PATIENCE,
    path = "path",
    query = "query",
    header = "header",
    cookie = "cookie",
    parameter = "parameter",
    address = "address",
    subprotocol = "subprotocol",
    capture = "capture",
    claims = "claims",
    id = "id",
    count = "count",
    apart = "connections apart",
    write = "write",
    buffered = "buffered",
    too_large = "too large",
    stranger = "stranger",
    log = "log",
    print = "print",
    other_commands = "other commands",
}

async fn path(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    Peer::of(&server, "/c/a%20b?c").await.tell("/path", "/c/a b").await
}

async fn query(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    Peer::of(&server, "/c/x?a=%C3%A9+b&c").await.tell("/query", "a=%C3%A9+b&c").await?;
    Peer::of(&server, "/c/x").await.tell("/query", "none").await?;
    // A query that is empty is one.
    Peer::of(&server, "/c/x?").await.tell("/query", "").await
}

async fn header(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let headers = [("x-one", "é 1"), ("x-many", "a"), ("x-other", "c"), ("x-many", "b, b")];
    let mut peer = Peer::with(&server, "/c/x", &headers).await;
    peer.tell("/header x-one", "é 1").await?;
    peer.tell("/header X-One", "é 1").await?;
    peer.tell("/header x-many", "a|b, b").await?;
    peer.tell("/header x-none", "none").await
}

async fn cookie(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let headers = [("cookie", "a=1; theme=dark=blue"), ("cookie", "b=%20")];
    let mut peer = Peer::with(&server, "/c/x", &headers).await;
    peer.tell("/cookie a", "1").await?;
    peer.tell("/cookie theme", "dark=blue").await?;
    peer.tell("/cookie b", "%20").await?;
    peer.tell("/cookie B", "none").await
}

async fn parameter(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x?a=caf%C3%A9+au+lait&b=1&b=2&c&%64=100%&f=%ff%41").await;
    peer.tell("/parameter a", "café au lait").await?;
    peer.tell("/parameter b", "1").await?;
    peer.tell("/parameter c", "").await?;
    peer.tell("/parameter d", "100%").await?;
    peer.tell("/parameter e", "none").await?;
    // What a peer sends need not be text.
    peer.tell("/parameter f", "\u{FFFD}A").await
}

async fn address(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let address = Peer::of(&server, "/c/x").await.ask("/address").await?;
    let port = address.strip_prefix("127.0.0.1:").and_then(|port| port.parse::<u16>().ok());
    assert!(port.is_some_and(|port| port > 0), "{address}");
    Ok(())
}

async fn subprotocol(stage: &Stage) -> Result<(), Unknown> {
    let manifest = Manifest { top: "subprotocols = ['v2', 'v1']", ..Manifest::default() };
    let server = stage.serve_with(&manifest).await;
    let offer = [("sec-websocket-protocol", "v1, v2")];
    Peer::with(&server, "/c/x", &offer).await.tell("/subprotocol", "v2").await?;
    Peer::of(&server, "/c/x").await.tell("/subprotocol", "none").await
}

async fn capture(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/caf%C3%A9%2520").await;
    peer.tell("/capture name", "café%20").await?;
    peer.tell("/capture other", "none").await
}

async fn claims(stage: &Stage) -> Result<(), Unknown> {
    const SECRET: &str = "c29ja2xldCBzb2NrbGV0IHNvY2tsZXQgc29ja2xldCE=";
    let tables = "[session]\nalgorithm = 'HS256'\nkey-env = 'CONFORMANCE_KEY'\nrequired = false\n\
                  require-exp = false\nfrom = [{ query = 'token' }]";
    let start = stage.start(&Manifest { tables, ..Manifest::default() });
    let server = start.env("CONFORMANCE_KEY", SECRET).run().await;
    let key = jsonwebtoken::EncodingKey::from_base64_secret(SECRET).unwrap();
    let claims = serde_json::json!({ "sub": "ada", "roles": ["admin"] });
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    let mut peer = Peer::of(&server, &format!("/c/x?token={token}")).await;
    let got: serde_json::Value = serde_json::from_str(&peer.ask("/claims").await?).unwrap();
    assert_eq!(got, claims);
    Peer::of(&server, "/c/x").await.tell("/claims", "none").await
}

async fn id(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    let id = peer.id().await?;
    peer.tell("/log info here", "logged").await?;
    let line = server.log.wait("here", |line| line.message() == "here").await;
    assert_eq!(line.number("connection"), Some(id));
    assert_ne!(Peer::of(&server, "/c/x").await.id().await?, id);
    Ok(())
}

async fn count(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.tell("/count", "1").await?;
    peer.tell("two", "two").await?;
    peer.send(vec![3]).await;
    peer.binary().await?;
    peer.tell("/count", "4").await
}

async fn apart(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let (mut one, mut two) = (Peer::of(&server, "/c/1").await, Peer::of(&server, "/c/2").await);
    for count in 1..=5 {
        one.tell("/count", &count.to_string()).await?;
    }
    two.tell("/count", "1").await?;
    two.tell("/path", "/c/2").await?;
    one.tell("/path", "/c/1").await
}

async fn write(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    for (count, size) in [(3, 5), (300, 2), (0, 9), (2, 0), (10, 90_000)] {
        peer.send(format!("/write {count} {size}")).await;
        for number in 0..count {
            assert!(peer.binary().await? == vec![number as u8; size], "{number} of {count}");
        }
        assert_eq!(peer.text().await?, "written");
    }
    Ok(())
}

async fn buffered(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    // With the header of its frame, unless it has left by then: a long event is
    // interrupted, and what is queued leaves.
    for _ in 0..100 {
        peer.send("/buffered").await;
        assert_eq!(peer.binary().await?, vec![0; 1000]);
        match &*peer.text().await? {
            "buffered 0 1004" => return Ok(()),
            "buffered 0 0" => {}
            other => panic!("{other}"),
        }
    }
    panic!("nothing has ever been buffered");
}

async fn too_large(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.tell("/too-large", "too-large").await?;
    peer.tell("on", "on").await
}

async fn stranger(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    peer.tell("/stranger", "write closed close closed buffered 0").await?;
    peer.tell("on", "on").await
}

async fn log(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    for level in ["trace", "debug", "info", "warn", "error"] {
        let text = format!("é  at {level}: %s {{}} ");
        peer.tell(&format!("/log {level} {text}"), "logged").await?;
        let line = server.log.wait(&text, |line| line.message() == text).await;
        assert!(line.is_guests());
        assert_eq!(line.level().to_lowercase(), level);
    }
    Ok(())
}

async fn print(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    let id = peer.id().await?;
    peer.tell("/print on paper,  é %d", "printed").await?;
    // Logged by the time that a later line is.
    peer.tell("/log info then", "logged").await?;
    server.log.message("then").await;
    assert_eq!(server.log.said_by(id), ["on paper,  é %d", "then"]);
    Ok(())
}

async fn other_commands(stage: &Stage) -> Result<(), Unknown> {
    let server = stage.serve().await;
    let mut peer = Peer::of(&server, "/c/x").await;
    for command in ["/", "/nonsense", "/pathological", "/no such thing"] {
        assert_eq!(peer.client.ask(command).await, "unknown", "{command}");
    }
    Ok(())
}
