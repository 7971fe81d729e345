//! What the cases have before them: servers of a language's two components, and peers.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::Language;
use crate::harness::{Client, Server, Start, metrics};

/// It answered that it does not know what it was asked for.
#[derive(Debug)]
pub(super) struct Unknown;

pub(super) struct Stage {
    pub(super) language: &'static Language,
    component: Vec<u8>,
    room: Option<Vec<u8>>,
}

/// Where the components are built to.
pub(super) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/guests/conformance")
}

pub(super) fn component(language: &str) -> PathBuf {
    folder().join(format!("conformance-{language}.wasm"))
}

/// What a server's manifest says beside its route.
#[derive(Clone, Default)]
pub(super) struct Manifest {
    pub(super) top: &'static str,
    pub(super) tables: &'static str,
    /// `ADDRESS:PORT` of an upstream. None that could be reached where it is empty.
    pub(super) upstream: String,
}

impl Manifest {
    fn text(&self, route: &str, edition: u32) -> Vec<u8> {
        let Self { top, tables, upstream } = self;
        let upstream = if upstream.is_empty() { "127.0.0.1:1" } else { upstream };
        format!(
            "route = '{route}'\n{top}\n[env]\nEDITION = '{edition}'\nGREETING = 'Hello, Ada!'\n\
             [capabilities]\nallowed-hosts = ['{upstream}']\n{tables}\n"
        )
        .into_bytes()
    }
}

impl Stage {
    /// None where its component is not there.
    pub(super) fn of(language: &'static Language) -> Option<Self> {
        let room = std::fs::read(component(&format!("room-{}", language.name)));
        let component = std::fs::read(component(language.name)).ok()?;
        Some(Self { language, component, room: room.ok() })
    }

    /// Has both compiled, which is not the first cases' to wait for: for a component with
    /// an interpreter inside it takes a minute on a busy machine.
    pub(super) async fn compile(&self) {
        let manifest = Manifest::default();
        let one = Some(self.start(&manifest));
        let room = self.room.as_ref().map(|room| start(room, &ROOM.text(ROOM_ROUTE, 1)));
        for start in [one, room].into_iter().flatten() {
            let server = start.run_unready().await;
            let ready = async {
                while !server.log.lines().iter().any(|line| line.message() == "ready") {
                    sleep(Duration::from_millis(50)).await;
                }
            };
            let compiled = timeout(Duration::from_secs(600), ready).await;
            compiled.unwrap_or_else(|_| panic!("it is not compiled:\n{}", server.log.text()));
        }
    }

    pub(super) async fn serve(&self) -> Server {
        self.serve_with(&Manifest::default()).await
    }

    /// A server of `conformance` at `/c/{name}`.
    pub(super) async fn serve_with(&self, manifest: &Manifest) -> Server {
        self.start(manifest).run().await
    }

    pub(super) fn start(&self, manifest: &Manifest) -> Start {
        start(&self.component, &manifest.text(ROUTE, 1))
    }

    /// Another server of `conformance`'s route, of a component that is none.
    pub(super) async fn serve_other(&self, component: &[u8]) -> Server {
        start(component, &Manifest::default().text(ROUTE, 1)).run().await
    }

    /// Puts the component in the place of another one.
    pub(super) fn put(&self, server: &Server) {
        server.put("c.wasm", &self.component);
    }

    /// A server of `conformance-room` at `/room/{name}`, one for each path.
    pub(super) async fn serve_room(&self) -> Result<Server, Unknown> {
        let manifest = ROOM.text(ROOM_ROUTE, 1);
        Ok(start(self.room.as_ref().ok_or(Unknown)?, &manifest).run().await)
    }

    /// Has a new generation of the component take over: its manifest changes, so that no
    /// code is compiled anew.
    pub(super) fn swap(&self, server: &Server) {
        server.put("c.toml", &Manifest::default().text(ROUTE, 2));
    }

    pub(super) fn swap_room(&self, server: &Server) {
        server.put("c.toml", &ROOM.text(ROOM_ROUTE, 2));
    }
}

const ROUTE: &str = "/c/{name}";
const ROOM_ROUTE: &str = "/room/{name}";
const ROOM: Manifest = Manifest { top: "scope = 'path'", tables: "", upstream: String::new() };

fn start(component: &[u8], manifest: &[u8]) -> Start {
    let start = Start::with(&[("c.wasm", component), ("c.toml", manifest)]);
    start.arg("--admin=127.0.0.1:0").arg("--log=info,guest=trace")
}

/// Waits until so many instances of the handler have moved to a new generation.
pub(super) async fn moved(server: &Server, count: u32) {
    let moved = "socklet_migrations_total{handler=\"c\",outcome=\"moved\"}";
    loop {
        let moved = metrics(server).await.get(moved).copied().unwrap_or(0.0);
        if moved >= f64::from(count) {
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// A client that knows when its guest does not know something.
pub(super) struct Peer {
    pub(super) client: Client,
}

impl Peer {
    /// Connects to `conformance` at this path and query.
    pub(super) async fn of(server: &Server, path: &str) -> Self {
        Self::with(server, path, &[]).await
    }

    pub(super) async fn with(
        server: &Server,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Self {
        let url = server.url(path);
        let client = Client::try_connect(&url, headers).await;
        let mut client = client.unwrap_or_else(|status| panic!("{path}: {status}"));
        let ready = client.text().await;
        assert!(ready.starts_with("ready /c/"), "{ready}");
        Self { client }
    }

    pub(super) async fn send(&mut self, message: impl Into<Message>) {
        self.client.send(message).await;
    }

    pub(super) async fn text(&mut self) -> Result<String, Unknown> {
        match self.client.text().await {
            text if text == "unknown" => Err(Unknown),
            text => Ok(text),
        }
    }

    pub(super) async fn binary(&mut self) -> Result<Vec<u8>, Unknown> {
        match self.client.next().await {
            Some(Ok(Message::Binary(bytes))) => Ok(bytes.to_vec()),
            Some(Ok(Message::Text(text))) if text == "unknown" => Err(Unknown),
            other => panic!("expected bytes, got {:.200}", format!("{other:?}")),
        }
    }

    /// Sends a command and returns its answer.
    pub(super) async fn ask(&mut self, command: &str) -> Result<String, Unknown> {
        self.send(command).await;
        self.text().await
    }

    /// Sends a command, which has to be answered with this.
    pub(super) async fn tell(&mut self, command: &str, answer: &str) -> Result<(), Unknown> {
        let got = self.ask(command).await?;
        assert_eq!(got, answer, "{command:.100}");
        Ok(())
    }

    /// Sends a command, which has to end the connection: code and reason.
    pub(super) async fn ends(&mut self, command: &str) -> Result<(u16, String), Unknown> {
        self.send(command).await;
        let (messages, close) = self.client.rest().await;
        match &messages[..] {
            [] => Ok(close.expect("the socket ended without a close frame")),
            [Message::Text(text)] if *text == "unknown" => Err(Unknown),
            other => panic!("{command:.100}: {other:?}"),
        }
    }

    /// The connection's number, as the guest knows it.
    pub(super) async fn id(&mut self) -> Result<u64, Unknown> {
        let id = self.ask("/id").await?;
        Ok(id.parse().unwrap_or_else(|_| panic!("no connection's number: {id}")))
    }
}
