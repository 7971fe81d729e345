//! Files that are replaced as a whole, so that who looks at them sees no half of one.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The folder that a file lies in: for a name alone, the working directory.
pub(crate) fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Replaces a file, or makes it. Its permissions stay, or are those of any new file.
///
/// What is there and no file, such as a device, stays.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if std::fs::metadata(file).is_ok_and(|there| !there.is_file()) {
        return Err(std::io::Error::other(
            "something else than a file is there: give another path",
        ));
    }
    let mut draft = tempfile::Builder::new().prefix(".socklet-").tempfile_in(folder_of(file))?;
    draft.write_all(bytes)?;
    let permissions = match std::fs::metadata(file) {
        Ok(metadata) => metadata.permissions(),
        Err(_) => std::fs::Permissions::from_mode(0o644),
    };
    draft.as_file().set_permissions(permissions)?;
    draft.persist(file).map(drop).map_err(|error| error.error)
}
