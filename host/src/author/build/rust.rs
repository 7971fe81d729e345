//! Rust: cargo, for a target that is installed.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::tool::{self, Install};
use super::{Made, read};

const RUSTUP: Install =
    Install { apt: "", else_by: "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" };
/// Debian's own compiler with the standard library's source, which builds that itself.
const DEBIAN: &str = "/usr/bin/cargo";

/// How a component is built with what is installed.
enum Way {
    Target(&'static str),
    /// For wasm32-unknown-unknown, with a standard library that is built first.
    Debian {
        linker: PathBuf,
    },
}

/// A line of cargo's messages.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        manifest_path: PathBuf,
        target: Target,
        filenames: Vec<PathBuf>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

pub(super) fn make(project: &Path) -> Result<Made> {
    tool::need("cargo", "builds Rust", &RUSTUP)?;
    let way = way(project)?;
    let mut cargo = match &way {
        Way::Target(target) => {
            tool::announce("Rust", &format!("cargo, for {target}"));
            let mut cargo = tool::command("cargo", project);
            cargo.args(["build", "--release", "--target", target]);
            cargo
        }
        Way::Debian { linker } => {
            tool::announce("Rust", "Debian's cargo, for wasm32-unknown-unknown");
            let mut cargo = tool::command(DEBIAN, project);
            cargo.args(["build", "--release", "--target", "wasm32-unknown-unknown"]);
            cargo.arg("-Zbuild-std=std,panic_abort");
            cargo.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
            cargo
        }
    };
    cargo.arg("--message-format=json-render-diagnostics");
    cargo.stderr(Stdio::inherit());
    cargo.stdout(Stdio::piped());
    let messages = tool::run_for_output(cargo)?;
    let manifest = project.join("Cargo.toml").canonicalize();
    let manifest = manifest.with_context(|| format!("{}: has no Cargo.toml", project.display()))?;
    let messages = messages.split(|byte| *byte == b'\n');
    let messages = messages.filter_map(|line| serde_json::from_slice(line).ok());
    let mut module = None;
    for message in messages {
        let Message::CompilerArtifact { manifest_path, target, filenames } = message else {
            continue;
        };
        let is_ours =
            manifest_path == manifest && target.crate_types.iter().any(|of| of == "cdylib");
        if is_ours {
            let wasm = |file: &PathBuf| file.extension().is_some_and(|of| of == "wasm");
            module = filenames.into_iter().find(wasm);
        }
    }
    let Some(module) = module else {
        bail!(
            "{}: makes no component: say so in it, with\n\n    [lib]\n    crate-type = [\"cdylib\"]\n",
            manifest.display()
        );
    };
    Ok(Made { name: package_name(&manifest)?, component: read(&module)? })
}

fn package_name(manifest: &Path) -> Result<String> {
    let named = || format!("{}: can't be understood", manifest.display());
    let text = std::fs::read_to_string(manifest).with_context(named)?;
    let table: toml::Table = text.parse().with_context(named)?;
    let name = table.get("package").and_then(|package| package.get("name")?.as_str());
    Ok(name.with_context(|| format!("{}: names no package", manifest.display()))?.to_owned())
}

fn way(project: &Path) -> Result<Way> {
    let rustc = |args: &[&str]| {
        let mut rustc = tool::command("rustc", project);
        rustc.args(args);
        tool::output(rustc)
    };
    let sysroot = rustc(&["--print", "sysroot"]).map(PathBuf::from);
    let sysroot = sysroot.context("rustc can't be run: is Rust installed?")?;
    let libraries = sysroot.join("lib/rustlib");
    for target in ["wasm32-wasip2", "wasm32-unknown-unknown"] {
        if libraries.join(target).is_dir() {
            return Ok(Way::Target(target));
        }
    }
    let version = rustc(&["-vV"]).unwrap_or_default();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let linker = libraries.join(host).join("bin/rust-lld");
    let source = Path::new("/usr/lib/rustlib/src/rust/library").is_dir();
    if Path::new(DEBIAN).is_file() && source && linker.is_file() {
        return Ok(Way::Debian { linker });
    }
    bail!(
        "no target of Rust that makes components is installed: install one with\n\n    \
         rustup target add wasm32-wasip2\n"
    )
}
