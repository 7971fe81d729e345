//! Where a client connects to, and what it asks there.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::os::fd::OwnedFd;
use std::str::FromStr;

use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};
use mio::net::TcpStream;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};

/// The answer to the key below, by RFC 6455, section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A URL `ws://HOST:PORT/PATH`.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    authority: String,
    path: String,
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("ws://").ok_or_else(|| anyhow!("{url}: is no ws:// URL"))?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let mut addresses =
            authority.to_socket_addrs().with_context(|| format!("{url}: needs HOST:PORT"))?;
        let address = addresses.next().ok_or_else(|| anyhow!("{url}: has no address"))?;
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self { address, authority: authority.to_owned(), path: path.to_owned() })
    }
}

impl Target {
    /// A route of the server at this address.
    pub(crate) fn at(address: SocketAddr, path: &str) -> Self {
        Self { address, authority: address.to_string(), path: path.to_owned() }
    }

    /// The opening request.
    pub(crate) fn request(&self) -> Vec<u8> {
        format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n",
            self.path, self.authority
        )
        .into_bytes()
    }

    /// Begins to connect, from this address where one is given.
    pub(crate) fn connect(&self, source: Option<Ipv4Addr>) -> Result<TcpStream> {
        let family =
            if self.address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket: OwnedFd = socket_with(family, SocketType::STREAM, flags, None)
            .context("a socket can't be made: is RLIMIT_NOFILE high enough?")?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        if let Some(source) = source {
            bind(&socket, &SocketAddr::new(IpAddr::V4(source), 0))
                .with_context(|| format!("no port is free on {source}"))?;
        }
        match connect(&socket, &self.address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => bail!("{}: can't connect: {error}", self.address),
        }
        Ok(TcpStream::from_std(socket.into()))
    }
}

/// The server's refusal of a handshake.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused with {}: {}", self.status, self.body.trim_end())
    }
}

/// Looks for the end of a response's header. `None` while it is incomplete, else the
/// length of the header, or the status of a refusal.
pub(crate) fn read_response(response: &[u8]) -> Result<Option<Result<usize, Refusal>>> {
    let Some(end) = response.windows(4).position(|window| window == b"\r\n\r\n") else {
        ensure!(response.len() < 16 * 1024, "a response without an end");
        return Ok(None);
    };
    let header = std::str::from_utf8(&response[..end]).context("a response that is no text")?;
    let status = header.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status: u16 = status.and_then(|status| status.parse().ok()).context("no HTTP/1.1")?;
    if status != 101 {
        let body = String::from_utf8_lossy(&response[end + 4..]).into_owned();
        return Ok(Some(Err(Refusal { status, body })));
    }
    let accept = header.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-accept").then(|| value.trim())
    });
    ensure!(accept == Some(ACCEPT), "a 101 with Sec-WebSocket-Accept {accept:?}, not {ACCEPT}");
    Ok(Some(Ok(end + 4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_an_address_and_a_path() {
        let target: Target = "ws://127.0.0.1:9000/echo?x=1".parse().unwrap();
        assert_eq!(target.address, ([127, 0, 0, 1], 9000).into());
        assert_eq!(target.path, "/echo?x=1");
        assert_eq!("ws://127.0.0.1:9000".parse::<Target>().unwrap().path, "/");
        assert!("http://127.0.0.1:9000".parse::<Target>().is_err());
        assert!("ws://127.0.0.1/echo".parse::<Target>().is_err());
    }

    #[test]
    fn a_response_is_read_to_its_end_and_checked() {
        let response =
            format!("HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: {ACCEPT}\r\n\r\n");
        let (bytes, length) = (response.as_bytes(), response.len());
        assert!(read_response(&bytes[..length - 1]).unwrap().is_none());
        let with_frame = [bytes, b"\x81\x00"].concat();
        assert_eq!(read_response(&with_frame).unwrap().unwrap().unwrap(), length);

        let wrong = response.replace(ACCEPT, "other");
        assert!(read_response(wrong.as_bytes()).is_err());
        assert!(read_response(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").is_err());

        let full = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\r\nraise it\n";
        let refusal = read_response(full).unwrap().unwrap().unwrap_err();
        assert_eq!((refusal.status, refusal.body.as_str()), (503, "raise it\n"));
        assert_eq!(refusal.to_string(), "refused with 503: raise it");
    }
}
