//! The machine: what it is, and which core does what.

use std::fs;

use anyhow::Result;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores of server and client, where there are two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pins {
    pub(crate) server: usize,
    client: usize,
    all: CpuSet,
}

impl Pins {
    /// The first two cores that this process may use.
    pub(crate) fn of_this_machine() -> Option<Self> {
        let all = sched_getaffinity(None).ok()?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core));
        Some(Self { server: cores.next()?, client: cores.next()?, all })
    }

    /// Binds this thread to the client's core, or lets it run anywhere.
    pub(crate) fn bind_client(&self, bound: bool) -> Result<()> {
        let mut one = CpuSet::new();
        one.set(self.client);
        Ok(sched_setaffinity(None, if bound { &one } else { &self.all })?)
    }
}

/// Processor, cores and kernel.
pub(crate) fn description() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model.trim());
    let uname = rustix::system::uname();
    let kernel = uname.release().to_string_lossy();
    format!("{model}, {} cores, Linux {kernel}", crate::meter::cores())
}
