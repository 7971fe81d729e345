//! The folder of compiled code, and what is not kept in it.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How compiled code is named, and what is on its way to it.
pub(super) const CODE: &str = ".cwasm";
pub(super) const DRAFT: &str = "draft-";
/// What is not used for so long is made again when it is needed.
const KEEP: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Where compiled code is kept.
pub(super) enum Folder {
    Kept(PathBuf),
    /// For as long as this process lives.
    Passing(tempfile::TempDir),
}

/// Makes a folder for compiled code, for its owner alone, unless it is there; and
/// checks that nobody else may write to it, since what lies there is run.
///
/// # Errors
///
/// Those of the system, and [`io::ErrorKind::PermissionDenied`] for a folder that
/// belongs to another user or that others may write to.
pub fn own_folder(folder: &Path) -> io::Result<()> {
    let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let data = fs::metadata(folder)?;
    if data.uid() != rustix::process::geteuid().as_raw() {
        return refuse("the folder belongs to another user");
    }
    if data.mode() & 0o022 != 0 {
        return refuse("others may write to the folder");
    }
    Ok(())
}

impl Folder {
    /// Checks it once more: somebody may have removed it, and made another.
    pub(super) fn check(&self) -> io::Result<()> {
        match self {
            Self::Kept(folder) => own_folder(folder),
            Self::Passing(_) => Ok(()),
        }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Kept(folder) => folder,
            Self::Passing(folder) => folder.path(),
        }
    }
}

/// Code that was not used for long, and drafts of processes that are gone. Whatever
/// else lies in the folder is not ours.
pub(super) fn forget_old_code(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(CODE) && !name.starts_with(DRAFT) {
            continue;
        }
        let age = entry.metadata().and_then(|data| data.modified()).map(|time| time.elapsed());
        if matches!(age, Ok(Ok(age)) if age > KEEP) {
            // Whoever else may have removed it has done the same.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// What was not used for longest, where more is kept than may be. Code that is in use
/// is mapped, and stays so without its name.
pub(super) fn forget_beyond(folder: &Path, max: u64) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let code = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(CODE));
    let mut code: Vec<_> = code
        .filter_map(|entry| {
            let data = entry.metadata().ok()?;
            Some((data.modified().ok()?, data.len(), entry.path()))
        })
        .collect();
    code.sort_unstable();
    let mut kept = 0;
    for (number, (_, size, path)) in code.into_iter().rev().enumerate() {
        kept += size;
        // The newest is what this was made for.
        if kept > max && number > 0 {
            let _ = fs::remove_file(path);
        }
    }
}
