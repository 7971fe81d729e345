//! Who is behind a proxy. Only what a trusted proxy says is believed, and only the
//! one header that it is known to write: of the other it would hand on whatever
//! the client has made up.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;

use crate::config::{ProxyHeader, TrustedProxy};
use crate::peer::Peer;

/// The address that a connection comes from: the peer's own, or, where the peer is
/// a trusted proxy, the last one in its header that is not a trusted proxy either.
/// Everything before that one may be made up. The port of a forwarded address is 0
/// where the proxy did not say.
pub(super) fn client(
    peer: Peer,
    headers: &HeaderMap,
    trusted: &[TrustedProxy],
    header: ProxyHeader,
) -> Peer {
    let is_trusted = |peer: Peer| trusted.iter().any(|proxy| proxy.is(peer));
    if !is_trusted(peer) {
        return peer;
    }
    let name = match header {
        ProxyHeader::XForwardedFor => "x-forwarded-for",
        ProxyHeader::Forwarded => "forwarded",
    };
    let fields = headers.get_all(name).iter().map(|field| field.to_str().unwrap_or_default());
    let hops: Vec<_> = fields.flat_map(|field| split(field, ',')).collect();
    let mut client = peer;
    for hop in hops.into_iter().rev() {
        let address = match header {
            ProxyHeader::XForwardedFor => parse(hop),
            ProxyHeader::Forwarded => forwarded_for(hop),
        };
        let Some(address) = address else { break };
        client = Peer::Tcp(address);
        if !is_trusted(client) {
            break;
        }
    }
    client
}

/// Whether a request says that a proxy hands it on, whoever that is.
pub(super) fn is_forwarded(headers: &HeaderMap) -> bool {
    const SIGNS: [&str; 5] =
        ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-real-ip", "via"];
    SIGNS.iter().any(|name| headers.contains_key(*name))
}

/// The node that one element of `Forwarded` says the request is for (RFC 7239,
/// section 4); none where it is unknown or obfuscated.
fn forwarded_for(element: &str) -> Option<SocketAddr> {
    let node = split(element, ';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value.trim())
    })?;
    parse(node.strip_prefix('"').and_then(|node| node.strip_suffix('"')).unwrap_or(node))
}

/// Splits where `separator` is outside of a quoted string (RFC 9110, section 5.6.4).
/// An address has nothing in it that would be escaped.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |char| {
        quoted ^= char == '"';
        char == separator && !quoted
    })
    .map(str::trim)
}

fn parse(node: &str) -> Option<SocketAddr> {
    let bracketed = node.strip_prefix('[').and_then(|node| node.strip_suffix(']'));
    let address: Result<IpAddr, _> = bracketed.unwrap_or(node).parse();
    address.map(|address| SocketAddr::new(address, 0)).or_else(|_| node.parse()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_by(header: ProxyHeader, peer: &str, fields: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8", "::1/128", "unix"].map(|proxy| proxy.parse().unwrap());
        let peer = match peer {
            "unix" => Peer::Unix,
            _ => Peer::Tcp(SocketAddr::new(peer.parse().unwrap(), 5)),
        };
        client(peer, &headers, &trusted, header).to_string()
    }

    fn by_x_forwarded_for(peer: &str, values: &[&str]) -> String {
        let fields: Vec<_> = values.iter().map(|value| ("x-forwarded-for", *value)).collect();
        client_by(ProxyHeader::XForwardedFor, peer, &fields)
    }

    fn by_forwarded(peer: &str, values: &[&str]) -> String {
        let fields: Vec<_> = values.iter().map(|value| ("forwarded", *value)).collect();
        client_by(ProxyHeader::Forwarded, peer, &fields)
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(by_x_forwarded_for("203.0.113.7", &["198.51.100.1"]), "203.0.113.7:5");
        assert_eq!(by_forwarded("203.0.113.7", &["for=198.51.100.1"]), "203.0.113.7:5");
    }

    #[test]
    fn the_last_hop_that_is_not_a_proxy_is_the_client() {
        let client_of = by_x_forwarded_for;
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
    fn a_peer_on_a_unix_socket_can_be_a_proxy() {
        assert_eq!(by_x_forwarded_for("unix", &["1.2.3.4, 198.51.100.1"]), "198.51.100.1:0");
        assert_eq!(by_x_forwarded_for("unix", &["198.51.100.1, unix:"]), "unix");
        let nobody = client(Peer::Unix, &HeaderMap::new(), &[], ProxyHeader::XForwardedFor);
        assert_eq!(nobody, Peer::Unix);
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_has_it() {
        let client_of = by_forwarded;
        assert_eq!(client_of("10.1.1.1", &["for=192.0.2.43"]), "192.0.2.43:0");
        assert_eq!(
            client_of("10.1.1.1", &[r#"For="[2001:db8:cafe::17]:4711""#]),
            "[2001:db8:cafe::17]:4711"
        );
        assert_eq!(
            client_of("10.1.1.1", &["for=1.2.3.4, for=192.0.2.60;proto=http;by=203.0.113.43"]),
            "192.0.2.60:0"
        );
        assert_eq!(
            client_of("10.1.1.1", &[r#"by="a,b;c"; for="192.0.2.1:80""#, "FOR=10.2.2.2"]),
            "192.0.2.1:80"
        );
    }

    #[test]
    fn only_the_header_that_was_named_is_read() {
        let both = [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.2")];
        assert_eq!(client_by(ProxyHeader::XForwardedFor, "10.1.1.1", &both), "192.0.2.1:0");
        assert_eq!(client_by(ProxyHeader::Forwarded, "10.1.1.1", &both), "192.0.2.2:0");
    }

    #[test]
    fn what_cannot_be_read_ends_the_search() {
        let x = by_x_forwarded_for;
        assert_eq!(x("10.1.1.1", &["198.51.100.1, unknown, 10.2.2.2"]), "10.2.2.2:0");
        assert_eq!(x("10.1.1.1", &[]), "10.1.1.1:5");
        for unknown in ["for=unknown", "for=_hidden", "proto=http", r#"for="192.0.2.1"#, ""] {
            assert_eq!(by_forwarded("10.1.1.1", &[unknown]), "10.1.1.1:5", "{unknown}");
        }
    }
}
