//! What all connections share: the registry, the settings, and the slots.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::account::Account;
use crate::addresses::{AddressSlot, Addresses};
use crate::admin::Readiness;
use crate::config::Config;
use crate::connection::ConnectionId;
use crate::descriptors;
use crate::engine::Room;
use crate::handshake::origin::Origins;
use crate::handshake::{self, Upgraded};
use crate::metrics::Metrics;
use crate::overtime::Overtime;
use crate::registry::Registry;
use crate::session::Session;
use crate::stream::Stream;

pub(crate) struct Host {
    pub(crate) config: Config,
    pub(crate) registry: Arc<Registry>,
    pub(crate) metrics: Metrics,
    pub(crate) readiness: Readiness,
    pub(crate) overtime: Overtime,
    /// Held by each socket until its handshake is done.
    pub(crate) handshakes: Arc<Semaphore>,
    connections: Arc<Semaphore>,
    instances: Arc<Semaphore>,
    max_instances: usize,
    /// What is named when these have run out.
    instances_full: Full,
    addresses: Arc<Addresses>,
    last_id: AtomicU64,
}

/// A connection's place among all, given up when dropped.
pub(crate) struct Slots {
    _connection: OwnedSemaphorePermit,
    _instance: OwnedSemaphorePermit,
    _of_handler: OwnedSemaphorePermit,
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
        room: Room,
    ) -> Self {
        let slots = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        let files = descriptors::raise_limit();
        let sockets = descriptors::sockets_that_fit(config.max_connections, files);
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
            connections: slots(sockets.connections),
            instances: slots(room.instances),
            max_instances: room.instances,
            instances_full: room.limit,
            addresses: Arc::new(Addresses::new(
                config.max_connections_per_address,
                sockets.handshakes,
                config.max_handshake_rate,
            )),
            config,
            registry,
            metrics: Metrics::new(),
            readiness: Readiness::default(),
            overtime,
            last_id: AtomicU64::new(0),
        }
    }

    /// Reserves what a connection needs, or says at once what has run out.
    pub(crate) fn reserve(&self, client: IpAddr, handler: &Account) -> Result<Slots, Full> {
        if !self.addresses.may_ask(client) {
            return Err(Full::Rate);
        }
        let address = self.addresses.connection(client).ok_or(Full::Address)?;
        let connection = self.connections.clone().try_acquire_owned();
        let instance = self.instances.clone().try_acquire_owned();
        let of_handler = handler.instances.clone().try_acquire_owned();
        // The last eighth is for handlers that have no more than that.
        let reserve = self.max_instances / 8;
        let own = usize::try_from(handler.metrics.instances.get()).unwrap_or(0);
        if self.instances.available_permits() < reserve && own > reserve {
            return Err(self.instances_full);
        }
        Ok(Slots {
            _connection: connection.map_err(|_| Full::Connections)?,
            _instance: instance.map_err(|_| self.instances_full)?,
            _of_handler: of_handler.map_err(|_| Full::HandlerInstances)?,
            _address: address,
        })
    }

    /// A place for a peer's handshake. Behind a trusted proxy anybody may be.
    pub(crate) fn begin_handshake(&self, peer: IpAddr) -> Option<AddressSlot> {
        let proxies = &self.config.trusted_proxies;
        let is_proxy = proxies.iter().any(|network| network.contains(&peer.to_canonical()));
        self.addresses.handshake((!is_proxy).then_some(peer))
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
    pub(crate) socket: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) tls: Option<TlsAcceptor>,
    /// Given up once the handshake is done.
    pub(crate) handshaking: (OwnedSemaphorePermit, AddressSlot),
}

/// Serves one accepted socket to its end.
pub(crate) async fn serve_socket(
    accepted: Accepted,
    host: Arc<Host>,
    origins: Arc<Origins>,
    shutdown: CancellationToken,
) {
    let Accepted { socket, peer, tls, handshaking } = accepted;
    let upgraded = async {
        let stream = secure(socket, peer, tls, host.config.timeouts.handshake).await?;
        handshake::serve(stream, peer, &host, &origins).await
    };
    let upgraded = tokio::select! {
        biased;
        upgraded = upgraded => upgraded,
        // Handshakes that are not done by now are not finished.
        () = shutdown.cancelled() => None,
    };
    drop(handshaking);
    if let Some(upgraded) = upgraded {
        serve_connection(upgraded, peer, &host).await;
    }
}

/// None where the peer and this server do not come to terms in time.
async fn secure(
    socket: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    limit: Duration,
) -> Option<Stream> {
    let Some(tls) = tls else { return Some(Stream::Plain(socket)) };
    match timeout(limit, tls.accept(socket)).await {
        Ok(Ok(stream)) => Some(Stream::Tls(Box::new(stream))),
        Ok(Err(error)) => {
            tracing::debug!(%peer, "no TLS: {error}");
            None
        }
        Err(_) => {
            tracing::debug!(%peer, "TLS took too long (handshake-timeout)");
            None
        }
    }
}

async fn serve_connection<S>(upgraded: Upgraded<S>, peer: SocketAddr, host: &Host)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Upgraded { socket, read_ahead, opened } = upgraded;
    let generation = opened.membership.generation().clone();
    let (handler, number) = (&*generation.account.name, generation.number);
    let id = opened.connection.id();
    tracing::debug!(handler, generation = number, connection = id, %peer, "opened");
    let mut session = Session::new(
        socket,
        &read_ahead,
        opened.connection,
        opened.instance,
        generation.clone(),
        host.config.timeouts.clone(),
        &host.overtime,
    )
    .await;
    drop(read_ahead);
    // Lines of whatever library, where they are asked for, say whose they are. Those
    // of this crate from `info` on say so themselves, which costs quiet logs nothing.
    let span = tracing::debug_span!("connection", handler, generation = number, connection = id);
    while let Some(failure) = session.run().instrument(span.clone()).await {
        if generation.account.may_notice() {
            tracing::error!(
                handler,
                generation = number,
                connection = id,
                "the instance failed, and its connection ends with it: {failure}"
            );
        }
        generation.failed(&failure);
    }
    tracing::debug!(handler, generation = number, connection = id, "closed");
    drop(opened.membership);
    drop(opened.slots);
}
