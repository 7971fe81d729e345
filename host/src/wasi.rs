//! What WASI shows to a guest: a standard output and error that go to the log, clocks,
//! random numbers, and the environment that its manifest gives it; no files and no
//! network.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tracing::Level;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView};

use crate::guest_log::{Lines, Speaker};
use crate::guest_state::HOST_CALL_BYTES;
use crate::settings::Settings;

/// Resources (pollables, streams, …) that an instance may hold at a time.
const MAX_RESOURCES: usize = 4096;

/// What the guests of one generation see beside what is there for all.
#[derive(Debug, Default)]
pub(crate) struct World {
    environment: Vec<(String, String)>,
    coarse_clocks: bool,
}

impl World {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { environment: settings.environment.clone(), coarse_clocks: settings.coarse_clocks }
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
        resources.set_max_capacity(MAX_RESOURCES);
        Self { context, resources, output }
    }

    pub(crate) fn view(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.context, table: &mut self.resources }
    }
}

impl Drop for Wasi {
    fn drop(&mut self) {
        for lines in &self.output {
            lines.finish();
        }
    }
}
