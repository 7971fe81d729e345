//! What WASI shows to a guest: a standard output and error that go to the log, clocks
//! and random numbers; no files, no network and no environment.

use std::sync::Arc;

use tracing::Level;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView};

use crate::guest_log::{Lines, Speaker};
use crate::guest_state::HOST_CALL_BYTES;

/// Resources (pollables, streams, …) that an instance may hold at a time.
const MAX_RESOURCES: usize = 4096;

/// Made when a guest first uses any of it, which lean ones never do.
pub(crate) struct Wasi {
    context: WasiCtx,
    resources: ResourceTable,
    output: [Lines; 2],
}

impl Wasi {
    pub(crate) fn new(speaker: &Arc<Speaker>) -> Self {
        let output =
            [Lines::new(speaker.clone(), Level::INFO), Lines::new(speaker.clone(), Level::WARN)];
        let context = WasiCtxBuilder::new()
            .stdout(output[0].clone())
            .stderr(output[1].clone())
            .max_random_size(HOST_CALL_BYTES as u64)
            .allow_tcp(false)
            .allow_udp(false)
            .build();
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
