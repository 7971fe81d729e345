//! Where clients connect: TCP and Unix sockets, bound by the caller.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_util::either::Either;

use crate::peer::Peer;
use crate::socket_file::{self, SocketFile};
use crate::stream::Socket;

/// An address to listen on, written `127.0.0.1:9000`, `[::1]:9000` or
/// `unix:/run/socklet.sock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// The path of a Unix socket. Of one that was passed and has no file, its
    /// abstract name behind an `@`, or nothing.
    Unix(PathBuf),
}

/// Why a text is no [`ListenAddress`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("write it like 127.0.0.1:9000, [::1]:9000 or unix:/run/socklet.sock")]
pub struct NotAnAddress;

impl FromStr for ListenAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        match text.strip_prefix("unix:") {
            None => text.parse().map(Self::Tcp).map_err(|_| NotAnAddress),
            Some("") => Err(NotAnAddress),
            Some(path) => Ok(Self::Unix(path.into())),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What is known of a listener without its socket.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Where it listens; its port is never 0.
    pub address: ListenAddress,
    /// Whether each of its sockets begins with a header of the PROXY protocol,
    /// which is believed. One that does not is closed.
    pub proxy_protocol: bool,
}

impl Endpoint {
    /// Whether it is reached from this machine only. Behind a Unix socket, or
    /// behind a proxy that writes headers, may be anybody.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match &self.address {
            ListenAddress::Tcp(address) => address.ip().is_loopback() && !self.proxy_protocol,
            ListenAddress::Unix(_) => false,
        }
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self { address: ListenAddress::Tcp(address), proxy_protocol: false }
    }
}

/// A bound listener for clients.
#[derive(Debug)]
pub struct Listener {
    bound: Bound,
    endpoint: Endpoint,
}

#[derive(Debug)]
enum Bound {
    Tcp(TcpListener),
    Unix {
        /// None where another process has made it. It ends before its socket.
        file: Option<SocketFile>,
        socket: UnixListener,
    },
}

impl Listener {
    /// Binds. The file of a Unix socket has the permissions that the umask leaves;
    /// it replaces one that nobody serves any more, and is removed when the listener
    /// is dropped.
    ///
    /// # Errors
    ///
    /// Those of the system. For a Unix socket, [`io::ErrorKind::AddrInUse`] means
    /// that somebody serves it, and [`io::ErrorKind::AlreadyExists`] that there is
    /// something else at its path.
    pub async fn bind(address: &ListenAddress) -> io::Result<Self> {
        match address {
            ListenAddress::Tcp(address) => Self::tcp(TcpListener::bind(address).await?),
            ListenAddress::Unix(path) => {
                let (file, socket) = socket_file::bind(path).await?;
                let endpoint = Endpoint { address: address.clone(), proxy_protocol: false };
                Ok(Self { bound: Bound::Unix { file: Some(file), socket }, endpoint })
            }
        }
    }

    /// Takes a bound TCP socket.
    ///
    /// # Errors
    ///
    /// The system can't tell its address.
    pub fn tcp(socket: TcpListener) -> io::Result<Self> {
        let endpoint = socket.local_addr()?.into();
        Ok(Self { bound: Bound::Tcp(socket), endpoint })
    }

    /// Takes a bound Unix socket. Its file stays when the listener is dropped.
    ///
    /// # Errors
    ///
    /// The system can't tell its address.
    pub fn unix(socket: UnixListener) -> io::Result<Self> {
        let address = std::os::unix::net::SocketAddr::from(socket.local_addr()?);
        let path = match (address.as_pathname(), address.as_abstract_name()) {
            (Some(path), _) => path.to_owned(),
            (None, Some(name)) => format!("@{}", name.escape_ascii()).into(),
            (None, None) => PathBuf::new(),
        };
        let endpoint = Endpoint { address: ListenAddress::Unix(path), proxy_protocol: false };
        Ok(Self { bound: Bound::Unix { file: None, socket }, endpoint })
    }

    /// Takes a socket that another process has bound to this address and handed over. The
    /// file of a Unix socket is removed as if it were bound here.
    ///
    /// # Errors
    ///
    /// It is no listening socket of that kind.
    pub fn handed(address: &ListenAddress, socket: OwnedFd) -> io::Result<Self> {
        match address {
            ListenAddress::Tcp(_) => {
                let socket = std::net::TcpListener::from(socket);
                socket.set_nonblocking(true)?;
                Self::tcp(TcpListener::from_std(socket)?)
            }
            ListenAddress::Unix(path) => {
                let socket = std::os::unix::net::UnixListener::from(socket);
                socket.set_nonblocking(true)?;
                let socket = UnixListener::from_std(socket)?;
                let endpoint = Endpoint { address: address.clone(), proxy_protocol: false };
                // Without it, somebody has removed it, and it is not for this one to do.
                let file = SocketFile::take(path).ok();
                Ok(Self { bound: Bound::Unix { file, socket }, endpoint })
            }
        }
    }

    /// Its socket, to be handed to another process.
    ///
    /// # Errors
    ///
    /// There are no descriptors left.
    pub fn socket(&self) -> io::Result<OwnedFd> {
        match &self.bound {
            Bound::Tcp(socket) => socket.as_fd().try_clone_to_owned(),
            Bound::Unix { socket, .. } => socket.as_fd().try_clone_to_owned(),
        }
    }

    /// Set when another process has its socket, and with it the file.
    pub(crate) fn left(&self) -> Option<Arc<AtomicBool>> {
        match &self.bound {
            Bound::Unix { file: Some(file), .. } => Some(file.left()),
            _ => None,
        }
    }

    /// Lets every socket begin with a header of the PROXY protocol.
    pub fn expect_proxy_protocol(&mut self) {
        self.endpoint.proxy_protocol = true;
    }

    /// Where it listens, and what for.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) async fn accept(&self) -> io::Result<(Socket, Peer)> {
        match &self.bound {
            Bound::Tcp(listener) => {
                let (socket, peer) = listener.accept().await?;
                Ok((Either::Left(prepare(socket)), Peer::Tcp(peer)))
            }
            Bound::Unix { socket, .. } => {
                let (socket, _) = socket.accept().await?;
                Ok((Either::Right(socket), Peer::Unix))
            }
        }
    }
}

/// The session batches its writes itself; waiting for more would only delay them.
fn prepare(socket: TcpStream) -> TcpStream {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!("can't set TCP_NODELAY: {error}");
    }
    socket
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for text in ["127.0.0.1:9000", "[::1]:0", "unix:/run/socklet.sock", "unix:below/here"] {
            let address: ListenAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
        for text in ["", "localhost:9000", "127.0.0.1", "unix:", "/run/socklet.sock"] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_what_nobody_else_can_stand_before_is_loopback() {
        let is_loopback = |address: &str, proxy_protocol| {
            Endpoint { address: address.parse().unwrap(), proxy_protocol }.is_loopback()
        };
        assert!(is_loopback("127.0.0.1:9000", false) && is_loopback("[::1]:9000", false));
        assert!(!is_loopback("0.0.0.0:9000", false));
        assert!(!is_loopback("127.0.0.1:9000", true));
        assert!(!is_loopback("unix:/run/socklet.sock", false));
    }
}
