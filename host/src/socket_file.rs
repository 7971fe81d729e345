//! The file of a Unix socket: made when it is bound, and removed with its listener.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::net::{UnixListener, UnixStream};

/// Removes the file when it is dropped, unless another has taken its place. The
/// socket has to live until then: its inode's number is given to nobody else as
/// long as it is bound.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: Inode,
    /// Another process has its listener as well, and removes it.
    left: Arc<AtomicBool>,
}

/// A file's device, and its number there.
type Inode = (u64, u64);

/// Binds at a path, in the place of a file that an ended process has left there.
/// What is no socket, or is one that somebody serves, stays as it is.
pub(crate) async fn bind(path: &Path) -> io::Result<(SocketFile, UnixListener)> {
    match fs::symlink_metadata(path) {
        Ok(data) if data.file_type().is_socket() => remove_stale(path).await?,
        Ok(_) => return Err(ErrorKind::AlreadyExists.into()),
        // Binding says what else there is to say.
        Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    let inode = inode(path)?;
    Ok((SocketFile { path: path.to_owned(), inode, left: Arc::default() }, listener))
}

impl SocketFile {
    /// That of a listener that another process has bound and handed over.
    pub(crate) fn take(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), inode: inode(path)?, left: Arc::default() })
    }

    /// Where it is noted that the file is left to another process.
    pub(crate) fn left(&self) -> Arc<AtomicBool> {
        self.left.clone()
    }
}

/// Only a refusal says that nobody is there: a socket whose backlog is full is busy.
async fn remove_stale(path: &Path) -> io::Result<()> {
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(error),
        Ok(_) | Err(_) => Err(ErrorKind::AddrInUse.into()),
    }
}

fn inode(path: &Path) -> io::Result<Inode> {
    let data = fs::symlink_metadata(path)?;
    Ok((data.dev(), data.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let removed = match inode(&self.path) {
            Ok(inode) if inode == self.inode && !self.left.load(Relaxed) => {
                fs::remove_file(&self.path)
            }
            // Somebody else's, or nobody's.
            Ok(_) | Err(_) => Ok(()),
        };
        if let Err(error) = removed {
            tracing::warn!("{}: can't be removed: {error}", self.path.display());
        }
    }
}
