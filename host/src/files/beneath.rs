//! What of a directory of files may be had: files and folders below it that are not hidden.

use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use hyper_staticfile::vfs::{FileOpener, FileWithMetadata};
use rustix::io::Errno;
use tokio::task::spawn_blocking;

use crate::beneath::{self, Reach};

/// A directory. It may be replaced as a whole, also by a symlink to another one.
pub(super) struct Beneath(pub(super) PathBuf);

type Opened = io::Result<FileWithMetadata>;

impl Beneath {
    pub(super) fn check(&self) -> io::Result<()> {
        match open(&self.0, Path::new("")) {
            Err(error) if error.raw_os_error() == Some(Errno::NOSYS.raw_os_error()) => {
                Err(io::Error::new(ErrorKind::Unsupported, "this needs openat2, of Linux 5.6"))
            }
            Err(error) => Err(error),
            Ok(root) if !root.is_dir => Err(ErrorKind::NotADirectory.into()),
            Ok(_) => Ok(()),
        }
    }
}

impl FileOpener for Beneath {
    type File = tokio::fs::File;
    type Future = Pin<Box<dyn Future<Output = Opened> + Send>>;

    fn open(&self, path: &Path) -> Self::Future {
        let (root, path) = (self.0.clone(), path.to_owned());
        Box::pin(async move {
            let opened = spawn_blocking(move || open(&root, &path)).await;
            opened.unwrap_or_else(|error| Err(error.into()))
        })
    }
}

/// Opens a file or a folder. What is hidden, lies elsewhere or is something else is not
/// found.
fn open(root: &Path, path: &Path) -> Opened {
    if path.iter().any(|name| name.as_bytes().starts_with(b".")) {
        return Err(ErrorKind::NotFound.into());
    }
    let file = beneath::open(root, path, Reach::Beneath).map_err(|error| match error {
        Errno::XDEV | Errno::LOOP | Errno::NOTDIR | Errno::NAMETOOLONG => {
            ErrorKind::NotFound.into()
        }
        other => io::Error::from(other),
    })?;
    let metadata = file.metadata()?;
    if !metadata.is_file() && !metadata.is_dir() {
        return Err(ErrorKind::NotFound.into());
    }
    Ok(FileWithMetadata {
        handle: tokio::fs::File::from_std(file),
        size: metadata.len(),
        modified: metadata.modified().ok(),
        is_dir: metadata.is_dir(),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_files_below_the_directory_are_opened() {
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("root");
        std::fs::create_dir_all(root.join("folder")).unwrap();
        std::fs::write(outside.path().join("secret"), "").unwrap();
        std::fs::write(root.join("page"), "four").unwrap();
        std::fs::write(root.join(".hidden"), "").unwrap();
        symlink("../page", root.join("folder/inside")).unwrap();
        symlink("../secret", root.join("upwards")).unwrap();
        symlink(outside.path().join("secret"), root.join("absolute")).unwrap();
        symlink("/proc/self/fd", root.join("magic")).unwrap();
        symlink("round", root.join("round")).unwrap();
        let open = |path: &str| open(&root, Path::new(path)).map(|file| (file.size, file.is_dir));
        for path in ["page", "folder/inside"] {
            assert_eq!(open(path).unwrap(), (4, false), "{path}");
        }
        for path in ["", "folder"] {
            assert!(open(path).unwrap().1, "{path}");
        }
        let long = "x".repeat(300);
        for path in [
            "none",
            ".hidden",
            "upwards",
            "absolute",
            "magic/0",
            "round",
            "../secret",
            "page/x",
            "folder/../../secret",
            &long,
        ] {
            assert_eq!(open(path).unwrap_err().kind(), ErrorKind::NotFound, "{path}");
        }
    }
}
