//! A host without sockets, and peers that speak to it through memory.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::{Instant, sleep, timeout};

use crate::account::Totals;
use crate::claim::Claim;
use crate::component;
use crate::config::{Config, Limits};
use crate::embedded;
use crate::engine::{Capacity, Engine};
use crate::handshake::{self, Served, origin::Origins};
use crate::host::{Full, Host, serve_connection};
use crate::overtime::Overtime;
use crate::peer::Peer;
use crate::registry::Registry;
use crate::settings::Settings;

/// Small, so that short inputs reach it; and a queue that a few echoes fill.
pub(super) const MAX_MESSAGE_SIZE: usize = 1024;
const MAX_BACKPRESSURE: usize = 256;
/// In each of the two directions, between peer and host.
const WIDE: usize = 64 * 1024;
/// Just enough for the head of a 101.
const NARROW: usize = 256;
const MAX_INSTANCES: usize = 4;

/// What a peer does beside sending its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Sends all at once, ends its side, and reads what comes.
    Hasty,
    /// Sends each piece when the host has nothing left to do about the one before,
    /// then nothing more, and reads what comes.
    Slow,
    /// Sends all at once and reads nothing, until the host is gone.
    Deaf,
}

impl Manner {
    /// How many bytes a slow peer sends at a time.
    pub(super) fn piece(bytes: &[u8]) -> usize {
        1 + bytes.len() / 512
    }
}

/// Of one thread, since all that is done on it has to share the thread's clock.
#[derive(Clone)]
struct Stage {
    host: Arc<Host>,
    origins: Arc<Origins>,
}

/// All that the host sends to a peer that sends `bytes`. It ends, whatever they
/// are; and without waiting where the peer has ended its side.
pub(super) fn serve(bytes: &[u8], manner: Manner) -> Vec<u8> {
    thread_local! {
        static STAGE: Stage = run(set_up());
    }
    let Stage { host, origins } = STAGE.with(Stage::clone);
    let peer = Peer::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000)));
    run(async {
        let (ours, theirs) = tokio::io::duplex(if manner == Manner::Hasty { WIDE } else { NARROW });
        let serve = async move {
            let deadline = Instant::now() + host.config.timeouts.handshake;
            let served = handshake::serve(theirs, peer, &host, &origins, deadline).await;
            if let Served::Upgraded(upgraded) = served {
                serve_connection(*upgraded, None, peer).await;
            }
        };
        let started = Instant::now();
        let both = async { tokio::join!(serve, play(ours, bytes, manner)) };
        let Ok(((), sent)) = timeout(Duration::from_secs(3600), both).await else {
            panic!("a {manner:?} peer is served for an hour")
        };
        let waited = started.elapsed();
        assert!(manner != Manner::Hasty || waited.is_zero(), "waited {waited:?} for nobody");
        sent
    })
}

/// Runs a future under a clock that stands still while there is anything to do.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: Runtime = {
            let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
            runtime.expect("a runtime without sockets needs nothing that could run out")
        };
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

async fn set_up() -> Stage {
    // What is compiled stays mapped when its file is gone, and nothing lies around.
    let cache = tempfile::tempdir().expect("a folder for compiled code");
    let config = Config {
        limits: Limits {
            max_message_size: MAX_MESSAGE_SIZE,
            max_backpressure: MAX_BACKPRESSURE,
            max_memory: 4 << 20,
            ..Limits::default()
        },
        // Nothing runs out here, so no answer depends on those before it.
        max_handshake_rate: NonZeroU32::MAX,
        trusted_proxies: vec!["127.0.0.0/8".parse().expect("a network")],
        max_instances: Some(MAX_INSTANCES),
        cache: Some(cache.path().to_owned()),
        ..Config::default()
    };
    let engine = Engine::new(&config, MAX_INSTANCES).expect("a small engine");
    let registry = Arc::new(Registry::new(Totals::new(&config)));
    for (route, bytes) in embedded::EXAMPLES {
        let digest = component::digest_of(bytes);
        let prepared = component::prepare(&engine, bytes, &digest).await.expect("an example");
        let handler = registry.handler(route, &config.limits);
        handler.swap(prepared, digest, Settings::new(&config), Instant::now());
        registry.insert(route, &handler, Claim::of_path(route));
    }
    let listener = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
    let origins = Origins::new(&[], &[], &listener.into());
    // Threads of their own would have another clock.
    let overtime = Overtime::within(Handle::current());
    let capacity = Capacity { instances: MAX_INSTANCES, limit: Full::Instances };
    let host = Host::new(config, registry, overtime, capacity);
    Stage { host: Arc::new(host), origins: Arc::new(origins) }
}

/// The peer's part. Returns what it has read.
async fn play(socket: DuplexStream, bytes: &[u8], manner: Manner) -> Vec<u8> {
    let (mut reader, mut writer) = tokio::io::split(socket);
    let mut read = Vec::new();
    match manner {
        Manner::Hasty => {
            tokio::join!(read_all(&mut reader, &mut read), async {
                // The host may have had enough before the end.
                let _ = writer.write_all(bytes).await;
                let _ = writer.shutdown().await;
            });
        }
        Manner::Slow => {
            let write = write_in_pieces(&mut writer, bytes);
            tokio::join!(read_all(&mut reader, &mut read), write);
        }
        Manner::Deaf => {
            let _ = writer.write_all(bytes).await;
            // Past every timeout.
            sleep(Duration::from_secs(1800)).await;
            read_all(&mut reader, &mut read).await;
        }
    }
    read
}

async fn read_all(reader: &mut ReadHalf<DuplexStream>, read: &mut Vec<u8>) {
    reader.read_to_end(read).await.expect("memory does not fail to be read");
}

async fn write_in_pieces(writer: &mut WriteHalf<DuplexStream>, bytes: &[u8]) {
    for piece in bytes.chunks(Manner::piece(bytes)) {
        if writer.write_all(piece).await.is_err() {
            return;
        }
        // The clock moves when nobody has anything left to do.
        sleep(Duration::from_millis(1)).await;
    }
}
