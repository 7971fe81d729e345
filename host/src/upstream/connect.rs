//! From a name to a connection with one of its addresses, each of which was looked at.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::fault::Fault;
use super::hooks::{Target, entry_of};
use super::hosts::{Host, may_reach};
use super::{HandlerUpstreams, Rules};

/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;

/// All addresses of a target. A lookup goes on when nobody waits for it any more, and
/// keeps its place till then.
pub(super) async fn resolve(
    target: &Target,
    upstreams: &HandlerUpstreams,
) -> Result<Vec<SocketAddr>, Fault> {
    if let Host::Address(address) = target.host {
        return Ok(vec![SocketAddr::new(address, target.port)]);
    }
    let gone = |_| Fault::Name("the host shuts down".into());
    let of_handler = upstreams.lookups.clone().acquire_owned().await.map_err(gone)?;
    let of_all = upstreams.all.lookups.clone().acquire_owned().await.map_err(gone)?;
    let (name, port) = (target.name.clone(), target.port);
    let lookup = tokio::task::spawn_blocking(move || {
        let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
        drop((of_handler, of_all));
        found
    });
    let found: std::io::Result<Vec<_>> =
        lookup.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    found.map_err(|error| {
        let why = error.to_string();
        Fault::Name(why.trim_start_matches("failed to lookup address information: ").to_owned())
    })
}

/// Those of the addresses that may be connected with.
pub(super) fn pick(
    all: Vec<SocketAddr>,
    target: &Target,
    rules: &Rules,
) -> Result<Vec<SocketAddr>, Fault> {
    let first = all.first().copied();
    let mut picked: Vec<SocketAddr> = Vec::new();
    for address in all {
        if may_reach(&rules.allowed, address) && !picked.contains(&address) {
            picked.push(address);
        }
    }
    picked.truncate(MAX_ADDRESSES);
    match (picked.is_empty(), first) {
        (false, _) => Ok(picked),
        (true, None) => Err(Fault::Name("it has no address".into())),
        (true, Some(first)) => {
            let address = first.ip().to_canonical();
            let entry = entry_of(address, first.port());
            Err(Fault::Address { host: target.name.clone(), address, entry })
        }
    }
}

/// Connects with the first one that answers: each has its part of the time.
pub(super) async fn connect(addresses: &[SocketAddr], limit: Duration) -> Result<TcpStream, Fault> {
    let deadline = Instant::now() + limit;
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for (at, address) in addresses.iter().enumerate() {
        let now = Instant::now();
        let share = deadline.saturating_duration_since(now) / (addresses.len() - at) as u32;
        match timeout_at(now + share, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => {
                // Otherwise small pieces wait for each other.
                let _ = socket.set_nodelay(true);
                return Ok(socket);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = std::io::ErrorKind::TimedOut.into(),
        }
    }
    Err(Fault::Connect(last))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::upstream::AllowedHost;

    #[test]
    fn of_a_name_with_many_addresses_those_are_left_that_may_be_reached() {
        let rules = |entries: &[&str]| {
            let allowed: Arc<_> =
                entries.iter().filter_map(|text| AllowedHost::new(text)).collect();
            Rules { allowed, ..Rules::default() }
        };
        let target = Target {
            host: Host::new("api.example"),
            name: "api.example".into(),
            port: 443,
            secure: true,
        };
        let addresses = |text: &[&str]| -> Vec<SocketAddr> {
            text.iter().map(|address| address.parse().unwrap()).collect()
        };
        let all = addresses(&["10.0.0.1:443", "8.8.8.8:443", "[::1]:443", "8.8.8.8:443"]);
        let picked = pick(all.clone(), &target, &rules(&["*"])).unwrap();
        assert_eq!(picked, addresses(&["8.8.8.8:443"]));
        let picked = pick(all, &target, &rules(&["*", "10.0.0.0/8"])).unwrap();
        assert_eq!(picked, addresses(&["10.0.0.1:443", "8.8.8.8:443"]));
        let none = pick(addresses(&["10.0.0.1:443"]), &target, &rules(&["*"])).unwrap_err();
        assert!(none.to_string().contains("add \"10.0.0.1\" to"), "{none}");
        assert!(pick(Vec::new(), &target, &rules(&["*"])).is_err());
    }
}
