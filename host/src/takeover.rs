//! How a new process takes the listeners over from the one that serves: over a Unix
//! socket that only their user reaches, by passing the sockets themselves (`SCM_RIGHTS`).
//!
//! The new one asks for them, loads its handlers, and says when it is ready; until then
//! the old one accepts, and afterwards the new one does. Both have the same sockets, so
//! whoever connects in between waits in their backlog and is not refused. Where the new
//! one fails before it is ready, nothing has changed.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg, sockopt::socket_peercred,
};
use rustix::process::geteuid;
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixListener;
use tokio::time::{sleep, timeout};

/// Listeners that one process hands over to another.
pub const MAX_LISTENERS: usize = 64;
/// For the old process to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// For the new process to load its handlers. Until then the old one serves.
const READY: Duration = Duration::from_secs(600);
/// What the new one says then.
const IS_READY: u8 = b'!';
/// The addresses of all listeners, a line each.
const LONGEST: usize = 16 * 1024;

/// A bound socket, by what it is for and how its address is written.
#[derive(Debug)]
pub struct Handed {
    /// As on the command line.
    pub name: String,
    /// It listens.
    pub socket: OwnedFd,
}

/// Why the listeners could not be taken over.
#[derive(Debug, thiserror::Error)]
pub enum TakeoverError {
    /// The system refuses it.
    #[error("{}: can't be used to take over: {why}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// Whoever is there must not be believed.
    #[error(
        "{}: is served by another user (uid {uid}): remove it, or choose another path",
        path.display()
    )]
    Stranger {
        /// The socket.
        path: PathBuf,
        /// Whose.
        uid: u32,
    },
}

/// What a new process was handed.
#[derive(Debug)]
pub struct Taken {
    sockets: Vec<Handed>,
    from: UnixStream,
}

impl Taken {
    /// Asks for the listeners of the process that offers them at this path. None where
    /// there is none. It may wait for some seconds.
    ///
    /// # Errors
    ///
    /// See [`TakeoverError`].
    pub fn ask(path: &Path) -> Result<Option<Self>, TakeoverError> {
        let failed = |why| TakeoverError::Io { path: path.to_owned(), why };
        let from = match UnixStream::connect(path) {
            Ok(from) => from,
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => return Ok(None),
                _ => return Err(failed(error)),
            },
        };
        let uid = socket_peercred(&from).map_err(|error| failed(error.into()))?.uid.as_raw();
        if !is_ours(uid) {
            return Err(TakeoverError::Stranger { path: path.to_owned(), uid });
        }
        from.set_read_timeout(Some(ANSWER)).map_err(failed)?;
        let sockets = receive(&from).map_err(|error| match error.kind() {
            // What a read timeout says is of no use to anybody.
            ErrorKind::WouldBlock => failed(io::Error::new(
                ErrorKind::TimedOut,
                "the process that serves does not answer: end it, and start again",
            )),
            _ => failed(error),
        })?;
        Ok(Some(Self { sockets, from }))
    }

    /// The socket of this name, if there is one that was not taken yet.
    pub fn take(&mut self, name: &str) -> Option<OwnedFd> {
        let place = self.sockets.iter().position(|handed| handed.name == name)?;
        Some(self.sockets.swap_remove(place).socket)
    }

    /// The names of those that were not taken.
    #[must_use]
    pub fn left(&self) -> Vec<&str> {
        self.sockets.iter().map(|handed| &*handed.name).collect()
    }

    /// Has the old process stop accepting: this one does.
    ///
    /// # Errors
    ///
    /// The old one has ended by itself.
    pub fn complete(mut self) -> io::Result<()> {
        self.from.write_all(&[IS_READY])
    }
}

/// The offer of a process that serves, to who takes over from it.
#[derive(Debug)]
pub struct Offer {
    listener: UnixListener,
    sockets: Vec<Handed>,
}

impl Offer {
    /// Offers these listeners at this path, in the place of who has offered any there:
    /// whoever calls this has taken over, or has found nobody.
    ///
    /// # Errors
    ///
    /// The path can't be bound.
    pub fn new(path: &Path, sockets: Vec<Handed>) -> Result<Self, TakeoverError> {
        let failed = |why| TakeoverError::Io { path: path.to_owned(), why };
        // Never without one, and never with one that others could reach.
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}", std::process::id()));
        let beside = PathBuf::from(name);
        let _ = std::fs::remove_file(&beside);
        let listener = UnixListener::bind(&beside).map_err(failed)?;
        std::fs::rename(&beside, path).map_err(failed)?;
        Ok(Self { listener, sockets })
    }

    /// Completes when another process has taken over.
    pub async fn taken(self) {
        loop {
            match self.hand_over().await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!("nobody has taken over, and this process serves on: {error}");
                    // Should it not pass.
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Hands the listeners to one process, and waits until that is ready.
    async fn hand_over(&self) -> io::Result<()> {
        let (mut to, _) = self.listener.accept().await?;
        let peer = to.peer_cred()?;
        if !is_ours(peer.uid()) {
            return Err(io::Error::other(format!("a process of uid {} has asked", peer.uid())));
        }
        tracing::info!(pid = peer.pid(), "another process asks for the listeners");
        to.writable().await?;
        send(&to, &self.sockets)?;
        let mut ready = [0];
        timeout(READY, to.read_exact(&mut ready))
            .await
            .map_err(|_| io::Error::other("who has asked for the listeners was not ready in time"))?
            .map_err(|_| io::Error::other("who has asked for the listeners has ended"))?;
        match ready {
            [IS_READY] => Ok(()),
            _ => Err(io::Error::other("who has asked for the listeners speaks another protocol")),
        }
    }
}

/// Root may do anything in any case.
fn is_ours(uid: u32) -> bool {
    uid == geteuid().as_raw() || uid == 0
}

fn send(to: &tokio::net::UnixStream, sockets: &[Handed]) -> io::Result<()> {
    let names: String = sockets.iter().map(|handed| format!("{}\n", handed.name)).collect();
    if sockets.len() > MAX_LISTENERS || names.len() > LONGEST {
        return Err(io::Error::other(format!("there are more than {MAX_LISTENERS} listeners")));
    }
    let length = u32::try_from(names.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MAX_LISTENERS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<_> = sockets.iter().map(|handed| handed.socket.as_fd()).collect();
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("there are too many listeners"));
    }
    let bytes = [IoSlice::new(&length), IoSlice::new(names.as_bytes())];
    let sent = sendmsg(to, &bytes, &mut control, SendFlags::NOSIGNAL)?;
    // So little fits into the buffer of a fresh socket.
    match sent == length.len() + names.len() {
        true => Ok(()),
        false => Err(io::Error::other("the listeners were sent in part")),
    }
}

fn receive(mut from: &UnixStream) -> io::Result<Vec<Handed>> {
    let mut length = [0; 4];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MAX_LISTENERS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut first = [IoSliceMut::new(&mut length)];
    let received = recvmsg(from, &mut first, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut sockets = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            sockets.extend(descriptors);
        }
    }
    if received.bytes == 0 {
        return Err(io::Error::other("the process that serves has ended"));
    }
    from.read_exact(&mut length[received.bytes..])?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Err(io::Error::other("the process that serves speaks another protocol"));
    }
    let mut names = vec![0; length];
    from.read_exact(&mut names)?;
    let names = String::from_utf8(names).map_err(io::Error::other)?;
    let names: Vec<_> = names.lines().collect();
    if names.len() != sockets.len() {
        return Err(io::Error::other("the process that serves speaks another protocol"));
    }
    let both = names.into_iter().zip(sockets);
    Ok(both.map(|(name, socket)| Handed { name: name.to_owned(), socket }).collect())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn handed(name: &str) -> (Handed, u16) {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        (Handed { name: name.to_owned(), socket: socket.into() }, port)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn listeners_arrive_by_their_names_and_still_listen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("takeover");
        assert!(Taken::ask(&path).unwrap().is_none());
        let ((one, first), (two, second)) = (handed("client a"), handed("admin b"));
        let offer = Offer::new(&path, vec![one, two]).unwrap();
        let given = tokio::spawn(offer.taken());
        // One that fails changes nothing.
        let asked = path.clone();
        drop(tokio::task::spawn_blocking(move || Taken::ask(&asked)).await.unwrap().unwrap());
        let mut taken =
            tokio::task::spawn_blocking(move || Taken::ask(&path)).await.unwrap().unwrap().unwrap();
        assert_eq!(taken.take("client c").map(drop), None);
        let socket = TcpListener::from(taken.take("admin b").unwrap());
        assert_eq!(socket.local_addr().unwrap().port(), second);
        assert_eq!(taken.left(), ["client a"]);
        assert!(!given.is_finished());
        std::net::TcpStream::connect(("127.0.0.1", first)).unwrap();
        taken.complete().unwrap();
        given.await.unwrap();
    }

    #[test]
    fn a_socket_that_nobody_serves_any_more_is_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("takeover");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(Taken::ask(&path).unwrap().is_none());
    }
}
