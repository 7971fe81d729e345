//! A file that somebody puts into the handlers' directory.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use super::stage::run;
use crate::component::{digest_of, prepare, try_out};
use crate::config::{Config, Limits, Timeouts};
use crate::engine::Engine;
use crate::settings::Settings;

/// Here the host compiles in its own process, without the limits of a child.
const MAX_SIZE: usize = 64 * 1024;
/// Lines of the log are read by people.
const MAX_COMPLAINT: usize = 8 * 1024;

struct Stage {
    engine: Engine,
    settings: Settings,
    /// Where compiled code is put; there only while it is used.
    cache: PathBuf,
}

/// Bytes of a `.wasm` file. They are served, or refused in one line that says why.
pub fn component(bytes: &[u8]) {
    if bytes.len() > MAX_SIZE {
        return;
    }
    static STAGE: OnceLock<Stage> = OnceLock::new();
    let Stage { engine, settings, cache } = STAGE.get_or_init(set_up);
    std::fs::create_dir(cache).expect("a new folder for compiled code");
    let loaded = run(async {
        let prepared = prepare(engine, bytes, &digest_of(bytes)).await?;
        try_out(&prepared, "fuzzed", settings).await
    });
    std::fs::remove_dir_all(cache).expect("the folder can be removed again");
    if let Err(refused) = loaded {
        let why = refused.to_string();
        assert!(!why.trim().is_empty());
        assert!(!why.contains(char::is_control), "{why:?}");
        assert!(why.len() <= MAX_COMPLAINT, "{} bytes: {why}", why.len());
    }
}

fn set_up() -> Stage {
    const MAX_INSTANCES: usize = 2;
    let limits = Limits {
        max_memory: 4 << 20,
        event_cpu_time: Duration::from_millis(20),
        ..Limits::default()
    };
    let folder = tempfile::tempdir().expect("a folder for compiled code");
    let cache = folder.path().to_owned();
    let config = Config {
        limits,
        timeouts: Timeouts { handshake: Duration::from_secs(1), ..Timeouts::default() },
        max_table_elements: 1000,
        cache: Some(cache.clone()),
        ..Config::default()
    };
    let engine = Engine::new(&config, MAX_INSTANCES).expect("a small engine");
    Stage { engine, settings: Settings::new(&config), cache }
}
