//! `socklet build`: one checked component, by the language's own tools.

mod native;
mod rust;
mod script;
pub(super) mod tool;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use socklet::config::Config;
use socklet::inspect;

use super::component;
use super::language::Language;
use crate::output::print;
use crate::replace::{folder_of, replace};

const EXAMPLES: &str = "\
Examples:
  socklet build                  the project in this folder, to handlers/
  socklet build games/chess -o /srv/handlers/chess.wasm

Exit codes: 0 when the component is there and would be served; 1 when it can't be built, or would
not be served.";

/// Where a component goes, in its project.
const OUTPUT: &str = "handlers";
/// What takes longer is announced.
const SOON: Duration = Duration::from_secs(1);

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Build {
    /// The project's folder
    #[arg(default_value = ".", value_name = "PATH")]
    project: PathBuf,
    /// What it is written in [default: by the project's files]
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Option<Language>,
    /// Where the component goes [default: handlers/NAME.wasm in the project]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where compiled handlers are kept, for `serve` as well [default: socklet in the user's cache
    /// folder]
    #[arg(long, value_name = "DIR", env = "SOCKLET_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Componentize {
    /// The core module
    module: PathBuf,
    /// Where the component goes
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

impl Componentize {
    pub(crate) fn run(&self) -> Result<()> {
        let (name, module) = (self.module.display().to_string(), read(&self.module)?);
        check_handler(&name, &module, "implement its functions, and link the SDK")?;
        let component = of_module(&name, &module)?;
        keep_up(&self.output, &component)
    }
}

/// A component, and what it is called in its project.
pub(super) struct Made {
    pub(super) name: String,
    pub(super) component: Vec<u8>,
}

impl Build {
    pub(crate) fn run(&self, cache: Option<PathBuf>) -> Result<ExitCode> {
        let started = Instant::now();
        if let Some(output) = &self.output {
            let is_wasm = output.extension().is_some_and(|of| of == "wasm");
            let output = output.display();
            ensure!(
                is_wasm,
                "{output}: ends with something else than .wasm, and would not be served: name it NAME.wasm"
            );
        }
        let language = Language::of(&self.project, self.lang)?;
        let made = make(&self.project, language)?;
        let output = match &self.output {
            Some(output) => output.clone(),
            None => {
                let folder = self.project.join(OUTPUT);
                let folder = folder.strip_prefix(".").unwrap_or(&folder);
                folder.join(format!("{}.wasm", made.name))
            }
        };
        put(&self.project, &made, &output)?;
        let report = check(&output, cache)?;
        let size = bytesize::ByteSize(made.component.len() as u64).display().iec();
        let took = started.elapsed().as_secs_f64();
        print(&format!("{}: {size}, in {took:.1} s\n{}", output.display(), report.brief()))?;
        Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Has the language's tools build the project, and makes a component of what they leave.
pub(super) fn make(project: &Path, language: Language) -> Result<Made> {
    let made = match language {
        Language::Rust => rust::make(project),
        Language::Js | Language::Ts => script::js(project),
        Language::Python => script::python(project),
        Language::Go => native::go(project),
        Language::C | Language::Cpp => native::c(project, language),
        Language::Zig => native::zig(project),
    };
    let Made { name, component } = made?;
    check_name(&name)?;
    check_handler(&name, &component, language.how_to_export())?;
    let component = match component::is_core_module(&component) {
        false => component,
        true => of_module(&name, &component)?,
    };
    Ok(Made { name, component })
}

fn of_module(name: &str, module: &[u8]) -> Result<Vec<u8>> {
    component::of_module(module).with_context(|| format!("{name}: can't be made a component"))
}

fn check_handler(name: &str, component: &[u8], how: &str) -> Result<()> {
    let is_handler = component::is_handler(component).with_context(|| name.to_owned())?;
    ensure!(
        is_handler,
        "{name}: exports nothing of socklet:websocket/handler@0.1.0, so that it is no handler: {how}"
    );
    Ok(())
}

/// What a project calls itself becomes a file's name.
fn check_name(name: &str) -> Result<()> {
    ensure!(
        !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']),
        "{name:?} can't be a file's name: give the project another one"
    );
    Ok(())
}

/// Puts the component where it goes, with the manifest that the project has for it.
pub(super) fn put(project: &Path, made: &Made, output: &Path) -> Result<()> {
    let folder = folder_of(output);
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{}: can't be made", folder.display()))?;
    let manifest = project.join(format!("{}.toml", made.name));
    let target = output.with_extension("toml");
    // First, so that whoever serves the folder has both when the component comes.
    if manifest.is_file() && !same_file(&manifest, &target) {
        keep_up(&target, &read(&manifest)?)?;
    } else if !manifest.is_file() && same_file(folder, &project.join(OUTPUT)) {
        // It was the project's, which has none any more.
        let removed = std::fs::remove_file(&target);
        if let Err(error) = removed
            && error.kind() != std::io::ErrorKind::NotFound
        {
            bail!("{}: can't be removed: {error}", target.display());
        }
    }
    keep_up(output, &made.component)
}

fn same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Replaces a file only where it changes: who watches it has no use for anything else.
fn keep_up(path: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    replace(path, bytes).with_context(|| format!("{}: can't be written", path.display()))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("{}: can't be read", file.display()))
}

/// What serving it would say.
fn check(file: &Path, cache: Option<PathBuf>) -> Result<inspect::Report> {
    let config = Config {
        cache,
        compiler: Some("/proc/self/exe".into()),
        max_instances: Some(1),
        ..Config::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let files = [file.to_owned()];
        let check = inspect::check(&files, None, config);
        let mut check = std::pin::pin!(check);
        let mut reports = match tokio::time::timeout(SOON, &mut check).await {
            Ok(reports) => reports?,
            Err(_) => {
                eprintln!("socklet: compiling {}, for its check", file.display());
                check.await?
            }
        };
        reports.pop().context("there is no report")
    })
}

/// The one file of a folder with this ending.
fn only_file(folder: &Path, ending: &str) -> Result<PathBuf> {
    let has = |path: &Path| {
        let name = path.file_name().and_then(OsStr::to_str);
        name.is_some_and(|name| name.ends_with(ending) && name.len() > ending.len())
    };
    let entries = std::fs::read_dir(folder).with_context(|| {
        format!("{}: can't be read: it should hold *{ending}", folder.display())
    })?;
    let found = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| has(path));
    let found: Vec<_> = found.collect();
    match &found[..] {
        [file] => Ok(file.clone()),
        [] => bail!("{}: there is no *{ending} in it", folder.display()),
        [one, other, ..] => bail!(
            "{}: which one is it, {} or {}? Remove what is old",
            folder.display(),
            one.display(),
            other.display()
        ),
    }
}
