//! The machine: what it is, and which core does what.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// The cores of server and client, where there are two.
#[derive(Clone, Debug)]
pub(crate) struct Pins {
    pub(crate) server: usize,
    client: usize,
    /// All that this process may use, as taskset takes them.
    all: String,
}

impl Pins {
    /// The first two cores that this process may use.
    pub(crate) fn of_this_machine() -> Option<Self> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let all = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?.trim();
        let mut cores = cores(all);
        Some(Self { server: cores.next()?, client: cores.next()?, all: all.to_owned() })
    }

    /// Binds the main thread, which is the client, to its core, or lets it run anywhere.
    pub(crate) fn bind_client(&self, bound: bool) -> Result<()> {
        let cores = if bound { self.client.to_string() } else { self.all.clone() };
        let mut command = Command::new("taskset");
        command.args(["-c", "-p", &cores, &std::process::id().to_string()]);
        let status = command.stdout(Stdio::null()).status();
        let status = status.context("taskset can't be started: see `scripts/setup bench`")?;
        ensure!(status.success(), "{command:?}: {status}");
        Ok(())
    }
}

/// The numbers in a list such as `0,2-3`.
fn cores(list: &str) -> impl Iterator<Item = usize> + '_ {
    let ends = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    list.split(',').filter_map(ends).flatten()
}

/// Processor, cores and kernel.
pub(crate) fn description() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model.trim());
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{model}, {} cores, Linux {}", crate::meter::cores(), kernel.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_cores_has_numbers_and_ranges() {
        assert_eq!(cores("0-1").collect::<Vec<_>>(), [0, 1]);
        assert_eq!(cores("3,5-7,9").collect::<Vec<_>>(), [3, 5, 6, 7, 9]);
        assert_eq!(cores("").count(), 0);
    }
}
