//! Why a request fails: as a code for the guest, a line of the log, and a word of the
//! metrics.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;

#[derive(Debug)]
pub(super) enum Fault {
    /// No host and port that could be meant.
    Uri,
    /// CONNECT would make a tunnel of it.
    Method,
    /// The host is not one of those that are allowed.
    Host {
        entry: String,
    },
    /// None of the name's addresses is public, or named.
    Address {
        host: String,
        address: IpAddr,
        entry: String,
    },
    /// There are as many at once as there may be.
    Full(&'static str),
    RequestSize(usize),
    ResponseSize(usize),
    /// Longer than `http-timeout`, or than the guest itself said.
    Silent {
        what: Awaited,
        limit: Duration,
        is_limit: bool,
    },
    /// Longer than `http-total-time`.
    TooLong(Duration),
    Name(String),
    Connect(io::Error),
    Tls(io::Error),
    /// The host knows no authority.
    Authorities(String),
    Http(hyper::Error),
}

/// The limit of all requests.
pub(super) const FILES: &str = "open-files";

/// What did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    Name,
    Connection,
    Answer,
}

impl Fault {
    /// Its word in the metrics.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Uri | Self::Method => "invalid",
            Self::Host { .. } => "host-denied",
            Self::Address { .. } => "address-denied",
            Self::Full(limit) => limit,
            Self::RequestSize(_) => "max-http-request-size",
            Self::ResponseSize(_) => "max-http-response-size",
            Self::Silent { is_limit: true, .. } => "http-timeout",
            Self::TooLong(_) => "http-total-time",
            Self::Silent { .. } => "timeout",
            Self::Name(_) => "name",
            Self::Connect(_) => "connect",
            Self::Tls(_) | Self::Authorities(_) => "tls",
            Self::Http(_) => "broken",
        }
    }

    /// Whether the log has to tell of it, since a limit or a grant is what was met. The
    /// rest is between the guest and whom it asks.
    pub(super) fn is_the_hosts(&self) -> bool {
        match self {
            Self::Host { .. } | Self::Address { .. } | Self::Full(_) => true,
            Self::RequestSize(_) | Self::ResponseSize(_) | Self::TooLong(_) => true,
            Self::Authorities(_) => true,
            Self::Silent { is_limit, .. } => *is_limit,
            _ => false,
        }
    }

    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Uri => Error::HttpRequestUriInvalid,
            Self::Method => Error::HttpRequestMethodInvalid,
            Self::Host { .. } => Error::HttpRequestDenied,
            Self::Address { .. } => Error::DestinationIpProhibited,
            Self::Full(_) => Error::ConnectionLimitReached,
            Self::RequestSize(max) => Error::HttpRequestBodySize(Some(max as u64)),
            Self::ResponseSize(max) => Error::HttpResponseBodySize(Some(max as u64)),
            Self::Silent { what: Awaited::Name, .. } => Error::DnsTimeout,
            Self::Silent { what: Awaited::Connection, .. } => Error::ConnectionTimeout,
            Self::Silent { what: Awaited::Answer, .. } => Error::ConnectionReadTimeout,
            Self::TooLong(_) => Error::HttpResponseTimeout,
            Self::Name(why) => Error::DnsError { rcode: Some(why), info_code: None },
            Self::Connect(error) => of_connecting(&error),
            Self::Tls(error) => of_tls(&error),
            Self::Authorities(_) => Error::ConfigurationError,
            Self::Http(error) => of_http(&error),
        }
    }
}

/// What there is to do about it. The names in it are a guest's.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { entry } => write!(
                f,
                "the host is not allowed: add \"{entry}\" to capabilities.allowed-hosts of the \
                 manifest"
            ),
            Self::Address { host, address, entry } => write!(
                f,
                "{host} is at {address}, which is not a public address: where that is meant, add \
                 \"{entry}\" to capabilities.allowed-hosts of the manifest as well"
            ),
            Self::Full(FILES) => f.write_str(
                "as many requests of all handlers are under way as the limit of open files leaves \
                 room for: raise it with `ulimit -n` or LimitNOFILE=",
            ),
            Self::Full(limit) => write!(f, "as many at once as {limit} allows are under way"),
            Self::RequestSize(max) => {
                write!(f, "its body is longer than {max} bytes (max-http-request-size)")
            }
            Self::ResponseSize(max) => {
                write!(f, "its answer is longer than {max} bytes (max-http-response-size)")
            }
            Self::Silent { what, limit, is_limit } => {
                let what = match what {
                    Awaited::Name => "name was not resolved",
                    Awaited::Connection => "host was not connected with",
                    Awaited::Answer => "host said nothing",
                };
                write!(f, "the {what} for {limit:?}")?;
                if *is_limit { f.write_str(" (http-timeout)") } else { Ok(()) }
            }
            Self::TooLong(limit) => write!(f, "it took longer than {limit:?} (http-total-time)"),
            Self::Uri => f.write_str("it names no host and port"),
            Self::Method => f.write_str("CONNECT is not served"),
            Self::Name(why) => write!(f, "the name can't be resolved: {why}"),
            Self::Connect(error) => write!(f, "the host can't be connected with: {error}"),
            Self::Tls(error) => write!(f, "TLS: {error}"),
            Self::Authorities(why) => write!(
                f,
                "no certificate can be checked, since the system's authorities can't be read: \
                 {why}: install ca-certificates, or set SSL_CERT_FILE"
            ),
            Self::Http(error) => write!(f, "HTTP: {error}"),
        }
    }
}

fn of_connecting(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            Error::DestinationIpUnroutable
        }
        _ => Error::DestinationUnavailable,
    }
}

fn of_tls(error: &io::Error) -> Error {
    let source = error.get_ref().and_then(|source| source.downcast_ref::<rustls::Error>());
    match source {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Error::TlsCertificateError
        }
        Some(rustls::Error::AlertReceived(alert)) => Error::TlsAlertReceived {
            alert_id: Some(u8::from(*alert)),
            alert_message: Some(format!("{alert:?}")),
        },
        Some(_) => Error::TlsProtocolError,
        None => Error::ConnectionTerminated,
    }
}

fn of_http(error: &hyper::Error) -> Error {
    if error.is_timeout() {
        Error::HttpResponseTimeout
    } else if error.is_parse_too_large() {
        Error::HttpResponseHeaderSectionSize(None)
    } else if error.is_incomplete_message() {
        Error::HttpResponseIncomplete
    } else if error.is_closed() || error.is_canceled() {
        Error::ConnectionTerminated
    } else {
        let source = std::error::Error::source(error);
        let of_socket = source.and_then(|source| source.downcast_ref::<io::Error>());
        match of_socket.map(io::Error::kind) {
            Some(io::ErrorKind::UnexpectedEof) => Error::HttpResponseIncomplete,
            Some(
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe,
            ) => Error::ConnectionTerminated,
            _ => Error::HttpProtocolError,
        }
    }
}

/// The code of an error that the stream of an answer's body has failed with.
pub(super) fn code_of(error: &Error) -> ErrorCode {
    match error {
        Error::HttpResponseBodySize(max) => ErrorCode::HttpResponseBodySize(*max),
        Error::ConnectionReadTimeout => ErrorCode::ConnectionReadTimeout,
        Error::HttpResponseTimeout => ErrorCode::HttpResponseTimeout,
        Error::HttpResponseIncomplete => ErrorCode::HttpResponseIncomplete,
        Error::ConnectionTerminated => ErrorCode::ConnectionTerminated,
        _ => ErrorCode::HttpProtocolError,
    }
}
