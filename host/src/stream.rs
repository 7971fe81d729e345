//! An accepted socket, with or without TLS.

use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// What a listener accepts.
pub(crate) type Socket = Either<TcpStream, UnixStream>;

/// A socket in plain or within TLS, which is boxed: its buffers would make every
/// connection's task large.
pub(crate) type Stream = Either<Socket, Box<TlsStream<Socket>>>;
