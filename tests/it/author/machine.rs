//! A machine that has only what a README installs, as far as one that has more can be one:
//! another HOME, and a PATH with the programs of some packages of Debian's.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::command;
use crate::harness::binary;

pub(super) struct Machine {
    /// The user's home, which is empty at first.
    home: TempDir,
    /// Programs; None where all of this machine's are there.
    programs: Option<TempDir>,
}

impl Machine {
    /// With socklet, what every Debian has, and these packages. None where the system is no
    /// Debian.
    pub(super) fn with(packages: &BTreeSet<String>) -> Option<Self> {
        let programs = TempDir::new().unwrap();
        for program in programs_of(packages)? {
            let name = program.file_name().unwrap();
            // The first of a name: /bin and /usr/bin are one.
            let _ = symlink(&program, programs.path().join(name));
        }
        symlink(binary(), programs.path().join("socklet")).unwrap();
        Some(Self { home: TempDir::new().unwrap(), programs: Some(programs) })
    }

    /// With all that this machine has.
    pub(super) fn with_everything() -> Self {
        Self { home: TempDir::new().unwrap(), programs: None }
    }

    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs these commands in a folder of the home, until one fails.
    pub(super) fn shell(&self, folder: &str, commands: &str) -> tokio::process::Command {
        let mut shell = command("/bin/sh", &self.home().join(folder));
        shell.args(["-euc", commands]);
        match &self.programs {
            Some(programs) => {
                // Where pip puts programs, which Debian's own profile has on the PATH.
                let local = self.home().join(".local/bin");
                let path = std::env::join_paths([&local, programs.path()]).unwrap();
                shell.env("PATH", path).env("HOME", self.home());
            }
            None => {
                let folder = binary().parent().unwrap().to_owned();
                let path = std::env::var_os("PATH").unwrap_or_default();
                let path = [folder].into_iter().chain(std::env::split_paths(&path));
                shell.env("PATH", std::env::join_paths(path).unwrap());
            }
        }
        // What was fetched once, and what compilers build for themselves.
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages");
        for (variable, part) in [
            ("PIP_CACHE_DIR", "pip"),
            ("npm_config_cache", "npm"),
            ("GOCACHE", "go"),
            ("ZIG_GLOBAL_CACHE_DIR", "zig"),
        ] {
            shell.env(variable, cache.join(part));
        }
        for variable in ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "VIRTUAL_ENV", "PYTHONPATH"] {
            shell.env_remove(variable);
        }
        shell
    }
}

/// What the packages of this machine are: a line of dpkg's for each.
fn packages() -> Option<BTreeMap<String, Package>> {
    let mut dpkg = Command::new("dpkg-query");
    dpkg.args(["--show", "--showformat"]);
    dpkg.arg("${Package}\t${Priority}\t${Essential}\t${Pre-Depends},${Depends}\t${Provides}\n");
    let output = dpkg.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).unwrap();
    let mut packages = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        let [name, priority, essential, needs, provides] = fields[..] else {
            panic!("dpkg-query says {line}");
        };
        let package = Package {
            is_base: essential == "yes" || matches!(priority, "required" | "important"),
            needs: names(needs),
            provides: names(provides),
        };
        packages.insert(name.to_owned(), package);
    }
    Some(packages)
}

struct Package {
    is_base: bool,
    needs: Vec<String>,
    provides: Vec<String>,
}

/// The names in a list such as `libc6 (>= 2.34), python3:any | python3-minimal`.
fn names(list: &str) -> Vec<String> {
    let name = |entry: &str| {
        let entry = entry.trim();
        let end = entry.find([' ', ':', '(']).unwrap_or(entry.len());
        entry[..end].to_owned()
    };
    list.split([',', '|']).map(name).filter(|name| !name.is_empty()).collect()
}

/// The programs of these packages, of all that they need, and of what every Debian has.
fn programs_of(wanted: &BTreeSet<String>) -> Option<Vec<PathBuf>> {
    let packages = packages()?;
    let base = packages.iter().filter(|(_, package)| package.is_base).map(|(name, _)| name);
    let mut open: Vec<String> = base.chain(wanted).cloned().collect();
    let mut there = BTreeSet::new();
    while let Some(name) = open.pop() {
        let by_name = packages.get_key_value(&name).into_iter();
        let virtual_one = packages.iter().filter(|(_, package)| package.provides.contains(&name));
        for (name, package) in by_name.chain(virtual_one) {
            if there.insert(name.clone()) {
                open.extend(package.needs.iter().cloned());
            }
        }
    }
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir("/var/lib/dpkg/info").ok()? {
        let path = entry.unwrap().path();
        let Some(name) = path.file_name().unwrap().to_str().unwrap().strip_suffix(".list") else {
            continue;
        };
        if there.contains(name.split(':').next().unwrap()) {
            let list = std::fs::read_to_string(&path).unwrap();
            files.extend(list.lines().map(PathBuf::from));
        }
    }
    let folders = ["/bin", "/sbin", "/usr/bin", "/usr/sbin"].map(Path::new);
    let is_program = |file: &Path| file.parent().is_some_and(|folder| folders.contains(&folder));
    let mut programs: Vec<_> = files.iter().filter(|file| is_program(file)).cloned().collect();
    // What is chosen among several, such as `awk`.
    for entry in std::fs::read_dir("/etc/alternatives").ok()? {
        let link = entry.unwrap().path();
        if std::fs::read_link(&link).is_ok_and(|file| is_program(&file) && files.contains(&file)) {
            programs.push(link);
        }
    }
    Some(programs)
}
