//! The server as a whole: handlers in, bound listeners in, a shutdown future in.
//!
//! The caller binds and the caller decides when it ends, so that a test takes
//! port 0 and ends it cleanly.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accept::accept;
use crate::account::Totals;
use crate::admin::{self, AdminListener, State};
use crate::claim::Claim;
use crate::closing::HostClose;
use crate::component::{self, LoadError};
use crate::config::{Config, Timeouts};
use crate::embedded;
use crate::engine::{self, Engine};
use crate::files::Files;
use crate::host::Host;
use crate::listener::Listener;
use crate::loader::{Loader, wishes};
use crate::overtime::Overtime;
use crate::registry::Registry;
use crate::settings::Settings;
use crate::shedding;
use crate::tls::{Tls, TlsError};
use crate::watch::DirectoryWatcher;

/// Where the handlers come from.
#[derive(Clone, Debug)]
pub enum Handlers {
    /// The `.wasm` files below a directory, watched for changes.
    Directory(PathBuf),
    /// The examples inside the binary.
    Embedded,
}

/// What the server listens on: bound by the caller.
#[derive(Debug, Default)]
pub struct Listeners {
    /// For WebSocket clients.
    pub clients: Vec<Listener>,
    /// For an operator's tools.
    pub admin: Option<AdminListener>,
    /// Another process accepts on them until this one is ready.
    pub shared: bool,
}

/// One line of the table of routes.
#[derive(Clone, Debug)]
pub struct Route {
    /// The path as it is written in a URL, `/games/chess`, with captures as they are
    /// written in a manifest.
    pub path: String,
    /// Whether it has captures, and so is no URL.
    pub is_pattern: bool,
    /// The host that it is for; `None` for any.
    pub host: Option<String>,
    /// Whether a component serves it. The log says why not.
    pub loaded: bool,
}

/// Why a server can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// wasmtime refuses the settings, most likely for want of address space or
    /// because the cache can't be used.
    #[error(
        "can't set up the WebAssembly engine: {0:#}: where it is about memory, lower \
         --max-instances, --max-memory (at most 4GiB) or --max-table-elements"
    )]
    Engine(wasmtime::Error),
    /// The threads for long events can't be started.
    #[error("can't start the threads for long events: {0}")]
    Threads(std::io::Error),
    /// The files for TLS can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The directory of files can't be served.
    #[error("{}: its files can't be served: {why}: see --static", directory.display())]
    Files {
        /// The directory.
        directory: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An embedded example does not load: the binary was built wrong.
    #[error("the embedded handler {route}: {why}")]
    Embedded {
        /// Its route.
        route: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// A host that is set up and not yet serving.
pub struct Server {
    host: Arc<Host>,
    engine: Arc<Engine>,
    handlers: Handlers,
    tls: Option<Arc<Tls>>,
}

impl Server {
    /// Sets the engine up. It reserves address space, starts a thread for the clock
    /// and one a core for long events, and raises the process's limit of open files
    /// as far as it may.
    ///
    /// # Errors
    ///
    /// See [`ServerError`].
    pub fn new(mut config: Config, handlers: Handlers) -> Result<Self, ServerError> {
        check_files(&config, &handlers)?;
        config.policy.lower(&mut config.limits);
        let tls = config.tls.clone().map(Tls::new).transpose()?.map(Arc::new);
        let capacity = engine::capacity_for(config.max_instances);
        let engine = Engine::new(&config, capacity.instances).map_err(ServerError::Engine)?;
        let registry = Arc::new(Registry::new(Totals::new(&config)));
        let overtime = Overtime::new().map_err(ServerError::Threads)?;
        Ok(Self {
            host: Arc::new(Host::new(config, registry, overtime, capacity)),
            engine: Arc::new(engine),
            handlers,
            tls,
        })
    }

    /// Serves on `listeners` until `shutdown` completes and every connection has
    /// ended, or `shutdown-timeout` has passed; or until another process has
    /// `taken_over` and every connection has ended, each being closed in the course of
    /// `takeover-drain`.
    ///
    /// Sockets are accepted at once; a handler that is still being compiled
    /// answers 503. Embedded handlers are compiled before that, which takes up to
    /// a second, and a shutdown is seen after it. `ready` is called once, when
    /// everything that was there at the start is loaded or has failed.
    ///
    /// # Errors
    ///
    /// [`ServerError::Embedded`]. What goes wrong later is logged and survived.
    pub async fn serve(
        self,
        listeners: Listeners,
        ready: impl FnOnce(&[Route]),
        shutdown: impl Future<Output = ()>,
        taken_over: impl Future<Output = ()>,
    ) -> Result<(), ServerError> {
        let stop = CancellationToken::new();
        // Ends with this future, however that ends.
        let end = CancellationToken::new();
        let _ended = end.clone().drop_guard();
        let tasks = TaskTracker::new();
        let (first, loaded) = oneshot::channel();
        let (wish, wishes) = wishes();
        let loader = match &self.handlers {
            Handlers::Directory(root) => {
                let watcher = DirectoryWatcher::new(root);
                let mut loader = Loader::new(
                    root.clone(),
                    self.engine.clone(),
                    self.host.registry.clone(),
                    self.host.config.clone(),
                );
                loader.look().await;
                Some(tokio::spawn(loader.run(watcher, wishes, first)))
            }
            Handlers::Embedded => {
                self.load_embedded().await?;
                drop(first);
                None
            }
        };
        let (registry, stopped) = (self.host.registry.clone(), end.clone());
        tokio::spawn(async move { stopped.run_until_cancelled(shedding::shed(registry)).await });
        // Until the very end, unless another process answers operators.
        let operators = end.child_token();
        let accepting = stop.child_token();
        let files: Vec<_> = listeners.clients.iter().filter_map(Listener::left).collect();
        let shared = listeners.shared;
        let open = || {
            if let Some(admin) = listeners.admin {
                tokio::spawn(admin::serve(admin, self.host.clone(), wish, operators.clone()));
            }
            for listener in listeners.clients {
                let (host, tls) = (self.host.clone(), self.tls.clone());
                let (accepting, stop) = (accepting.clone(), stop.clone());
                tasks.spawn(accept(listener, host, tls, tasks.clone(), accepting, stop));
            }
        };
        let mut open = Some(open);
        if !shared && let Some(open) = open.take() {
            open();
        }
        if let Some(tls) = self.tls.clone() {
            let stop = end.clone();
            tokio::spawn(async move { stop.run_until_cancelled(tls.follow()).await });
        }
        tokio::pin!(shutdown);
        let serving = async {
            // An error says that there was nothing to wait for.
            let _ = loaded.await;
            if let Some(open) = open.take() {
                open();
            }
            self.host.readiness.set(State::Ready);
            ready(&self.routes());
            taken_over.await;
        };
        let taken_over = tokio::select! {
            () = serving => true,
            () = &mut shutdown => false,
        };
        if !taken_over {
            // Load balancers take it out first; until they have, it serves on.
            self.host.readiness.set(State::Stopping);
            sleep(self.host.config.timeouts.shutdown_delay).await;
        }
        if let Some(loader) = loader {
            loader.abort();
            // Half a swap would hide a generation from the close that follows.
            let _ = loader.await;
        }
        if taken_over {
            operators.cancel();
            accepting.cancel();
            files.iter().for_each(|left| left.store(true, Relaxed));
            tokio::select! {
                () = self.drain(&tasks) => return Ok(()),
                () = &mut shutdown => {}
            }
        }
        stop.cancel();
        self.end(&tasks).await;
        Ok(())
    }

    /// Lets the handshakes end that have begun, and then has the connections close one
    /// after the other: their peers find another process.
    async fn drain(&self, tasks: &TaskTracker) {
        let Timeouts { takeover_drain, handshake, shutdown, .. } = self.host.config.timeouts;
        tasks.close();
        let all = u32::try_from(self.host.max_handshakes).unwrap_or(u32::MAX);
        let longest = handshake.saturating_mul(3);
        let _ = timeout(longest, self.host.handshakes.acquire_many(all)).await;
        tracing::info!(
            connections = tasks.len(),
            "another process serves now: connections are closed over {takeover_drain:?} \
             (takeover-drain)"
        );
        self.host.registry.close_all(&HostClose::taken_over(takeover_drain));
        if timeout(takeover_drain + shutdown, tasks.wait()).await.is_err() {
            tracing::warn!("{} connections had not ended in time and are dropped", tasks.len());
        }
    }

    /// Closes every connection and waits for them. Their peers come back elsewhere, a
    /// hundred in a second, or faster where there would not be the time for that.
    async fn end(&self, tasks: &TaskTracker) {
        const EACH: Duration = Duration::from_millis(10);
        tasks.close();
        let Timeouts { shutdown: limit, close, .. } = self.host.config.timeouts;
        // The last one's closing handshake needs time as well.
        let longest = limit - close.min(limit / 2);
        let count = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
        let spread = EACH.saturating_mul(count).min(longest);
        self.host.registry.close_all(&HostClose::shutdown(spread));
        if timeout(limit, tasks.wait()).await.is_err() {
            tracing::warn!(
                "{} connections had not ended after {limit:?} (shutdown-timeout) and are dropped",
                tasks.len()
            );
        }
    }

    async fn load_embedded(&self) -> Result<(), ServerError> {
        for (route, bytes) in embedded::EXAMPLES {
            let broken = |why: LoadError| ServerError::Embedded { route, why: why.to_string() };
            let digest = component::digest_of(bytes);
            let prepared =
                component::prepare(&self.engine, bytes, &digest).await.map_err(broken)?;
            let settings = Settings::new(&self.host.config);
            component::try_out(&prepared, route, &settings).await.map_err(broken)?;
            let handler = self.host.registry.handler(route, &settings.limits);
            handler.swap(prepared, digest, settings, Instant::now());
            self.host.registry.insert(route, &handler, Claim::of_path(route));
        }
        Ok(())
    }

    fn routes(&self) -> Vec<Route> {
        let routes = self.host.registry.routes().into_iter();
        routes
            .map(|(claim, handler)| Route {
                is_pattern: claim.route.captures().next().is_some(),
                path: claim.route.to_string(),
                host: claim.host,
                loaded: handler.current().is_some(),
            })
            .collect()
    }
}

/// Whether the files that everybody is to get are there, and only those.
fn check_files(config: &Config, handlers: &Handlers) -> Result<(), ServerError> {
    let Some(directory) = &config.static_files else { return Ok(()) };
    let unfit = |why: String| ServerError::Files { directory: directory.clone(), why };
    Files::new(directory.clone()).check().map_err(|error| unfit(error.to_string()))?;
    let holds = |path: &Path| match (directory.canonicalize(), path.canonicalize()) {
        (Ok(directory), Ok(path)) => path.starts_with(directory),
        _ => false,
    };
    if let Handlers::Directory(root) = handlers
        && holds(root)
    {
        let root = root.display();
        return Err(unfit(format!("the handlers' directory, {root}, would be public with them")));
    }
    if let Some(cache) = &config.cache
        && holds(cache)
    {
        let cache = cache.display();
        return Err(unfit(format!(
            "the folder of compiled code, {cache}, would be public with them"
        )));
    }
    Ok(())
}
