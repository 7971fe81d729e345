//! Who is behind a proxy. Only what a trusted proxy says is believed.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;
use ipnet::IpNet;

/// The address that a connection comes from: the peer's own, or, where the peer is
/// a trusted proxy, the last one in `X-Forwarded-For` that is not a trusted proxy
/// either. Everything before that one may be made up. The port of a forwarded
/// address is 0 where the proxy did not say.
pub(super) fn client(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> SocketAddr {
    let is_trusted =
        |address: IpAddr| trusted.iter().any(|network| network.contains(&address.to_canonical()));
    let mut client = peer;
    let fields: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
    let mut hops = fields.iter().rev().flat_map(|field| {
        field.to_str().unwrap_or_default().rsplit(',').map(|hop| parse(hop.trim()))
    });
    while is_trusted(client.ip()) {
        let Some(Some(hop)) = hops.next() else { break };
        client = hop;
    }
    client
}

fn parse(hop: &str) -> Option<SocketAddr> {
    let bracketed = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']'));
    let address: Result<IpAddr, _> = bracketed.unwrap_or(hop).parse();
    address.map(|address| SocketAddr::new(address, 0)).or_else(|_| hop.parse()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_of(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let address = client(SocketAddr::new(peer.parse().unwrap(), 5), &headers, &trusted);
        address.to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(client_of("203.0.113.7", &["198.51.100.1"]), "203.0.113.7:5");
    }

    #[test]
    fn the_last_hop_that_is_not_a_proxy_is_the_client() {
        assert_eq!(client_of("10.1.1.1", &["198.51.100.1"]), "198.51.100.1:0");
        assert_eq!(
            client_of("10.1.1.1", &["1.2.3.4, 198.51.100.1:80, 10.2.2.2"]),
            "198.51.100.1:80"
        );
        assert_eq!(
            client_of("10.1.1.1", &["1.2.3.4", "198.51.100.1", "10.2.2.2"]),
            "198.51.100.1:0"
        );
        assert_eq!(client_of("::1", &["[2001:db8::1]"]), "[2001:db8::1]:0");
        assert_eq!(client_of("::ffff:10.1.1.1", &["2001:db8::1"]), "[2001:db8::1]:0");
    }

    #[test]
    fn what_cannot_be_read_ends_the_search() {
        assert_eq!(client_of("10.1.1.1", &["198.51.100.1, unknown, 10.2.2.2"]), "10.2.2.2:0");
        assert_eq!(client_of("10.1.1.1", &[]), "10.1.1.1:5");
    }
}
