//! `socklet inspect`: what a component is, without running any of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use serde::Serialize;
use socklet::{Printable, manifest};
use wasm_metadata::Producers;

use super::component::{self, Outside};
use crate::output::{print, print_to};

const EXAMPLES: &str = "\
Examples:
  socklet inspect handlers/chat.wasm
  socklet inspect chat.wasm --json | jq .imports

Exit codes: 0 when it is a component, of whatever world; 1 when it is none.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Inspect {
    /// The component
    file: PathBuf,
    /// As a JSON object
    #[arg(long)]
    json: bool,
}

/// The worlds of the package, and what each has beside `websocket-handler`.
const WORLDS: [(&str, &str); 6] = [
    ("websocket-handler", "socklet:websocket/handler"),
    ("looping-handler", "socklet:websocket/message-loop"),
    ("gated-handler", "socklet:websocket/gate"),
    ("topical-handler", "socklet:websocket/topics"),
    ("lasting-handler", "socklet:websocket/snapshot"),
    ("timed-handler", "socklet:websocket/alarm"),
];

/// What an import comes to.
const NEEDS: [(&str, &str); 8] = [
    ("wasi:http/outgoing-handler", "requests to hosts that allowed-hosts names in its manifest"),
    (
        "socklet:websocket/topics",
        "its own topics are always there; shared ones by publish and \
                                  subscribe in its manifest, within what the operator grants",
    ),
    ("socklet:websocket/timers", "timers, up to max-timers; always granted"),
    ("wasi:cli/environment", "variables that its manifest gives it; no others are there"),
    ("wasi:cli/stdout", "a standard output, which is the log"),
    ("wasi:filesystem/preopens", "files; none are ever shown to it"),
    ("wasi:sockets/tcp", "sockets; none can be opened"),
    ("wasi:random/random", "random numbers; always granted"),
];

#[derive(Serialize)]
struct Report {
    file: String,
    /// In bytes.
    size: usize,
    sha256: String,
    /// Whether this is what socklet serves.
    is_handler: bool,
    worlds: Vec<&'static str>,
    imports: Vec<String>,
    exports: Vec<String>,
    /// By import, what it is for.
    capabilities: BTreeMap<String, &'static str>,
    /// By field (`language`, `processed-by`, `sdk`), names with their versions.
    producers: BTreeMap<String, Vec<String>>,
    /// That it carries within itself.
    manifest: Option<String>,
}

impl Inspect {
    pub(crate) fn run(&self) -> Result<()> {
        let file = self.file.display();
        let bytes = std::fs::read(&self.file).with_context(|| format!("{file}: can't be read"))?;
        if component::is_core_module(&bytes) {
            bail!(
                "{file}: is a core module, not a component: build it with socklet build, or for \
                 wasm32-wasip2"
            );
        }
        if !bytes.starts_with(b"\0asm") {
            bail!("{file}: is not WebAssembly: give the .wasm file of a component");
        }
        let report = self.look_at(&bytes).with_context(|| {
            format!("{file}: is no component, or a damaged one: copy it again, or rebuild it")
        })?;
        match self.json {
            true => print(&format!("{}\n", serde_json::to_string_pretty(&report)?)),
            false => print_to(anstream::stdout(), &report.text()),
        }
    }

    fn look_at(&self, bytes: &[u8]) -> Result<Report> {
        let Outside { imports, exports, is_wit } = Outside::of(bytes)?;
        ensure!(!is_wit, "it holds WIT and no code");
        let all = || imports.iter().chain(&exports);
        let is = |name: &str, of: &str| name.split('@').next() == Some(of);
        let has = |of: &str| all().any(|name| is(name, of));
        let worlds: Vec<_> =
            WORLDS.iter().filter(|(_, of)| has(of)).map(|(world, _)| *world).collect();
        let need = |import: &String| {
            let (_, need) = NEEDS.iter().find(|(of, _)| is(import, of))?;
            Some((import.clone(), *need))
        };
        Ok(Report {
            file: self.file.display().to_string(),
            size: bytes.len(),
            sha256: sha256(bytes),
            is_handler: worlds.first() == Some(&WORLDS[0].0),
            capabilities: imports.iter().filter_map(need).collect(),
            worlds,
            imports,
            exports,
            producers: producers(bytes),
            manifest: manifest::embedded(bytes).context("its manifest")?,
        })
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn producers(bytes: &[u8]) -> BTreeMap<String, Vec<String>> {
    // A component without them is one all the same.
    let Ok(Some(producers)) = Producers::from_wasm(bytes) else { return BTreeMap::new() };
    let fields = producers.iter().map(|(field, values)| {
        let values = values.iter().map(|(name, version)| format!("{name} {version}"));
        (field.clone(), values.map(|value| value.trim().to_owned()).collect())
    });
    fields.collect()
}

impl Report {
    fn text(&self) -> String {
        let bold = anstyle::Style::new().bold();
        let size = bytesize::ByteSize(self.size as u64).display().iec();
        let mut text = format!("{bold}{}{bold:#}: a component of {size}\n", Printable(&self.file));
        let mut list = |title: &str, lines: &mut dyn Iterator<Item = String>| {
            for (number, line) in lines.enumerate() {
                let title = if number == 0 { title } else { "" };
                // Writing to a string does not fail.
                let _ = writeln!(text, "  {title:<10}{}", Printable(&line));
            }
        };
        let no_handler = "none of socklet's: it exports no socklet:websocket/handler@0.1.0";
        match self.is_handler {
            true => list("worlds", &mut std::iter::once(self.worlds.join(", "))),
            false => list("worlds", &mut std::iter::once(no_handler.to_owned())),
        }
        list("exports", &mut self.exports.iter().cloned());
        list("imports", &mut self.imports.iter().cloned());
        let needs = |(import, need): (&String, &&str)| format!("{import}: {need}");
        list("uses", &mut self.capabilities.iter().map(needs));
        let made =
            |(field, values): (&String, &Vec<String>)| format!("{field}: {}", values.join(", "));
        list("made by", &mut self.producers.iter().map(made));
        list(
            "manifest",
            &mut self.manifest.iter().flat_map(|text| text.lines().map(str::to_owned)),
        );
        list("sha256", &mut std::iter::once(self.sha256.clone()));
        text
    }
}
