//! What benchmarks measure of the inside: an event, an instance, a session without a
//! socket, the registry. The crate in `bench` drives it.
//!
//! Nothing here waits for a clock or a kernel: what is polled has all that it needs,
//! so that a benchmark is of the code and nothing else.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use hyper::HeaderMap;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, EnterGuard, Runtime};
use tokio::time::Instant;

use crate::account::Totals;
use crate::claim::Claim;
use crate::component;
use crate::config::Config;
use crate::connection::Connection;
use crate::engine::{Capacity, Engine};
use crate::failure::Failure;
use crate::frame;
use crate::generation::Generation;
use crate::handshake::Switched;
use crate::handshake::request::Request;
use crate::host::{Full, Host};
use crate::instance::{Instance, Served};
use crate::messages::Incoming;
use crate::overtime::{Overtime, Work};
use crate::peer::Peer;
use crate::registry::{Handler, Registry};
use crate::room;
use crate::session::{Guest, Session};
use crate::settings::{Scope, Settings};
use crate::source::Source;

/// A host without sockets, and one handler that it serves.
pub struct Stage {
    runtime: &'static Runtime,
    host: Host,
    handler: Arc<Handler>,
    engine: Engine,
    _entered: EnterGuard<'static>,
}

impl Stage {
    /// Serves `component`, with room for `instances`.
    ///
    /// # Panics
    ///
    /// Where the component can't be loaded.
    #[must_use]
    pub fn new(bytes: &[u8], instances: usize) -> Self {
        Self::on(Builder::new_current_thread().enable_time(), bytes, instances)
    }

    /// The same, where no time passes: nothing that it does depends on how long it
    /// takes, so it takes the same instructions each time.
    #[must_use]
    pub fn frozen(bytes: &[u8]) -> Self {
        let stage =
            Self::on(Builder::new_current_thread().enable_time().start_paused(true), bytes, 1);
        stage.engine.clock().stop();
        stage.engine.clock().wait_for_end();
        stage
    }

    /// The same, where one instance serves all sessions.
    #[must_use]
    pub fn shared(bytes: &[u8]) -> Self {
        let stage = Self::new(bytes, 2);
        let Generation { prepared, digest, settings, .. } = &*stage.generation();
        let settings = Settings { scope: Scope::Handler, ..settings.clone() };
        stage.handler.swap(prepared.clone(), *digest, settings, Instant::now());
        stage
    }

    fn on(runtime: &mut Builder, bytes: &[u8], instances: usize) -> Self {
        let runtime = runtime.build();
        // It lives as long as the benchmark.
        let runtime: &'static Runtime = Box::leak(Box::new(runtime.expect("a runtime")));
        let entered = runtime.enter();
        let config = Config { max_instances: Some(instances), ..Config::default() };
        let engine = Engine::new(&config, instances).expect("an engine");
        let registry = Arc::new(Registry::new(Totals::new(&config)));
        let handler = registry.handler("/", &config.limits);
        registry.insert("/", &handler, Claim::of_path("/"));
        let overtime = Overtime::within(runtime.handle().clone());
        let capacity = Capacity { instances, limit: Full::Instances };
        let host = Host::new(config, registry, overtime, capacity);
        let stage = Self { runtime, host, handler, engine, _entered: entered };
        stage.load(bytes);
        stage
    }

    fn load(&self, bytes: &[u8]) {
        let digest = component::digest_of(bytes);
        let prepared = component::prepare(&self.engine, bytes, &digest);
        let prepared = self.runtime.block_on(prepared).expect("a component");
        let settings = Settings::new(&self.host.config);
        self.handler.swap(prepared, digest, settings, Instant::now());
    }

    fn generation(&self) -> Arc<Generation> {
        self.handler.current().expect("a generation")
    }

    /// Makes an instance and drops it.
    pub fn instantiate(&self) {
        drop(self.instance());
    }

    fn instance(&self) -> Instance {
        let of = self.generation();
        let meter = of.prepared.meter();
        let instance = self.runtime.block_on(Instance::new(
            &of.prepared,
            &of.settings,
            &of.account,
            of.number,
            meter,
        ));
        instance.unwrap_or_else(|failure| panic!("{failure}"))
    }

    fn connection(&self) -> Arc<Connection> {
        let request = Box::new(Request {
            path: "/".into(),
            query: None,
            headers: HeaderMap::new(),
            remote_address: peer(),
            subprotocol: None,
        });
        let limits = &self.host.config.limits;
        let account = self.handler.account.clone();
        Arc::new(Connection::new(self.host.next_id(), request, limits, account))
    }

    fn guest(&self, generation: &Arc<Generation>, connection: &Arc<Connection>) -> Guest {
        let Some(key) = generation.room_key("/") else {
            return Guest::own(self.instance(), connection.clone(), &self.host.instances, None);
        };
        let seat = generation.seat(key, connection, |key| {
            let slot = self.host.instances.reserve(&generation.account).ok()?;
            Some(room::open(key, generation, &self.host.instances, slot))
        });
        let seat = seat.expect("room for one instance, and a generation that is current");
        let started = self.runtime.block_on(seat.room().started());
        assert!(started.is_ok(), "the instance does not start");
        Guest::Seated(seat)
    }

    /// An instance that gets messages without a session.
    #[must_use]
    pub fn events(&self) -> Events {
        let instance = self.instance();
        let connection = self.connection();
        let meter = instance.meter();
        let source = Source::Own(connection.clone());
        let guest = self.host.instances.overtime.work(meter, instance.serve(source));
        let mut events = Events { connection, guest, sent: Vec::new(), runtime: self.runtime };
        events.run();
        events
    }

    /// The registry that it serves from, which other threads may use.
    #[must_use]
    pub fn routes(&self) -> Routes {
        Routes { registry: self.host.registry.clone(), handler: self.handler.clone() }
    }

    /// A session over memory, whose peer sends `input` again and again, to be answered
    /// by an echo of its `messages`.
    #[must_use]
    pub fn session(&self, input: &[u8], messages: usize) -> Frames {
        // An answer is not masked, and else the same.
        let answer = input.len() - messages * MASK;
        let connection = self.connection();
        let generation = self.generation();
        let membership = generation.join(&connection);
        let reel = Reel { input: input.to_vec().into(), at: input.len(), output: 0 };
        let switched = Switched { socket: reel, response: Vec::new(), read_ahead: Bytes::new() };
        let guest = self.guest(&generation, &connection);
        let session = Session::new(switched, None, connection, guest, membership);
        Frames { session, answer, runtime: self.runtime }
    }
}

/// See [`Stage::events`].
pub struct Events {
    connection: Arc<Connection>,
    guest: Work<Result<Served, Failure>>,
    sent: Vec<u8>,
    runtime: &'static Runtime,
}

/// See [`Stage::routes`].
pub struct Routes {
    registry: Arc<Registry>,
    handler: Arc<Handler>,
}

impl Routes {
    /// The same component takes over once more.
    ///
    /// # Panics
    ///
    /// Never: something is loaded.
    pub fn swap(&self) {
        let current = self.handler.current().expect("a generation");
        let Generation { prepared, digest, settings, .. } = &*current;
        self.handler.swap(prepared.clone(), *digest, settings.clone(), Instant::now());
    }

    /// Whether the route has a current generation, as a handshake looks for it.
    #[must_use]
    pub fn find(&self, route: &str) -> bool {
        self.registry.find(None, route).is_some_and(|(handler, _)| handler.current().is_some())
    }
}

/// A message of the peer's.
#[derive(Clone)]
pub enum Message {
    /// Text.
    Text(String),
    /// Binary.
    Binary(Vec<u8>),
}

impl Events {
    /// Delivers a message and takes the answer. Returns how long that is.
    pub fn deliver(&mut self, message: &Message) -> usize {
        let message = match message {
            Message::Text(text) => Incoming::Text(text.clone()),
            Message::Binary(bytes) => Incoming::Binary(bytes.clone()),
        };
        self.connection.shared().mailbox.push(message);
        self.run();
        let outbound = &mut self.connection.shared().outbound;
        outbound.take(&mut self.sent);
        outbound.sent(self.sent.len());
        self.sent.len()
    }

    fn run(&mut self) {
        loop {
            let polled = self.guest.poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending(), "the instance has ended");
            let shared = self.connection.shared();
            if !shared.mailbox.has_messages() && !shared.busy {
                return;
            }
            drop(shared);
            // The event has outlived a tick, and goes on in overtime.
            self.runtime.block_on(tokio::task::yield_now());
        }
    }
}

/// See [`Stage::session`].
pub struct Frames {
    session: Session<Reel>,
    answer: usize,
    runtime: &'static Runtime,
}

impl Frames {
    /// The peer sends its input once more, and all of it is answered.
    pub fn turn(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        if let Some(reel) = self.session.stream() {
            reel.at = 0;
            reel.output = 0;
        }
        loop {
            let polled = self.session.poll_turns(&mut cx);
            assert!(polled.is_pending(), "the session has ended");
            let reel = self.session.stream().expect("a stream");
            if reel.at == reel.input.len() && reel.output >= self.answer {
                return;
            }
            // An event has outlived a tick, and goes on in overtime.
            self.runtime.block_on(tokio::task::yield_now());
        }
    }
}

/// A stream that has its input at once, and has room for all output.
struct Reel {
    input: Arc<[u8]>,
    at: usize,
    output: usize,
}

impl AsyncRead for Reel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = &self.input[self.at..];
        if left.is_empty() {
            return Poll::Pending;
        }
        let read = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..read]);
        self.at += read;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Reel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.output += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn peer() -> Peer {
    Peer::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000)))
}

/// Bytes of the masking key.
const MASK: usize = 4;

/// The frame of a client that carries a message (RFC 6455, section 5.2).
#[must_use]
pub fn masked(message: &Message) -> Vec<u8> {
    match message {
        Message::Text(text) => frame::masked(0x81, text.as_bytes()),
        Message::Binary(bytes) => frame::masked(0x82, bytes),
    }
}
