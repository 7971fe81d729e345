//! The wasmtime engine: its settings, its pool, its clock and its linker.
//!
//! Lean on purpose: no component-model concurrency (an event is three times
//! cheaper without), epochs instead of fuel (free as long as none passes), and
//! pooled instances.

use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::clock::Clock;
use crate::compiler::Compiler;
use crate::config::Config as Settings;
use crate::guest_state::GuestState;
use crate::host::Full;
use crate::imports;
use crate::instances::MAX_MOVES;
use crate::queue::MAX_JOBS;

/// Mappings that one pooled instance may cost: its memory with a copy-on-write
/// image, and its stack's guard.
const MAPPINGS_PER_INSTANCE: usize = 6;
/// Mappings left to everything else: code, thread stacks, the heap.
const RESERVED_MAPPINGS: usize = 5_000;
/// Core instances in one component; interpreters come to dozens.
const MAX_CORE_INSTANCES: u32 = 200;
/// Memories and tables of one component. There are slots of each for as many
/// components as there may be instances, so that instances are what runs out.
const MAX_MEMORIES: u32 = 2;
const MAX_TABLES: u32 = 16;
/// Live instances for which there is address space: each memory reserves 4 GiB
/// and a guard of 32 MiB, of the 128 TiB that a process has.
const MAX_INSTANCES: usize = 14_000;
/// Bytes of an instance's memory, and of its tables, that stay with its slot when it is
/// gone. The pool keeps some hundred slots like that.
const KEEP_RESIDENT: usize = 64 * 1024;
/// What the host's functions may use of a stack, beyond the guest's part.
const HOST_STACK: usize = 1 << 20;

/// The engine and what guests may import.
pub(crate) struct Engine {
    wasm: wasmtime::Engine,
    linker: Linker<GuestState>,
    compiler: Compiler,
    clock: Arc<Clock>,
}

impl Engine {
    /// `max_instances` is how many may be live at a time.
    pub(crate) fn new(settings: &Settings, max_instances: usize) -> wasmtime::Result<Self> {
        let mut config = code_settings();
        config
            .max_wasm_stack(settings.max_stack)
            .async_stack_size(settings.max_stack + HOST_STACK)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(
                settings,
                max_instances,
            )));
        let wasm = wasmtime::Engine::new(&config)?;
        let compiler = Compiler::new(
            &wasm,
            settings.compiler.as_deref(),
            settings.compile_limits,
            settings.cache.as_deref(),
            settings.max_cache_size,
        )?;
        let clock = Arc::new(Clock::start(wasm.clone()));
        let linker = imports::linker(&wasm)?;
        Ok(Self { wasm, linker, compiler, clock })
    }

    pub(crate) fn wasm(&self) -> &wasmtime::Engine {
        &self.wasm
    }

    pub(crate) fn compiler(&self) -> &Compiler {
        &self.compiler
    }

    pub(crate) fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    pub(crate) fn linker(&self) -> &Linker<GuestState> {
        &self.linker
    }
}

/// What the code itself depends on. How instances are allocated does not.
fn code_settings() -> Config {
    let mut config = Config::new();
    config.concurrency_support(false).epoch_interruption(true);
    config
}

/// An engine that makes the same code and runs none.
pub(crate) fn for_compiling() -> wasmtime::Result<wasmtime::Engine> {
    wasmtime::Engine::new(&code_settings())
}

/// How many instances may be live at a time: as many as were asked for, but no more
/// than fit.
pub(crate) fn capacity_for(asked: Option<usize>) -> Capacity {
    let fit = instances_that_fit();
    match asked {
        Some(instances) if instances <= fit => Capacity { instances, limit: Full::Instances },
        Some(instances) => {
            tracing::warn!(
                "max-instances is {fit} and not {instances}: more would not fit into memory \
                 mappings: raise vm.max_map_count with sysctl (it counts up to {MAX_INSTANCES})"
            );
            Capacity { instances: fit, limit: Full::Mappings }
        }
        None => Capacity { instances: fit, limit: Full::Mappings },
    }
}

/// Room for instances, and what it is named after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    pub(crate) instances: usize,
    pub(crate) limit: Full,
}

/// Live instances that the kernel has room for. Past `vm.max_map_count` mmap
/// fails, and what fails then is whatever asks next: so stay below it.
fn instances_that_fit() -> usize {
    const LINUX_DEFAULT: usize = 65_530;
    let mappings = std::fs::read_to_string("/proc/sys/vm/max_map_count")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(LINUX_DEFAULT);
    (mappings.saturating_sub(RESERVED_MAPPINGS) / MAPPINGS_PER_INSTANCE).clamp(16, MAX_INSTANCES)
}

/// Slots are address space, not memory: what is not touched costs nothing. The
/// pool's size of a core instance is only a bound, so one pool serves lean
/// guests and interpreters alike.
fn pool(settings: &Settings, max_instances: usize) -> PoolingAllocationConfig {
    // What is tried out while it is loaded, and what takes over from an instance that is
    // still there, take nothing from those that serve.
    let instances = max_instances.saturating_add(MAX_JOBS + MAX_MOVES.min(max_instances));
    let instances = u32::try_from(instances).unwrap_or(u32::MAX / MAX_CORE_INSTANCES);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .max_component_instance_size(16 << 20)
        .total_core_instances(instances.saturating_mul(MAX_CORE_INSTANCES))
        .max_core_instances_per_component(MAX_CORE_INSTANCES)
        .max_core_instance_size(16 << 20)
        .total_memories(instances.saturating_mul(MAX_MEMORIES))
        .max_memories_per_component(MAX_MEMORIES)
        .max_memory_size(settings.policy.largest_memory(settings.limits.max_memory))
        .total_tables(instances.saturating_mul(MAX_TABLES))
        .max_tables_per_component(MAX_TABLES)
        .max_tables_per_module(MAX_TABLES)
        .table_elements(settings.max_table_elements)
        .total_stacks(instances)
        // What an instance has touched is cleared rather than given back, up to this:
        // the next one pays no page faults for it.
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        .pagemap_scan(Enabled::Auto)
        .total_gc_heaps(instances.min(1000));
    pool
}
