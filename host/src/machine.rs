//! What the machine, or the container around this process, has.

use std::path::{Path, PathBuf};

/// Bytes of memory that this process and its children may use: the least of the
/// machine's and of what its control groups allow.
pub(crate) fn memory() -> usize {
    let groups = control_groups().into_iter().filter_map(|file| number(&file));
    groups.chain(total_memory()).min().unwrap_or(usize::MAX)
}

fn total_memory() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The files that hold a limit: of version 2 one for each group from this
/// process's own up to the root, of version 1 the container's.
fn control_groups() -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from("/sys/fs/cgroup/memory/memory.limit_in_bytes")];
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let root = Path::new("/sys/fs/cgroup");
    let own = root.join(own);
    let above = own.ancestors().take_while(|group| group.starts_with(root));
    files.extend(above.map(|group| group.join("memory.max")));
    files
}

/// `max` is no number, and no limit.
fn number(file: &Path) -> Option<usize> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_some_memory_and_no_more_than_the_machine_has() {
        assert!((1 << 20..=total_memory().unwrap()).contains(&memory()));
    }
}
