//! From the bytes of a file to a component that can be instantiated, or to an
//! error that says what is wrong with it and what to do.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::time::timeout;
use wasmtime::component::Component;

use crate::account::{Account, Totals};
use crate::compiler::CompileError;
use crate::config::Config;
use crate::directory::{Fingerprint, Found};
use crate::engine::Engine;
use crate::failure::{Failure, Reason, one_line};
use crate::generation::Generation;
use crate::guards::{Guards, Lost};
use crate::instance::{Instance, Prepared};
use crate::manifest::asked::{self, Wrong};
use crate::settings::Settings;
use crate::state::Version;
use crate::wasi::World;

/// What every interface of the package begins with.
const PACKAGE: &str = "socklet:websocket/";
const HANDLER: &str = "socklet:websocket/handler";
/// What a component may export of the package.
const EXPORTS: [&str; 5] = ["handler", "gate", "message-loop", "snapshot", "alarm"];
/// The version of the package that this host serves.
const VERSION: &str = "0.1.0";
/// A larger file is refused before it is read.
const MAX_SIZE: u64 = 256 * 1024 * 1024;

/// Why a file can't be served. Shown behind the file's path.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("can't be read: {0}: check the file and its permissions")]
    Read(#[from] io::Error),
    #[error("is {0} bytes long, more than the {MAX_SIZE} that are served: build it smaller")]
    TooLarge(u64),
    #[error("is empty: copy or build it again")]
    Empty,
    #[error("is not WebAssembly (it begins with {0}): put a component here")]
    NotWasm(String),
    #[error(
        "is a core module, not a component: build for wasm32-wasip2, \
         or make it a component with `wasm-tools component new`"
    )]
    CoreModule,
    #[error("is not a valid component: {0}: copy it again, or rebuild it")]
    Invalid(String),
    #[error(
        "exports no {HANDLER}@{VERSION} (found {0}): rebuild it against 0.1, or update the host"
    )]
    OtherVersion(String),
    /// A gate that is not called would let everybody in.
    #[error(
        "exports {0}, which this host does not know (it knows handler, gate, message-loop, \
         snapshot and alarm of {VERSION}): rebuild it against {VERSION}, or update the host"
    )]
    UnknownExport(String),
    #[error("exports no {HANDLER}@{VERSION} (it exports {0}): build it against that world")]
    NoHandler(String),
    /// Nobody would hear of the timers that it sets.
    #[error(
        "imports {PACKAGE}timers and exports no {PACKAGE}alarm@{VERSION}: export that as well \
         (in Rust by `+ Alarm` in export!), or set no timers"
    )]
    NoAlarm,
    #[error("imports what this host does not offer: {0}: remove that import, or update the host")]
    Import(String),
    #[error(
        "imports wasi:http, and no host is allowed for it: name those that it sends requests to \
         in its manifest ([capabilities], allowed-hosts = [\"api.example.com\"])"
    )]
    Http,
    #[error("exports {HANDLER} with other types: {0}: rebuild it against {VERSION}")]
    Types(String),
    #[error(
        "does not fit into an instance: {0}: build it smaller, or raise the limit \
         (--max-memory, --max-table-elements)"
    )]
    Limit(String),
    #[error("can't be compiled: {0}: build it smaller, or raise the limit")]
    Compile(CompileError),
    #[error("can't be compiled: {0}: it is tried again")]
    NotNow(CompileError),
    #[error("can't be tried out: {0}: it is tried again")]
    Full(Failure),
    #[error("can't be instantiated: {0}: what it does at its start has to succeed")]
    Start(Failure),
    #[error("is damaged or gone in {}", .0.display())]
    NotKept(PathBuf),
    /// Shown behind the path of the file that it names.
    #[error("{}", .0.summary())]
    Manifest(Wrong),
    #[error(
        "has {0}, which what is running has: put it back; or, where it is to go, remove the \
         handler until the log says that it is served no more, and put it there anew"
    )]
    Lost(Lost),
}

impl LoadError {
    /// Whether the same file may be loaded another time. The rest is up to the file.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Read(_) | Self::NotNow(_) | Self::Full(_))
    }

    /// Each thing that is wrong: of a manifest there may be several.
    pub(crate) fn each(&self) -> Vec<String> {
        match self {
            Self::Manifest(wrong) => wrong.what.clone(),
            other => vec![other.to_string()],
        }
    }

    /// The file that it is about, where that is not the component's.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Manifest(wrong) => Some(&wrong.file),
            _ => None,
        }
    }
}

/// What reading a file came to.
pub(crate) enum Loaded {
    Component {
        prepared: Prepared,
        digest: [u8; 32],
        bytes: Vec<u8>,
    },
    /// It is what was rolled back, and has not changed since.
    Held,
    /// It is what is served.
    Same,
    /// It has to be compiled, and was not to be yet.
    Uncompiled,
    /// It was written to, replaced or removed since it was seen: look again.
    Changing,
}

/// What is to be loaded, and what that may cost.
pub(crate) struct Order {
    pub(crate) file: Found,
    /// Where it has to lie, wherever symlinks lead; none where that doesn't matter.
    pub(crate) within: Option<PathBuf>,
    /// What is served already.
    pub(crate) running: Option<Arc<Generation>>,
    /// Whether it may be compiled, if it has not been yet.
    pub(crate) compile: bool,
    /// What it must not hold.
    pub(crate) held: Option<Version>,
    pub(crate) settings: Settings,
}

/// Reads, checks and compiles one file of the handler `name`. It blocks, for seconds
/// with a large file. Called on a blocking thread of a runtime.
pub(crate) fn load(engine: &Engine, order: &Order, name: &str) -> Result<Loaded, LoadError> {
    let Some(bytes) = read(&order.file, order.within.as_deref())? else {
        return Ok(Loaded::Changing);
    };
    load_bytes(engine, bytes, order, name)
}

/// The same with what a file holds, or has held.
pub(crate) fn load_bytes(
    engine: &Engine,
    bytes: Vec<u8>,
    order: &Order,
    name: &str,
) -> Result<Loaded, LoadError> {
    let Order { running, compile, held, settings, .. } = order;
    let digest = digest_of(&bytes);
    if held.as_ref() == Some(&Version::new(&digest, settings.manifest_text.as_deref())) {
        return Ok(Loaded::Held);
    }
    let running = running.as_deref();
    let same = running.filter(|running| running.digest == digest);
    if same.is_some_and(|same| same.settings.are(settings)) {
        return Ok(Loaded::Same);
    }
    let runtime = Handle::current();
    let prepared = match same {
        // Only its manifest has changed, or a key that it names.
        Some(same) => same.prepared.clone(),
        None => {
            if !compile && check_header(&bytes).is_ok() && !engine.compiler().has(&digest) {
                return Ok(Loaded::Uncompiled);
            }
            runtime.block_on(prepare(engine, &bytes, &digest))?
        }
    };
    if let Some(running) = running
        && let Some(lost) = Guards::of(running).lost_by(Guards::new(settings, &prepared))
    {
        return Err(LoadError::Lost(lost));
    }
    let prepared = prepared.within(World::new(settings));
    runtime.block_on(try_out(&prepared, name, settings))?;
    Ok(Loaded::Component { prepared, digest, bytes })
}

pub(crate) fn digest_of(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The file's bytes, or none where it is not what the scan saw any more.
pub(crate) fn read(found: &Found, within: Option<&Path>) -> Result<Option<Vec<u8>>, LoadError> {
    let Some(mut file) = asked::open(&found.path, found.fingerprint, within)? else {
        return Ok(None);
    };
    let length = file.metadata()?.len();
    if length > MAX_SIZE {
        return Err(LoadError::TooLarge(length));
    }
    // A file that grows meanwhile is read no further, and is not the same any more.
    let mut bytes = Vec::new();
    (&mut file).take(length).read_to_end(&mut bytes)?;
    let same = Fingerprint::of(&file.metadata()?) == found.fingerprint;
    Ok(same.then_some(bytes))
}

/// Compiles a component and links it, without instantiating it.
pub(crate) async fn prepare(
    engine: &Engine,
    bytes: &[u8],
    digest: &[u8; 32],
) -> Result<Prepared, LoadError> {
    check_header(bytes)?;
    let component =
        engine.compiler().component(bytes, digest).await.map_err(|error| match error {
            CompileError::Invalid(message) => LoadError::Invalid(message),
            CompileError::Unfit(message) => LoadError::Limit(message),
            passing if passing.is_passing() => LoadError::NotNow(passing),
            other => LoadError::Compile(other),
        })?;
    check_exports(engine, &component)?;
    let linked = engine
        .linker()
        .instantiate_pre(&component)
        .map_err(|error| LoadError::Import(Reason(error).chain()))?;
    Prepared::new(linked, engine.clock().clone())
        .map_err(|error| LoadError::Types(Reason(error).chain()))
}

/// Instantiates it once, and drops it: what can't start is refused here, where
/// the old generation can serve on, and not at each handshake.
pub(crate) async fn try_out(
    prepared: &Prepared,
    name: &str,
    settings: &Settings,
) -> Result<(), LoadError> {
    if prepared.imports_http() && settings.allowed_hosts.is_empty() {
        return Err(LoadError::Http);
    }
    let (limits, start) = (&settings.limits, settings.timeouts.handshake);
    let unseen = Config { limits: limits.clone(), ..Config::default() };
    let account = Account::new(format!("{name} (loading)").into(), limits, &Totals::new(&unseen));
    let account = Arc::new(account);
    let instance = Instance::new(prepared, settings, &account, 0, prepared.meter());
    match timeout(start, instance).await.unwrap_or(Err(Failure::Start(start))) {
        Ok(_) => Ok(()),
        // That says nothing about the component: another time, then.
        Err(failure) if failure.is_of_the_host() => Err(LoadError::Full(failure)),
        Err(Failure::Trap(reason)) if !reason.is_trap() => Err(LoadError::Types(reason.chain())),
        Err(failure) => Err(LoadError::Start(failure)),
    }
}

/// The first eight bytes tell a core module from a component.
fn check_header(bytes: &[u8]) -> Result<(), LoadError> {
    const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";
    match bytes {
        [] => Err(LoadError::Empty),
        _ if bytes.starts_with(CORE_MODULE) => Err(LoadError::CoreModule),
        _ if bytes.starts_with(b"\0asm") => Ok(()),
        _ => {
            let start = &bytes[..bytes.len().min(8)];
            Err(LoadError::NotWasm(format!("\"{}\"", start.escape_ascii())))
        }
    }
}

fn check_exports(engine: &Engine, component: &Component) -> Result<(), LoadError> {
    let of = component.component_type();
    let exports: Vec<String> = of.exports(engine.wasm()).map(|(name, _)| name.to_owned()).collect();
    check_names(&exports)?;
    let is = |name: &str, what| interface(name).is_some_and(|(found, _)| found == what);
    let sets_timers = of.imports(engine.wasm()).any(|(name, _)| is(name, "timers"));
    match sets_timers && !exports.iter().any(|name| is(name, "alarm")) {
        true => Err(LoadError::NoAlarm),
        false => Ok(()),
    }
}

/// Stray exports beside the handler are tolerated, since toolchains leave some: but none
/// of the package, which are there to be called.
fn check_names(exports: &[String]) -> Result<(), LoadError> {
    let handler = |name: &&String| {
        name.strip_prefix(HANDLER).is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
    };
    let handlers: Vec<&String> = exports.iter().filter(handler).collect();
    if handlers.iter().any(|name| is_known(name)) {
        let unknown = exports.iter().find(|name| name.starts_with(PACKAGE) && !is_known(name));
        return match unknown {
            Some(unknown) => Err(LoadError::UnknownExport(one_line(unknown))),
            None => Ok(()),
        };
    }
    if let Some(other) = handlers.first() {
        return Err(LoadError::OtherVersion(one_line(other)));
    }
    Err(LoadError::NoHandler(list(exports)))
}

/// The first few of them, however many and long they are.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    const LONGEST: usize = 100;
    let shown = names.iter().take(SHOWN);
    let mut list: Vec<_> =
        shown.map(|name| name[..name.floor_char_boundary(LONGEST)].to_owned()).collect();
    match names.len() {
        0 => list.push("nothing".into()),
        1..=SHOWN => {}
        more => list.push(format!("and {} more", more - SHOWN)),
    }
    list.join(", ")
}

fn is_known(export: &str) -> bool {
    interface(export).is_some_and(|(name, version)| EXPORTS.contains(&name) && version == VERSION)
}

/// An interface of the package: its name, and its version.
fn interface(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(PACKAGE)?.split_once('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_short_however_many_names_there_are_and_however_long() {
        let names = |count, length| vec!["x".repeat(length); count];
        assert_eq!(list(&names(0, 1)), "nothing");
        assert_eq!(list(&names(2, 1)), "x, x");
        assert_eq!(list(&names(1_000_000, 1)), "x, x, x, x, x, and 999995 more");
        assert_eq!(list(&names(1, 1000)).len(), 100);
    }

    #[test]
    fn of_the_package_only_what_is_called_may_be_exported() {
        let check = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            check_names(&names).map_err(|why| why.to_string())
        };
        let handler = "socklet:websocket/handler@0.1.0";
        for stray in [
            "socklet:websocket/gate@0.1.0",
            "socklet:websocket/message-loop@0.1.0",
            "wasi:cli/run@0.2.6",
            "memory",
        ] {
            assert_eq!(check(&[stray, handler]), Ok(()), "{stray}");
        }
        for unknown in [
            "socklet:websocket/gate@0.2.0",
            "socklet:websocket/gate@0.1.1",
            "socklet:websocket/gate",
            "socklet:websocket/handler@0.2.0",
            "socklet:websocket/other@0.1.0",
        ] {
            let why = check(&[handler, unknown]).unwrap_err();
            assert!(why.starts_with(&format!("exports {unknown}, which this host")), "{why}");
        }
        let why = check(&["socklet:websocket/handler@0.2.0"]).unwrap_err();
        assert!(why.contains("(found socklet:websocket/handler@0.2.0)"), "{why}");
    }
}
