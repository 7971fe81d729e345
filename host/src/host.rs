//! What all connections share: the registry, the settings, and the slots.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::addresses::{AddressSlot, Addresses};
use crate::admin::Readiness;
use crate::config::Config;
use crate::connection::ConnectionId;
use crate::descriptors;
use crate::engine::Capacity;
use crate::files::Files;
use crate::handshake::origin::Origins;
use crate::handshake::{self, Served, Upgraded};
use crate::instances::Instances;
use crate::metrics::Metrics;
use crate::overtime::Overtime;
use crate::peer::Peer;
use crate::proxy_protocol::{self, NoHeader};
use crate::registry::Registry;
use crate::session::Session;
use crate::stream::{Sink, Socket, Stream};

pub(crate) struct Host {
    pub(crate) config: Config,
    pub(crate) registry: Arc<Registry>,
    pub(crate) metrics: Metrics,
    pub(crate) readiness: Readiness,
    pub(crate) instances: Arc<Instances>,
    /// Held by each socket until its handshake is done.
    pub(crate) handshakes: Arc<Semaphore>,
    /// How many of these there are.
    pub(crate) max_handshakes: usize,
    /// What browsers get where no handler matches.
    pub(crate) files: Option<Files>,
    downloads: Arc<Semaphore>,
    connections: Arc<Semaphore>,
    addresses: Arc<Addresses>,
    last_id: AtomicU64,
}

/// A connection's place among all, given up when dropped.
pub(crate) struct Slots {
    _connection: OwnedSemaphorePermit,
    _address: AddressSlot,
}

/// A place among the files that are sent, given up when dropped.
pub(crate) struct DownloadSlot {
    _download: OwnedSemaphorePermit,
    _address: AddressSlot,
}

/// Which limit is reached.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum Full {
    #[error("max-connections")]
    Connections,
    #[error("max-instances")]
    Instances,
    #[error("max-instances, bounded by the system's vm.max_map_count")]
    Mappings,
    #[error("max-handler-instances")]
    HandlerInstances,
    #[error("max-connections-per-address")]
    Address,
    #[error("max-handshake-rate")]
    Rate,
}

impl Host {
    pub(crate) fn new(
        config: Config,
        registry: Arc<Registry>,
        overtime: Overtime,
        capacity: Capacity,
    ) -> Self {
        let slots = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        let files = descriptors::raise_limit();
        let downloads = match config.static_files {
            Some(_) => descriptors::downloads_that_fit(files),
            None => 0,
        };
        let elsewhere =
            downloads * descriptors::OF_DOWNLOAD + descriptors::requests_that_fit(files);
        let rest = files.saturating_sub(elsewhere);
        let sockets = descriptors::sockets_that_fit(config.max_connections, rest);
        if sockets.connections < config.max_connections {
            tracing::warn!(
                "max-connections is {} and not {}: this process may have {files} open files: \
                 raise that with `ulimit -n` or LimitNOFILE=",
                sockets.connections,
                config.max_connections
            );
        }
        Self {
            handshakes: slots(sockets.handshakes),
            max_handshakes: sockets.handshakes,
            files: config.static_files.clone().map(Files::new),
            downloads: slots(downloads),
            connections: slots(sockets.connections),
            addresses: Arc::new(Addresses::new(
                config.max_connections_per_address,
                sockets.handshakes,
                downloads,
                config.max_handshake_rate,
            )),
            config,
            registry,
            metrics: Metrics::new(),
            readiness: Readiness::default(),
            instances: Arc::new(Instances::new(overtime, capacity)),
            last_id: AtomicU64::new(0),
        }
    }

    /// Whether a client may ask for another connection already: before anything is done
    /// for it that costs much.
    pub(crate) fn may_ask(&self, client: Peer) -> Result<(), Full> {
        if self.addresses.may_ask(client) { Ok(()) } else { Err(Full::Rate) }
    }

    /// Reserves what a connection needs, beside its instance, or says at once what has
    /// run out.
    pub(crate) fn reserve(&self, client: Peer) -> Result<Slots, Full> {
        let address = self.addresses.connection(client).ok_or(Full::Address)?;
        let connection = self.connections.clone().try_acquire_owned();
        Ok(Slots { _connection: connection.map_err(|_| Full::Connections)?, _address: address })
    }

    /// A place for a peer's handshake. Behind a trusted proxy anybody may be.
    pub(crate) fn begin_handshake(&self, peer: Peer) -> Option<AddressSlot> {
        self.addresses.handshake(self.known(peer))
    }

    /// A place for a file that is sent to a client. It is waited for, but not for long,
    /// since a handshake's place is held meanwhile.
    pub(crate) async fn begin_download(&self, client: Peer) -> Option<DownloadSlot> {
        const PATIENCE: Duration = Duration::from_secs(1);
        let address = self.addresses.download(self.known(client))?;
        let download = timeout(PATIENCE, self.downloads.clone().acquire_owned()).await;
        Some(DownloadSlot { _download: download.ok()?.ok()?, _address: address })
    }

    /// The peer, unless it is a proxy that has not said whom it speaks for.
    fn known(&self, peer: Peer) -> Option<Peer> {
        let is_proxy = self.config.trusted_proxies.iter().any(|proxy| proxy.is(peer));
        (!is_proxy).then_some(peer)
    }

    pub(crate) fn next_id(&self) -> ConnectionId {
        self.last_id.fetch_add(1, Relaxed) + 1
    }

    /// Whether browsers get the test page from a listener. By default it is for this
    /// machine, and so for no request that a proxy hands on.
    pub(crate) fn test_page(&self, origins: &Origins, forwarded: bool) -> bool {
        self.config.test_page.unwrap_or(origins.is_loopback() && !forwarded)
    }
}

/// A socket that was just accepted.
pub(crate) struct Accepted {
    pub(crate) socket: Socket,
    pub(crate) peer: Peer,
    /// None where a header of the PROXY protocol comes first: it is the client that
    /// it names who takes a place.
    pub(crate) place: Option<AddressSlot>,
    pub(crate) tls: Option<TlsAcceptor>,
    /// Given up once the handshake is done.
    pub(crate) handshaking: OwnedSemaphorePermit,
}

/// Serves one accepted socket to its end.
pub(crate) async fn serve_socket(
    accepted: Accepted,
    host: Arc<Host>,
    origins: Arc<Origins>,
    shutdown: CancellationToken,
) {
    let deadline = Instant::now() + host.config.timeouts.handshake;
    // Boxed: it is much, and an open connection needs nothing of it.
    let served = Box::pin(async {
        let Arrived { stream, client, _handshaking } = arrive(accepted, &host, deadline).await?;
        let served = handshake::serve(stream, client, &host, &origins, deadline).await;
        Some((served, client))
    });
    let served = tokio::select! {
        biased;
        served = served => served,
        // Handshakes that are not done by now are not finished.
        () = shutdown.cancelled() => None,
    };
    match served {
        Some((Served::Upgraded(upgraded), client)) => {
            let (upgraded, sink) = upgraded.share();
            serve_connection(upgraded, sink, client).await;
        }
        // The handshake's place is given up by now, and a shutdown waits for the rest.
        Some((Served::Sending(sending), _)) => sending.await,
        Some((Served::Answered, _)) | None => {}
    }
}

/// A socket of which only the request is to come.
struct Arrived {
    stream: Stream,
    client: Peer,
    _handshaking: (OwnedSemaphorePermit, AddressSlot),
}

/// Why a socket's request is not waited for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Departed {
    #[error("no PROXY protocol header: {0}")]
    Header(#[from] NoHeader),
    #[error("no TLS: {0}")]
    Tls(std::io::Error),
    #[error("too many handshakes of its address")]
    Address,
}

/// What comes before the request: a header of the PROXY protocol, and TLS. None
/// where the peer and this server do not come to terms in time.
async fn arrive(accepted: Accepted, host: &Host, deadline: Instant) -> Option<Arrived> {
    let peer = accepted.peer;
    match timeout_at(deadline, introduce(accepted, host)).await {
        Ok(Ok(arrived)) => Some(arrived),
        Ok(Err(why)) => {
            tracing::debug!(%peer, "closed unheard: {why}");
            None
        }
        Err(_) => {
            tracing::debug!(%peer, "PROXY protocol or TLS took too long (handshake-timeout)");
            None
        }
    }
}

async fn introduce(accepted: Accepted, host: &Host) -> Result<Arrived, Departed> {
    let Accepted { mut socket, peer, place, tls, handshaking } = accepted;
    let (client, place) = match place {
        Some(place) => (peer, place),
        None => {
            let named = proxy_protocol::read(&mut socket).await?;
            let client = named.map_or(peer, Peer::Tcp);
            (client, host.begin_handshake(client).ok_or(Departed::Address)?)
        }
    };
    let stream = match tls {
        None => Either::Left(socket),
        Some(tls) => Either::Right(Box::new(tls.accept(socket).await.map_err(Departed::Tls)?)),
    };
    Ok(Arrived { stream, client, _handshaking: (handshaking, place) })
}

pub(crate) async fn serve_connection<S>(upgraded: Upgraded<S>, sink: Option<Sink>, peer: Peer)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Upgraded { switched, opened } = upgraded;
    let generation = opened.membership.generation().clone();
    let (handler, number) = (&*generation.account.name, generation.number);
    let id = opened.connection.id();
    tracing::debug!(handler, generation = number, connection = id, %peer, "opened");
    let mut session =
        Session::new(switched, sink, opened.connection, opened.guest, opened.membership);
    // Lines of whatever library, where they are asked for, say whose they are. Those
    // of this crate from `info` on say so themselves, which costs quiet logs nothing.
    let span = tracing::debug_span!("connection", handler, generation = number, connection = id);
    while let Some(failure) = session.run().instrument(span.clone()).await {
        // It may be another one than in the beginning.
        let generation = session.generation();
        if generation.account.may_notice() {
            tracing::error!(
                handler,
                generation = generation.number,
                connection = id,
                "the instance failed, and its connection ends with it: {failure}"
            );
        }
        generation.failed(&failure);
    }
    tracing::debug!(handler, generation = number, connection = id, "closed");
    drop(session);
    drop(opened.slots);
}
