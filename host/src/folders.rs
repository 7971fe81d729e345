//! The folders that the command keeps things in, unless it is told which.

use std::path::{Path, PathBuf};

use anyhow::bail;
use socklet::compiler::own_folder;
use tracing::warn;

/// The folder for compiled code, made for its owner alone: what lies there is run
/// as native code. Without one, handlers are compiled at each start.
pub(crate) fn for_code(chosen: Option<PathBuf>) -> Option<PathBuf> {
    let folder = chosen.or_else(|| {
        let caches = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        Some(caches?.join("socklet/compiled"))
    })?;
    match own_folder(&folder).and_then(|()| folder.canonicalize()) {
        Ok(folder) => Some(folder),
        Err(error) => {
            let folder = folder.display();
            warn!("{folder}: compiled handlers are not kept: {error}: see --cache-dir");
            None
        }
    }
}

/// The folder for what serves and what was rolled back, likewise: what lies there may be
/// served. It must not lie where whoever puts handlers could change it.
pub(crate) fn for_state(
    chosen: Option<PathBuf>,
    handlers: &Path,
) -> anyhow::Result<Option<PathBuf>> {
    let asked = chosen.is_some();
    let Some(folder) = chosen.or_else(default_state) else {
        warn!(
            "what serves is not kept for the next start: there is no folder for it: set \
             --state-dir, or --no-state"
        );
        return Ok(None);
    };
    let shown = folder.display();
    match own_folder(&folder).and_then(|()| folder.canonicalize()) {
        Ok(folder) if !lies_within(&folder, handlers) => return Ok(Some(folder)),
        Ok(_) if asked => bail!(
            "{shown}: lies in the handlers' directory, {}, where whoever can put handlers could \
             change it: set another --state-dir",
            handlers.display()
        ),
        Ok(_) => warn!(
            "{shown}: what serves is not kept for the next start: it lies in the handlers' \
             directory: set --state-dir, or --no-state"
        ),
        Err(error) => {
            warn!("{shown}: what serves is not kept for the next start: {error}: see --state-dir");
        }
    }
    Ok(None)
}

fn default_state() -> Option<PathBuf> {
    // A unit may have several, with colons between them.
    let of_systemd = std::env::var("STATE_DIRECTORY").ok();
    let of_systemd = of_systemd.as_deref().and_then(|folders| folders.split(':').next());
    let of_systemd = of_systemd.map(PathBuf::from).filter(|path| path.is_absolute());
    of_systemd.or_else(|| {
        let home = || Some(variable("HOME")?.join(".local/state"));
        Some(variable("XDG_STATE_HOME").or_else(home)?.join("socklet"))
    })
}

/// A path that the environment names.
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Whether a file lies in a directory, or what it leads to does.
pub(crate) fn lies_within(file: &Path, directory: &Path) -> bool {
    let Ok(directory) = directory.canonicalize() else { return false };
    // A name alone has an empty folder.
    let folder = file.parent().map(|folder| Path::new(".").join(folder));
    let places = [folder.as_deref().unwrap_or(file), file].map(Path::canonicalize);
    places.into_iter().flatten().any(|place| place.starts_with(&directory))
}
