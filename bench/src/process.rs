//! What the system says of processes: CPU time and memory of a whole tree.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// A process and its descendants, as they are now.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let stat = fs::read_to_string(entry.path().join("stat"));
        if let (Some(pid), Some(stat)) = (pid, stat.ok().as_deref().and_then(Stat::parse)) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let (mut found, mut next) = (vec![root], 0);
    while let Some(pid) = found.get(next) {
        found.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    found
}

/// CPU time of a process's tree, those that have ended and were waited for included.
/// The kernel gives it in ticks of 10 ms.
pub(crate) fn cpu(root: u32) -> Duration {
    let stat = |pid| fs::read_to_string(format!("/proc/{pid}/stat"));
    let ticks: u64 =
        tree(root).into_iter().filter_map(|pid| Some(Stat::parse(&stat(pid).ok()?)?.ticks)).sum();
    in_ticks(ticks)
}

/// The time that so many of the kernel's ticks are.
pub(crate) fn in_ticks(ticks: u64) -> Duration {
    Duration::from_secs(ticks)
        / u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100)
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// In user and system, own and of children that were waited for.
    ticks: u64,
}

impl Stat {
    fn parse(stat: &str) -> Option<Self> {
        // A command's name is in parentheses and may itself have some.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks =
            fields.get(11..15)?.iter().map(|ticks| ticks.parse::<u64>()).sum::<Result<_, _>>();
        Some(Self { parent: fields[1].parse().ok()?, ticks: ticks.ok()? })
    }
}

/// Bytes of memory of a process's tree.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// Pages that are resident, shared ones counted for each process.
    pub(crate) resident: u64,
    /// Those of them that no file is behind.
    pub(crate) anonymous: u64,
    /// Resident pages, shared ones divided by those who share them.
    pub(crate) proportional: u64,
}

impl Memory {
    pub(crate) fn of(root: u32) -> Result<Self> {
        let mut sum = Self::default();
        for pid in tree(root) {
            let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}"));
            let (status, rollup) = match (read("status"), read("smaps_rollup")) {
                (Ok(status), Ok(rollup)) => (status, rollup),
                // A child may end while it is looked at.
                _ if pid != root => continue,
                (status, rollup) => (status?, rollup?),
            };
            sum.resident += field(&status, "VmRSS:").context("no VmRSS")?;
            sum.anonymous += field(&status, "RssAnon:").context("no RssAnon")?;
            sum.proportional += field(&rollup, "Pss:").context("no Pss")?;
        }
        Ok(sum)
    }
}

/// A line such as `VmRSS:  12 kB`, in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_is_read_behind_the_commands_name() {
        let stat = "7 (a) b (c) S 3 7 7 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 1 0 99 0 0";
        assert_eq!(Stat::parse(stat), Some(Stat { parent: 3, ticks: 127 }));
        assert_eq!(Stat::parse("7 (a) S 3"), None);
    }

    #[test]
    fn a_field_is_told_in_bytes() {
        let status = "Name:\tx\nVmRSS:\t    2048 kB\nRssAnon:\t 3 kB\n";
        assert_eq!(field(status, "VmRSS:"), Some(2048 * 1024));
        assert_eq!(field(status, "Pss:"), None);
    }

    #[test]
    fn a_tree_has_the_children_and_their_cpu_time() {
        let spin = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; read line";
        let mut child = std::process::Command::new("sh")
            .args(["-c", &format!("sh -c '{spin}'; exit")])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while cpu(child.id()).is_zero() || tree(child.id()).len() < 2 {
            assert!(std::time::Instant::now() < deadline, "no CPU time of the grandchild");
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
