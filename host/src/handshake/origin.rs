//! Who may connect from a browser (RFC 6455, section 10.2), and under which
//! names the server answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hyper::HeaderMap;
use hyper::header::{HOST, ORIGIN};

use crate::listener::Endpoint;

/// The names and origins that one listener accepts.
#[derive(Clone, Debug)]
pub(crate) struct Origins {
    allowed: Vec<String>,
    hosts: Vec<String>,
    loopback: bool,
    /// Pages of this machine's other servers may connect.
    loopback_origins: bool,
}

/// Why a request with an Origin is refused with 403.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error(
        "origin {origin:?} is not allowed (Host {host:?}): set --allow-origin {origin}, or \
         allow-origins in the handler's manifest"
    )]
    Foreign { origin: String, host: String },
    #[error(
        "origin {origin:?} equals the Host, but {host:?} is not one of this server's names: \
         set --host {host}"
    )]
    UnknownHost { origin: String, host: String },
    #[error(
        "origin \"null\" is refused (Host {host:?}): no setting but --allow-origin '*' lets it in"
    )]
    Null { host: String },
}

impl Origins {
    /// A loopback listener answers to the loopback's names as well. Other
    /// listeners only to those that were set: a name that an attacker points at
    /// this server's address (DNS rebinding) is not the same origin. Nor is
    /// `localhost` where a proxy is in front, which may hand on requests of
    /// strangers under that very name, as nginx does for a Unix socket.
    pub(crate) fn new(allowed: &[String], hosts: &[String], listener: &Endpoint) -> Self {
        let lower = |names: &[String]| names.iter().map(|name| name.to_ascii_lowercase()).collect();
        let mut hosts: Vec<String> = lower(hosts);
        if listener.is_loopback() {
            hosts.extend(["localhost".to_owned()]);
        }
        let loopback = listener.is_loopback();
        Self { allowed: lower(allowed), hosts, loopback, loopback_origins: false }
    }

    /// Lets pages connect that come from whatever port of the loopback, as a web
    /// framework's own server does.
    pub(crate) fn with_loopback_origins(self, allowed: bool) -> Self {
        Self { loopback_origins: allowed, ..self }
    }

    /// Whether the listener is reached from this machine only.
    pub(crate) fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// A request without an Origin does not come from a browser, and passes. `more` are
    /// origins that may connect to its handler, beside those that may connect to all.
    pub(crate) fn check(&self, headers: &HeaderMap, more: &[String]) -> Result<(), Refused> {
        let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
        // Longer than any name: it would only fill the log.
        const LONGEST: usize = 300;
        let text = |value: &[u8]| {
            String::from_utf8_lossy(&value[..value.len().min(LONGEST)]).to_ascii_lowercase()
        };
        let origin = text(origin.as_bytes());
        let host = headers.get(HOST).map(|host| text(host.as_bytes())).unwrap_or_default();
        let mut allowed = self.allowed.iter().chain(more);
        if allowed.any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(&origin)) {
            return Ok(());
        }
        if self.loopback_origins && is_loopback(&origin) {
            return Ok(());
        }
        if origin == "null" {
            return Err(Refused::Null { host });
        }
        let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
        if host.is_empty() || authority != host {
            return Err(Refused::Foreign { origin, host });
        }
        if !self.knows(&host) {
            return Err(Refused::UnknownHost { origin, host });
        }
        Ok(())
    }

    /// Whether `host`, with or without a port, is one of the server's names, or an
    /// address: whoever asks by an address was not led here by a name.
    pub(crate) fn knows(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        if is_address(&host) {
            return true;
        }
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => &host,
        };
        self.hosts.iter().any(|known| known == name || *known == host)
    }
}

fn is_loopback(origin: &str) -> bool {
    let Ok(origin) = origin.parse::<http::Uri>() else { return false };
    let host = origin.host().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn is_address(host: &str) -> bool {
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    host.parse::<SocketAddr>().is_ok()
        || host.parse::<Ipv4Addr>().is_ok()
        || bracketed.is_some_and(|host| host.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        listener: &str,
        settings: (&[&str], &[&str], &[&str]),
        headers: &[(&str, &str)],
    ) -> bool {
        let strings = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect::<Vec<_>>();
        let listener = Endpoint { address: listener.parse().unwrap(), proxy_protocol: false };
        let origins = Origins::new(&strings(settings.0), &strings(settings.1), &listener);
        let mut map = HeaderMap::new();
        for &(name, value) in headers {
            let name: hyper::header::HeaderName = name.parse().unwrap();
            map.append(name, value.parse().unwrap());
        }
        origins.check(&map, &strings(settings.2)).is_ok()
    }

    const LOOPBACK: &str = "127.0.0.1:9000";
    const PUBLIC: &str = "0.0.0.0:9000";
    const UNIX: &str = "unix:/run/socklet.sock";

    #[test]
    fn without_an_origin_a_request_passes() {
        assert!(check(PUBLIC, (&[], &[], &[]), &[("host", "evil.example")]));
    }

    #[test]
    fn the_same_origin_passes_under_a_known_name_only() {
        let from = |listener, hosts, name: &str| {
            let origin = format!("http://{name}");
            check(listener, (&[], hosts, &[]), &[("host", name), ("origin", &origin)])
        };
        assert!(from(LOOPBACK, &[], "localhost:9000"));
        assert!(from(LOOPBACK, &[], "[::1]:9000"));
        assert!(from(LOOPBACK, &[], "LocalHost:9000"));
        assert!(!from(LOOPBACK, &[], "rebound.example:9000"));
        assert!(!from(PUBLIC, &[], "localhost:9000"));
        assert!(!from(UNIX, &[], "localhost"));
        assert!(from(UNIX, &["chat.example.com"], "chat.example.com"));
        assert!(from(PUBLIC, &["chat.example.com"], "chat.example.com"));
        assert!(from(PUBLIC, &["chat.example.com"], "chat.example.com:8443"));
    }

    #[test]
    fn other_origins_must_be_allowed() {
        let headers = [("host", "localhost:9000"), ("origin", "https://app.example")];
        assert!(!check(LOOPBACK, (&[], &[], &[]), &headers));
        assert!(check(LOOPBACK, (&["https://app.example"], &[], &[]), &headers));
        assert!(check(LOOPBACK, (&["*"], &[], &[]), &headers));
        assert!(!check(LOOPBACK, (&["https://app.example:1"], &[], &[]), &headers));
        assert!(check(LOOPBACK, (&[], &[], &["https://app.example"]), &headers));
        assert!(check(LOOPBACK, (&[], &[], &["*"]), &headers));
        assert!(!check(LOOPBACK, (&[], &[], &["https://app.example.org"]), &headers));
    }

    #[test]
    fn null_is_refused() {
        let headers = [("host", "localhost:9000"), ("origin", "null")];
        assert!(!check(LOOPBACK, (&[], &[], &[]), &headers));
    }
}
