//! The listeners that the command line names, and those that were passed.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use socklet::admin::{AdminListener, Token};
use socklet::listener::{ListenAddress, Listener};
use socklet::takeover::{Handed, Taken};
use tokio::net::{TcpListener, UnixListener};

use crate::cli;

/// Where clients are served unless it is said otherwise.
const DEFAULT: ListenAddress =
    ListenAddress::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9000));

/// The listeners for clients: what `--listen` names, and what was passed. What another
/// process has handed over is not bound anew.
pub(crate) async fn for_clients(
    serve: &cli::Serve,
    passed: ListenFd,
    mut taken: Option<&mut Taken>,
) -> anyhow::Result<(Vec<Listener>, Vec<Handed>)> {
    let passed = take(passed)?;
    let named = match serve.listen.is_empty() && passed.is_empty() {
        true => &[DEFAULT],
        false => &*serve.listen,
    };
    // Each beside its address as it is written, where a port may be 0.
    let mut listeners = Vec::new();
    for address in named {
        let handed = taken.as_mut().and_then(|taken| taken.take(&name_of_client(address)));
        let listener = match handed {
            Some(socket) => Listener::handed(address, socket),
            None => Listener::bind(address).await,
        };
        let listener = listener.map_err(|error| cannot_bind(address, "--listen", &error))?;
        listeners.push((address.clone(), listener));
    }
    for listener in passed {
        listeners.push((listener.endpoint().address.clone(), listener));
    }
    let offered = listeners
        .iter()
        .map(|(written, listener)| {
            Ok(Handed { name: name_of_client(written), socket: listener.socket()? })
        })
        .collect::<anyhow::Result<_>>()?;
    for address in &serve.proxy_protocol {
        if !listeners.iter().any(|(written, _)| written == address) {
            let all: Vec<_> = listeners.iter().map(|(written, _)| written.to_string()).collect();
            bail!(
                "--proxy-protocol={address} is no listener's address: give it as it is written in \
                 --listen; there are {}",
                all.join(", ")
            );
        }
    }
    let all = listeners.into_iter().map(|(written, mut listener)| {
        if serve.proxy_protocol.contains(&written) {
            listener.expect_proxy_protocol();
        }
        listener
    });
    Ok((all.collect(), offered))
}

/// What a process that takes over asks for.
fn name_of_client(address: &ListenAddress) -> String {
    format!("client {address}")
}

fn name_of_admin(address: SocketAddr) -> String {
    format!("admin {address}")
}

/// The listener for an operator's tools, with the token that they show.
pub(crate) async fn for_admin(
    address: SocketAddr,
    token_file: PathBuf,
    taken: Option<&mut Taken>,
) -> anyhow::Result<(AdminListener, Handed)> {
    let token = Token::of_file(token_file).context("see --admin-token-file")?;
    let name = name_of_admin(address);
    let bound = match taken.and_then(|taken| taken.take(&name)) {
        Some(socket) => {
            let socket = std::net::TcpListener::from(socket);
            socket.set_nonblocking(true)?;
            TcpListener::from_std(socket)
        }
        None => TcpListener::bind(address).await,
    };
    let cannot_bind = |error| cannot_bind(&ListenAddress::Tcp(address), "--admin", &error);
    let socket = bound.map_err(cannot_bind)?;
    let handed = Handed { name, socket: socket.as_fd().try_clone_to_owned()? };
    Ok((AdminListener { socket, token }, handed))
}

/// The sockets that systemd or the like has passed.
fn take(mut passed: ListenFd) -> anyhow::Result<Vec<Listener>> {
    /// What the first of them is called in the process.
    const FIRST: usize = 3;
    let listeners = (0..passed.len()).map(|index| {
        take_one(&mut passed, index).with_context(|| {
            format!(
                "LISTEN_FDS passes file descriptor {}, which can't be served: pass listening \
                 stream sockets (of systemd, ListenStream= with Accept=no)",
                FIRST + index
            )
        })
    });
    listeners.collect()
}

fn take_one(passed: &mut ListenFd, index: usize) -> anyhow::Result<Listener> {
    if let Ok(Some(socket)) = passed.take_tcp_listener(index) {
        if !socket_acceptconn(&socket)? {
            bail!("it is a TCP socket that does not listen");
        }
        socket.set_nonblocking(true)?;
        return Ok(Listener::tcp(TcpListener::from_std(socket)?)?);
    }
    let Ok(Some(socket)) = passed.take_unix_listener(index) else {
        bail!("it is neither a TCP nor a Unix stream socket");
    };
    if !socket_acceptconn(&socket)? {
        bail!("it is a Unix socket that does not listen");
    }
    socket.set_nonblocking(true)?;
    Ok(Listener::unix(UnixListener::from_std(socket)?)?)
}

fn cannot_bind(address: &ListenAddress, flag: &str, error: &std::io::Error) -> anyhow::Error {
    match (address, error.kind()) {
        (ListenAddress::Tcp(ip), ErrorKind::AddrInUse) => anyhow!(
            "{address} is in use: choose another address with {flag}, such as {flag} {}:0 for any \
             free port",
            ip.ip()
        ),
        (ListenAddress::Tcp(_), ErrorKind::PermissionDenied) => anyhow!(
            "{address} may not be bound by this user: choose a port from 1024 on with {flag}"
        ),
        (ListenAddress::Unix(_), ErrorKind::AddrInUse) => anyhow!(
            "{address} is in use: end the process that serves it, or choose another path with \
             {flag}"
        ),
        (ListenAddress::Unix(_), ErrorKind::AlreadyExists) => anyhow!(
            "{address} can't be bound: there is something that is no socket, and it is left alone: \
             remove it, or choose another path with {flag}"
        ),
        (ListenAddress::Unix(_), ErrorKind::PermissionDenied) => anyhow!(
            "{address} may not be bound by this user: choose a path with {flag} in a folder that \
             it may write to"
        ),
        _ => anyhow!("{address} can't be bound: {error}: see {flag}"),
    }
}
