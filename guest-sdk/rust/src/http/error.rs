//! What can go wrong with a request.

use std::fmt;

use crate::bindings::http::wasi::http::types::ErrorCode;

/// Why a request failed, or its answer broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The URL is not one of http or https, or its host or port can't be meant.
    Url(String),
    /// The method is none.
    Method(String),
    /// A header that can't be sent: its name or its value has characters that it may not
    /// have, it is one that the host sets itself (`host`, `connection`,
    /// `transfer-encoding` and the like), or there are too many.
    Header(String),
    /// The host is not one of the manifest's `allowed-hosts`. The server's log says what
    /// to add.
    Denied,
    /// The host's name is that of a private address, which `allowed-hosts` does not name.
    PrivateAddress,
    /// The instance, or the handler, has as many requests under way as it may have.
    TooMany,
    /// The request or the answer is longer than it may be.
    TooLarge,
    /// The other end took too long.
    Timeout,
    /// The host's name can't be resolved.
    Name(String),
    /// The other end can't be reached, or the connection broke off.
    Connection(String),
    /// The other end can't prove who it is, or does not speak TLS.
    Tls(String),
    /// The other end does not speak HTTP/1.1, or something else went wrong.
    Other(String),
    /// The answer is no UTF-8.
    NotText,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => write!(f, "{url:?} is not a URL of http or https"),
            Self::Method(method) => write!(f, "{method:?} is not a method"),
            Self::Header(name) => write!(f, "the header {name:?} can't be sent"),
            Self::Denied => f.write_str("the host is not among allowed-hosts"),
            Self::PrivateAddress => {
                f.write_str("the host is at a private address that is not among allowed-hosts")
            }
            Self::TooMany => f.write_str("too many requests are under way"),
            Self::TooLarge => f.write_str("the request or the answer is too large"),
            Self::Timeout => f.write_str("the other end took too long"),
            Self::Name(why) => write!(f, "the host's name can't be resolved: {why}"),
            Self::Connection(why) => write!(f, "no connection: {why}"),
            Self::Tls(why) => write!(f, "no TLS: {why}"),
            Self::Other(why) => write!(f, "the request failed: {why}"),
            Self::NotText => f.write_str("the answer is not UTF-8"),
        }
    }
}

impl std::error::Error for Error {}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        let word = |what: &str| what.to_owned();
        match code {
            ErrorCode::HttpRequestDenied => Self::Denied,
            ErrorCode::DestinationIpProhibited => Self::PrivateAddress,
            ErrorCode::ConnectionLimitReached => Self::TooMany,
            ErrorCode::HttpRequestBodySize(_) | ErrorCode::HttpResponseBodySize(_) => {
                Self::TooLarge
            }
            ErrorCode::ConnectionTimeout
            | ErrorCode::ConnectionReadTimeout
            | ErrorCode::ConnectionWriteTimeout
            | ErrorCode::HttpResponseTimeout
            | ErrorCode::DnsTimeout => Self::Timeout,
            ErrorCode::DnsError(payload) => {
                Self::Name(payload.rcode.unwrap_or_else(|| word("no such name")))
            }
            ErrorCode::HttpRequestUriInvalid => Self::Url(String::new()),
            ErrorCode::HttpRequestMethodInvalid => Self::Method(String::new()),
            ErrorCode::ConnectionRefused => Self::Connection(word("refused")),
            ErrorCode::ConnectionTerminated => Self::Connection(word("broken off")),
            ErrorCode::HttpResponseIncomplete => Self::Connection(word("ended early")),
            ErrorCode::DestinationIpUnroutable => Self::Connection(word("no route")),
            ErrorCode::DestinationUnavailable | ErrorCode::DestinationNotFound => {
                Self::Connection(word("unavailable"))
            }
            ErrorCode::TlsCertificateError => Self::Tls(word("bad certificate")),
            ErrorCode::TlsProtocolError => Self::Tls(word("protocol error")),
            ErrorCode::TlsAlertReceived(alert) => {
                Self::Tls(alert.alert_message.unwrap_or_else(|| word("alert")))
            }
            other => Self::Other(format!("{other:?}")),
        }
    }
}
