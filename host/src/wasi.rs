//! What WASI shows to a guest: a standard output and error that go to the log, clocks,
//! random numbers, the environment that its manifest gives it, and requests to the hosts
//! that this allows; no files and no sockets.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::runtime::Handle;
use tracing::Level;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView};
use wasmtime_wasi_http::WasiHttpCtxView;

use crate::guest_log::{Lines, Speaker};
use crate::guest_state::HOST_CALL_BYTES;
use crate::settings::Settings;
use crate::upstream::{Rules, Upstream};

/// Resources (pollables, streams, …) that an instance may hold at a time.
const MAX_RESOURCES: usize = 4096;
/// With `wasi:http` each of them may hold header fields.
const MAX_HTTP_RESOURCES: usize = 512;

/// What the guests of one generation see beside what is there for all.
#[derive(Debug, Default)]
pub(crate) struct World {
    environment: Vec<(String, String)>,
    coarse_clocks: bool,
    upstream: Arc<Rules>,
    /// Where sockets are watched; none where no guest gets to send a request.
    pub(crate) runtime: Option<Handle>,
}

impl World {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            environment: settings.environment.clone(),
            coarse_clocks: settings.coarse_clocks,
            upstream: Arc::new(Rules::new(settings)),
            runtime: Handle::try_current().ok(),
        }
    }
}

/// Clocks that tell no more than milliseconds: too little to see what else the
/// processor is doing.
struct CoarseClock {
    started: Instant,
}

const COARSE: Duration = Duration::from_millis(1);

fn coarse(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

impl HostWallClock for CoarseClock {
    fn resolution(&self) -> Duration {
        COARSE
    }

    fn now(&self) -> Duration {
        coarse(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

impl HostMonotonicClock for CoarseClock {
    fn resolution(&self) -> u64 {
        COARSE.as_nanos() as u64
    }

    fn now(&self) -> u64 {
        u64::try_from(coarse(self.started.elapsed()).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Made when a guest first uses any of it, which lean ones never do.
pub(crate) struct Wasi {
    context: WasiCtx,
    resources: ResourceTable,
    upstream: Upstream,
    output: [Lines; 2],
}

impl Wasi {
    pub(crate) fn new(speaker: &Arc<Speaker>, world: &World) -> Self {
        let output =
            [Lines::new(speaker.clone(), Level::INFO), Lines::new(speaker.clone(), Level::WARN)];
        let mut context = WasiCtxBuilder::new();
        context
            .stdout(output[0].clone())
            .stderr(output[1].clone())
            .max_random_size(HOST_CALL_BYTES as u64)
            .allow_tcp(false)
            .allow_udp(false)
            .envs(&world.environment);
        if world.coarse_clocks {
            let clock = || CoarseClock { started: Instant::now() };
            context.wall_clock(clock()).monotonic_clock(clock());
        }
        let context = context.build();
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(match world.upstream.allow_any() {
            true => MAX_HTTP_RESOURCES,
            false => MAX_RESOURCES,
        });
        let upstream = Upstream::new(speaker.clone(), world.upstream.clone());
        Self { context, resources, upstream, output }
    }

    pub(crate) fn view(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.context, table: &mut self.resources }
    }

    pub(crate) fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.upstream.view(&mut self.resources)
    }
}

impl Drop for Wasi {
    fn drop(&mut self) {
        for lines in &self.output {
            lines.finish();
        }
    }
}
