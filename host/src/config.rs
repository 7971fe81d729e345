//! What the host can be told: limits, timeouts and who may connect.
//!
//! The command line fills these; a handler's manifest overrides [`Limits`] for itself,
//! which is why they are a type of their own and travel with each generation.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use crate::compiler::CompileLimits;
use crate::machine;
use crate::peer::Peer;
use crate::policy::Policy;
use crate::tls::TlsFiles;

const MIB: usize = 1024 * 1024;

/// The bounds that hold for one handler's instances and connections.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest message in either direction, in bytes. A larger one from the
    /// peer closes its connection with 1009; a larger `write` answers `too-large`.
    pub max_message_size: usize,
    /// A `write` is refused with `full` while the connection's outbound queue
    /// holds this many bytes or more. Above half of it, nothing is read.
    pub max_backpressure: usize,
    /// Linear memory of one instance, in bytes, over all its memories.
    pub max_memory: usize,
    /// Linear memory of all instances of the handler, in bytes. The first 2 MiB of
    /// each instance are not counted.
    pub max_handler_memory: usize,
    /// Bytes held for all connections of the handler: messages that wait to be sent,
    /// to be handled, or for their rest to come. The first 16 KiB each way of each
    /// connection are not counted. Beyond, the connections that hold the most are
    /// ended; a quarter more is refused, with `full` to a `write`.
    pub max_handler_queue: usize,
    /// Live instances of the handler; one more is refused with 503.
    pub max_handler_instances: usize,
    /// Messages that one connection may send in a second. Whoever sends more is
    /// read from more slowly. `None` sets no bound.
    pub max_message_rate: Option<u32>,
    /// Topics to which one connection may be subscribed at a time; one more is refused
    /// with `full`.
    pub max_subscriptions: usize,
    /// Topics of the handler that there may be at a time, and shared ones that exist
    /// because of it; one more is refused with `full`.
    pub max_topics: usize,
    /// Bytes that a handler may log in a second, over all its instances. What is
    /// more is dropped and counted.
    pub max_log_rate: usize,
    /// Bytes of the state that an instance gives to another one.
    pub max_snapshot: usize,
    /// Timers that one instance may have set at a time.
    pub max_timers: usize,
    /// CPU time of one event from which on the log tells of it.
    pub event_cpu_warning: Duration,
    /// CPU time of the thread that one event may use.
    pub event_cpu_time: Duration,
    /// Time that may pass in an event from its start, or from the return of its last
    /// call of the host that had to wait.
    pub event_wall_time: Duration,
    /// Requests of one instance to upstreams at a time; one more fails at once.
    pub max_http_requests: usize,
    /// Those of all instances of the handler.
    pub max_handler_http_requests: usize,
    /// The longest body of a request, in bytes.
    pub max_http_request_size: usize,
    /// The longest body of an answer, in bytes.
    pub max_http_response_size: usize,
    /// Time that an upstream may let pass: until its name is resolved, until it is
    /// connected with, until its answer begins, and between two pieces of that.
    pub http_timeout: Duration,
    /// Time from the start of a request to the end of its answer.
    pub http_total_time: Duration,
}

impl Limits {
    /// Bytes of a message that does not come from the handler's own event: by a topic, or
    /// from the operator. A queue has no more room than that for it.
    pub(crate) fn max_publication(&self) -> usize {
        self.max_message_size.min(self.max_backpressure)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_size: MIB,
            max_backpressure: MIB,
            max_memory: 64 * MIB,
            max_handler_memory: usize::MAX,
            max_handler_queue: usize::MAX,
            max_handler_instances: usize::MAX,
            max_message_rate: None,
            max_subscriptions: 64,
            max_topics: 10_000,
            max_log_rate: 256 * 1024,
            max_snapshot: 4 * MIB,
            max_timers: 256,
            event_cpu_warning: Duration::from_millis(100),
            event_cpu_time: Duration::from_secs(1),
            event_wall_time: Duration::from_secs(30),
            max_http_requests: 8,
            max_handler_http_requests: 256,
            max_http_request_size: MIB,
            max_http_response_size: 8 * MIB,
            // Shorter than an event may wait, so that the guest hears of it.
            http_timeout: Duration::from_secs(20),
            http_total_time: Duration::from_secs(5 * 60),
        }
    }
}

/// How long the host waits for what.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// From accepting a socket to the end of its request, a header of the PROXY
    /// protocol and TLS included; and as long again for the instance to start and the
    /// answer to be sent.
    pub handshake: Duration,
    /// For the peer's answer to a close frame.
    pub close: Duration,
    /// Without a byte taken by the peer while some are queued.
    pub write: Duration,
    /// Between the last sign of life of the peer and a ping.
    pub ping_interval: Duration,
    /// Between the last sign of life of the peer and giving it up.
    pub pong: Duration,
    /// Without a message either way before the host closes. `None`: for ever.
    pub idle: Option<Duration>,
    /// Over which a process closes its connections that another one has taken over from.
    pub takeover_drain: Duration,
    /// Between saying that it is not ready any more and closing, on shutdown.
    pub shutdown_delay: Duration,
    /// For all connections to end once the host shuts down.
    pub shutdown: Duration,
    /// For the connections of an old generation to end on their own.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            close: Duration::from_secs(5),
            write: Duration::from_secs(30),
            ping_interval: Duration::from_secs(25),
            pong: Duration::from_secs(50),
            idle: None,
            takeover_drain: Duration::from_secs(60),
            shutdown_delay: Duration::ZERO,
            shutdown: Duration::from_secs(10),
            drain: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// In which header a proxy says whom it speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// A proxy that is believed about whom it speaks for, written `10.0.0.0/8` or `unix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustedProxy {
    /// Any of a network.
    Network(IpNet),
    /// Any peer on a Unix socket.
    Unix,
}

/// Why a text is no [`TrustedProxy`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("write a network like 10.0.0.0/8, or unix for peers on Unix sockets")]
pub struct NotAProxy;

impl FromStr for TrustedProxy {
    type Err = NotAProxy;

    fn from_str(text: &str) -> Result<Self, NotAProxy> {
        match text {
            "unix" => Ok(Self::Unix),
            _ => text.parse().map(Self::Network).map_err(|_| NotAProxy),
        }
    }
}

impl TrustedProxy {
    pub(crate) fn is(self, peer: Peer) -> bool {
        match (self, peer) {
            (Self::Network(network), Peer::Tcp(address)) => {
                network.contains(&address.ip().to_canonical())
            }
            (Self::Unix, Peer::Unix) => true,
            (Self::Network(_), Peer::Unix) | (Self::Unix, Peer::Tcp(_)) => false,
        }
    }
}

/// Everything [`Server`](crate::server::Server) needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Bounds for each handler.
    pub limits: Limits,
    /// Bounds in time.
    pub timeouts: Timeouts,
    /// Connections in all; one more is refused with 503.
    pub max_connections: usize,
    /// Connections of one remote address (IPv6: of one /64); one more is refused
    /// with 429. Loopback addresses and peers on Unix sockets are not counted.
    pub max_connections_per_address: usize,
    /// Handshakes of one remote address, counted likewise, in a second; one more is
    /// refused with 429.
    pub max_handshake_rate: NonZeroU32,
    /// Proxies that are believed about whom they speak for.
    pub trusted_proxies: Vec<TrustedProxy>,
    /// The header in which they say so.
    pub proxy_header: ProxyHeader,
    /// Live instances in all; one more is refused with 503. `None` takes what the
    /// kernel's `vm.max_map_count` leaves room for, which is also the most there are.
    pub max_instances: Option<usize>,
    /// Linear memory of all instances, counted as for one handler. By default
    /// three quarters of what the machine or the container has. The last eighth is
    /// for handlers that have no more than that; so it is with instances.
    pub max_total_memory: usize,
    /// Bytes held for all connections, counted as for one handler. By default an eighth
    /// of what the machine or the container has.
    pub max_total_queue: usize,
    /// Bytes of a guest's call stack. Deeper recursion ends the instance.
    pub max_stack: usize,
    /// Elements of one table of a guest.
    pub max_table_elements: usize,
    /// TLS for all listeners of clients; `None` for none.
    pub tls: Option<TlsFiles>,
    /// Origins that may connect beside same-origin ones, as browsers send them
    /// (`https://example.com`); `*` allows all.
    pub allow_origins: Vec<String>,
    /// The server's names, for same-origin requests. On a loopback listener
    /// `localhost`, `127.0.0.1` and `[::1]` are names as well.
    pub hosts: Vec<String>,
    /// Whether browsers get the test page. `None`: on loopback listeners only.
    pub test_page: Option<bool>,
    /// Files that browsers get where no handler matches: a directory. `None` for none.
    pub static_files: Option<PathBuf>,
    /// Where compiled code is kept between starts: a folder that nobody but this
    /// user may write to, since what lies there is run. `None` keeps none.
    pub cache: Option<PathBuf>,
    /// Bytes of compiled code that are kept there. What was not used for longest goes
    /// first.
    pub max_cache_size: u64,
    /// Where it is kept between starts what serves, and what was rolled back: a folder that
    /// nobody but this user may write to. `None` keeps nothing.
    pub state: Option<PathBuf>,
    /// Bytes that are kept there. What was not used for longest goes first.
    pub max_state_size: u64,
    /// The program that compiles components when it is called with `compile`, as
    /// `socklet` itself does. `None` compiles in this process, which is for
    /// components that one trusts.
    pub compiler: Option<PathBuf>,
    /// What compiling one component may cost that program.
    pub compile_limits: CompileLimits,
    /// Whether a generation that fails more than the one before it, within 30 s of its
    /// swap, is rolled back by itself.
    pub auto_rollback: bool,
    /// Somebody works on the handlers, on this machine: swaps that can't move connections
    /// close them with 1012, pages of loopback origins may connect, and the test page shows
    /// generations and comes back by itself.
    pub development: bool,
    /// What is left to manifests.
    pub policy: Policy,
}

impl Default for Config {
    fn default() -> Self {
        let memory = machine::memory();
        Self {
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            max_connections: 16_384,
            max_connections_per_address: 1024,
            max_handshake_rate: const { NonZeroU32::new(256).unwrap() },
            trusted_proxies: Vec::new(),
            proxy_header: ProxyHeader::XForwardedFor,
            max_instances: None,
            max_total_memory: memory / 4 * 3,
            max_total_queue: memory / 8,
            max_stack: 512 * 1024,
            max_table_elements: 20_000,
            tls: None,
            allow_origins: Vec::new(),
            hosts: Vec::new(),
            test_page: None,
            static_files: None,
            cache: None,
            max_cache_size: 4 << 30,
            state: None,
            max_state_size: 4 << 30,
            compiler: None,
            compile_limits: CompileLimits::default(),
            auto_rollback: true,
            development: false,
            policy: Policy::default(),
        }
    }
}
