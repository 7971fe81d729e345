//! Hosts that a handler may send requests to, as manifests and grants name them:
//! `api.example.com`, `*.example.com:8443`, `10.0.0.0/8`, `[::1]:*`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::address::{is_public, translated};
use crate::pattern::Pattern;

/// The port of a request's scheme, where it names none.
pub(crate) const HTTP: u16 = 80;
pub(crate) const HTTPS: u16 = 443;

/// One entry: a pattern of names, or a network of addresses.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AllowedHost {
    written: String,
    whom: Whom,
    ports: Ports,
}

#[derive(Clone, PartialEq, Eq)]
enum Whom {
    /// In lower case. It stands for no address, not even for `10.0.0.1` where it is `*`.
    Names(Pattern),
    Addresses(IpNet),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ports {
    /// Those of http and https.
    Usual,
    One(u16),
    All,
}

impl AllowedHost {
    /// None where it is neither.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let (host, port) = split(text)?;
        let ports = match port {
            None => Ports::Usual,
            Some("*") => Ports::All,
            Some(port) => Ports::One(port_of(port)?),
        };
        let whom = match network(host) {
            Some(network) => Whom::Addresses(network),
            None => Whom::Names(names(host)?),
        };
        Some(Self { written: text.to_owned(), whom, ports })
    }

    /// Whether a request to this host and port may be sent, as far as it names them.
    fn has_host(&self, host: &Host, port: u16) -> bool {
        self.ports.have(port)
            && match (&self.whom, host) {
                (Whom::Names(names), Host::Name(name)) => names.matches(name),
                (Whom::Addresses(network), Host::Address(address)) => network.contains(address),
                _ => false,
            }
    }

    fn has_address(&self, address: IpAddr, port: u16) -> bool {
        self.has_host(&Host::Address(address), port)
    }

    /// Whether it names all that another one does.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.ports.cover(other.ports)
            && match (&self.whom, &other.whom) {
                (Whom::Names(wide), Whom::Names(narrow)) => wide.covers(narrow),
                (Whom::Addresses(wide), Whom::Addresses(narrow)) => wide.contains(narrow),
                _ => false,
            }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }
}

impl fmt::Debug for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt(f)
    }
}

impl Ports {
    fn have(self, port: u16) -> bool {
        match self {
            Self::Usual => [HTTP, HTTPS].contains(&port),
            Self::One(one) => one == port,
            Self::All => true,
        }
    }

    fn cover(self, other: Self) -> bool {
        match (self, other) {
            (Self::All, _) | (Self::Usual, Self::Usual) => true,
            (_, Self::One(port)) => self.have(port),
            (_, Self::Usual | Self::All) => false,
        }
    }
}

/// Whom a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// In lower case, without the dot of the root.
    Name(String),
    Address(IpAddr),
}

impl Host {
    /// Of the host in a URL. Whatever is not an address as it is usually written, `127.1`
    /// say, is a name, and what that comes to is looked at when it has been resolved.
    pub(super) fn new(text: &str) -> Self {
        let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        match inner.unwrap_or(text).parse::<IpAddr>() {
            Ok(address) => Self::Address(address.to_canonical()),
            Err(_) => {
                let name = text.strip_suffix('.').unwrap_or(text);
                Self::Name(name.to_ascii_lowercase())
            }
        }
    }
}

/// Whether one of the entries names a host.
pub(super) fn are_for(allowed: &[AllowedHost], host: &Host, port: u16) -> bool {
    allowed.iter().any(|one| one.has_host(host, port))
}

/// Whether a connection may go to an address: a public one, or one that is named; and so
/// what a translator makes of it.
pub(super) fn may_reach(allowed: &[AllowedHost], address: SocketAddr) -> bool {
    let (ip, port) = (address.ip().to_canonical(), address.port());
    let may = |ip| is_public(ip) || allowed.iter().any(|one| one.has_address(ip, port));
    may(ip) && translated(ip).is_none_or(may)
}

/// Host and port, as they are written.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        // Only an address of IPv6 is written like that.
        if !host.contains(':') {
            return None;
        }
        return match rest.strip_prefix(':') {
            None => rest.is_empty().then_some((host, None)),
            Some(port) => Some((host, Some(port))),
        };
    }
    match text.split_once(':') {
        // Without brackets.
        Some((_, rest)) if rest.contains(':') => Some((text, None)),
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
}

fn port_of(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port > 0)
}

fn network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address.to_canonical()),
        Err(_) => text.parse::<IpNet>().ok()?,
    };
    Some(network.trunc())
}

fn names(text: &str) -> Option<Pattern> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '*');
    let name = text.strip_suffix('.').unwrap_or(text);
    Pattern::new(&name.to_ascii_lowercase()).filter(|_| text.chars().all(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> AllowedHost {
        AllowedHost::new(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn a_name_has_the_usual_ports_unless_it_says_another() {
        for (text, host, port) in [
            ("api.example.com", "api.example.com", 443),
            ("api.example.com", "API.Example.com.", 80),
            ("API.example.com", "api.example.com", 80),
            ("*.example.com", "a.b.example.com", 443),
            ("api.example.com:8080", "api.example.com", 8080),
            ("api.example.com:*", "api.example.com", 1),
            ("*", "anything.at.all", 443),
            ("127.0.0.1", "127.0.0.1", 80),
            ("127.0.0.1:8080", "127.0.0.1", 8080),
            ("127.0.0.0/8:*", "127.1.2.3", 1),
            ("::1", "[::1]", 443),
            ("[::1]:8080", "[::1]", 8080),
            ("[fd00::/8]:*", "[fd12::1]", 1),
            ("10.0.0.1", "[::ffff:10.0.0.1]", 80),
        ] {
            assert!(are_for(&[entry(text)], &Host::new(host), port), "{text} {host} {port}");
        }
        for (text, host, port) in [
            ("api.example.com", "api.example.com", 8080),
            ("api.example.com", "api.example.com.evil.net", 443),
            ("*.example.com", "example.com", 443),
            ("*.example.com", "evilexample.com", 443),
            ("api.example.com:8080", "api.example.com", 443),
            ("*", "127.0.0.1", 80),
            ("*", "8.8.8.8", 80),
            ("*:*", "[::1]", 80),
            ("127.0.0.1", "127.0.0.2", 80),
            ("127.0.0.0/8", "localhost", 80),
            ("0.0.0.0/0", "[::1]", 80),
        ] {
            assert!(!are_for(&[entry(text)], &Host::new(host), port), "{text} {host} {port}");
        }
    }

    #[test]
    fn a_grant_covers_no_more_than_it_names() {
        for (wide, narrow) in [
            ("*", "api.example.com"),
            ("*", "*.example.com"),
            ("*:*", "api.example.com:8080"),
            ("api.example.com", "api.example.com:443"),
            ("10.0.0.0/8", "10.1.0.0/16"),
            ("10.0.0.0/8:*", "10.1.2.3:8080"),
            ("::/0", "::1"),
        ] {
            assert!(entry(wide).covers(&entry(narrow)), "{wide} {narrow}");
        }
        for (wide, narrow) in [
            ("*", "api.example.com:8080"),
            ("*", "127.0.0.1"),
            ("*:*", "10.0.0.0/8"),
            ("api.example.com:443", "api.example.com"),
            ("10.1.0.0/16", "10.0.0.0/8"),
            ("10.0.0.0/8", "10.1.2.3:8080"),
            ("0.0.0.0/0", "::1"),
            ("0.0.0.0/0", "localhost"),
        ] {
            assert!(!entry(wide).covers(&entry(narrow)), "{wide} {narrow}");
        }
    }

    #[test]
    fn an_address_that_is_not_public_has_to_be_named() {
        let may = |allowed: &[&str], address: &str| {
            let allowed: Vec<_> = allowed.iter().map(|text| entry(text)).collect();
            may_reach(&allowed, address.parse().unwrap())
        };
        assert!(may(&["*"], "8.8.8.8:443"));
        assert!(may(&["*"], "[::ffff:8.8.8.8]:443"));
        assert!(!may(&["*:*", "localhost:*"], "127.0.0.1:443"));
        assert!(!may(&["*:*"], "[::ffff:127.0.0.1]:443"));
        assert!(may(&["localhost:*", "127.0.0.1:443"], "127.0.0.1:443"));
        assert!(may(&["127.0.0.1:443"], "[::ffff:127.0.0.1]:443"));
        assert!(!may(&["localhost:*", "127.0.0.1:443"], "127.0.0.1:444"));
        assert!(!may(&["0.0.0.0/0:*"], "[::1]:443"));
        // Behind a translator, too.
        assert!(!may(&["*"], "[64:ff9b::8.8.8.8]:443"));
        assert!(may(&["64:ff9b::/96"], "[64:ff9b::8.8.8.8]:443"));
        assert!(!may(&["64:ff9b::/96"], "[64:ff9b::10.0.0.1]:443"));
        assert!(may(&["64:ff9b::/96", "10.0.0.1"], "[64:ff9b::10.0.0.1]:443"));
    }

    #[test]
    fn nonsense_is_no_host() {
        for text in [
            "",
            ":",
            ":80",
            "a:",
            "a:0",
            "a:65536",
            "a:+80",
            "a b",
            "http://a",
            "a/b",
            "a@b",
            "[a]",
            "[::1",
            "[::1]x",
            "[::1]:",
            "10.0.0.0/33",
            "10.0.0.0/8/8",
            "é.example",
            "1:2:3",
            "*:**",
        ] {
            assert_eq!(AllowedHost::new(text), None, "{text}");
        }
    }
}
