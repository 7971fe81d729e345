//! The optional export `gate`: what a handler decides about a handshake, and whether
//! that can be said to the peer.

use std::sync::Arc;

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use hyper::{HeaderMap, StatusCode};
use tokio::sync::oneshot;
use wasmtime::component::{ComponentType, Lift};

use crate::connection::Connection;
use crate::failure::Failure;

/// Header fields in one answer, and bytes of all of them.
const MAX_HEADERS: usize = 32;
const MAX_HEADER_BYTES: usize = 8 * 1024;
const MAX_ATTACHMENT: usize = 64 * 1024;
const MAX_BODY: usize = 4 * 1024;

type Fields = Vec<(String, Vec<u8>)>;

/// `gate.acceptance`, as the guest has it.
#[derive(ComponentType, Debug, Lift)]
#[component(record)]
pub(crate) struct Acceptance {
    subprotocol: Option<String>,
    headers: Fields,
    attachment: Option<Vec<u8>>,
}

/// `gate.rejection`, as the guest has it.
#[derive(ComponentType, Debug, Lift)]
#[component(record)]
pub(crate) struct Rejection {
    status: u16,
    headers: Fields,
    body: String,
}

pub(crate) type Decision = Result<Acceptance, Rejection>;

/// A handshake that waits for a room's decision.
pub(crate) struct Question {
    pub(crate) connection: Arc<Connection>,
    pub(crate) answer: oneshot::Sender<Result<Decision, NoDecision>>,
}

/// Why there is no decision.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NoDecision {
    TooSlow,
    Failed,
}

impl From<&Failure> for NoDecision {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::CpuTime(_) | Failure::WallTime(_) => Self::TooSlow,
            _ => Self::Failed,
        }
    }
}

/// An acceptance that can be said to the peer.
#[derive(Debug, Default)]
pub(crate) struct Accepted {
    pub(crate) subprotocol: Option<HeaderValue>,
    pub(crate) headers: HeaderMap,
    pub(crate) attachment: Option<Vec<u8>>,
}

/// A rejection that can be said to the peer.
#[derive(Debug)]
pub(crate) struct Rejected {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// Why an answer of a gate can't be said to the peer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadAnswer {
    #[error("the status {0}, which is not from 400 to 599")]
    Status(u16),
    #[error("a subprotocol that the peer has not offered")]
    Subprotocol,
    #[error("a header field that is not well-formed (RFC 9110, section 5)")]
    Header,
    #[error("the header field {0}, which is the host's")]
    Reserved(HeaderName),
    #[error("more than {MAX_HEADERS} header fields, or {MAX_HEADER_BYTES} bytes of them")]
    Headers,
    #[error("an attachment over {MAX_ATTACHMENT} bytes")]
    Attachment,
    #[error("a body over {MAX_BODY} bytes")]
    Body,
}

impl Acceptance {
    /// `offers` says whether the peer has offered a subprotocol.
    pub(crate) fn check(self, offers: impl Fn(&str) -> bool) -> Result<Accepted, BadAnswer> {
        let subprotocol = match self.subprotocol {
            Some(name) if !offers(&name) => return Err(BadAnswer::Subprotocol),
            Some(name) => Some(HeaderValue::try_from(name).map_err(|_| BadAnswer::Subprotocol)?),
            None => None,
        };
        if self.attachment.as_ref().is_some_and(|bytes| bytes.len() > MAX_ATTACHMENT) {
            return Err(BadAnswer::Attachment);
        }
        let headers = checked(self.headers)?;
        Ok(Accepted { subprotocol, headers, attachment: self.attachment })
    }
}

impl Rejection {
    pub(crate) fn check(self) -> Result<Rejected, BadAnswer> {
        let status = StatusCode::from_u16(self.status)
            .ok()
            .filter(|status| status.is_client_error() || status.is_server_error())
            .ok_or(BadAnswer::Status(self.status))?;
        if self.body.len() > MAX_BODY {
            return Err(BadAnswer::Body);
        }
        Ok(Rejected { status, headers: checked(self.headers)?, body: self.body })
    }
}

fn checked(fields: Fields) -> Result<HeaderMap, BadAnswer> {
    let bytes = fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    if fields.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        return Err(BadAnswer::Headers);
    }
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::try_from(name).map_err(|_| BadAnswer::Header)?;
        let value = HeaderValue::try_from(value).map_err(|_| BadAnswer::Header)?;
        let of_the_host = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE];
        if of_the_host.contains(&name) || name.as_str().starts_with("sec-websocket-") {
            return Err(BadAnswer::Reserved(name));
        }
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(acceptance: Acceptance) -> Result<Accepted, BadAnswer> {
        acceptance.check(|offered| offered == "chat.v2")
    }

    fn acceptance() -> Acceptance {
        Acceptance { subprotocol: None, headers: Vec::new(), attachment: None }
    }

    fn rejection(status: u16) -> Rejection {
        Rejection { status, headers: Vec::new(), body: String::new() }
    }

    fn field(name: &str, value: &[u8]) -> (String, Vec<u8>) {
        (name.to_owned(), value.to_vec())
    }

    #[test]
    fn only_a_subprotocol_that_was_offered_is_agreed_to() {
        let of = |name: &str| Acceptance { subprotocol: Some(name.into()), ..acceptance() };
        assert_eq!(accepted(of("chat.v2")).unwrap().subprotocol.unwrap(), "chat.v2");
        assert_eq!(accepted(of("chat.v1")).unwrap_err(), BadAnswer::Subprotocol);
        assert!(accepted(acceptance()).unwrap().subprotocol.is_none());
    }

    #[test]
    fn only_errors_are_statuses_of_a_rejection() {
        for status in [400, 403, 418, 599] {
            assert_eq!(rejection(status).check().unwrap().status, status);
        }
        for status in [0, 99, 101, 200, 302, 600, 1000] {
            assert_eq!(rejection(status).check().unwrap_err(), BadAnswer::Status(status));
        }
    }

    #[test]
    fn a_response_can_neither_be_split_nor_be_made_another_one() {
        let of = |fields: Fields| accepted(Acceptance { headers: fields, ..acceptance() });
        let set = of(vec![field("set-cookie", b"a=1"), field("Set-Cookie", b"b=2")]).unwrap();
        assert_eq!(set.headers.get_all("set-cookie").iter().count(), 2);
        for (name, value) in [("x y", &b""[..]), ("x", b"a\r\nb: c"), ("", b"x"), ("x", b"\0")] {
            assert_eq!(of(vec![field(name, value)]).unwrap_err(), BadAnswer::Header);
        }
        for name in ["Connection", "content-length", "Sec-WebSocket-Extensions"] {
            let refused = of(vec![field(name, b"1")]).unwrap_err();
            assert!(matches!(refused, BadAnswer::Reserved(_)), "{refused}");
        }
    }

    #[test]
    fn answers_are_short() {
        let many = vec![field("x", b""); MAX_HEADERS + 1];
        let long = vec![field("x", &[b'x'; MAX_HEADER_BYTES])];
        for headers in [many, long] {
            let refused = accepted(Acceptance { headers, ..acceptance() }).unwrap_err();
            assert_eq!(refused, BadAnswer::Headers);
        }
        let attachment = Some(vec![0; MAX_ATTACHMENT + 1]);
        let refused = accepted(Acceptance { attachment, ..acceptance() }).unwrap_err();
        assert_eq!(refused, BadAnswer::Attachment);
        let body = "x".repeat(MAX_BODY + 1);
        assert_eq!(Rejection { body, ..rejection(403) }.check().unwrap_err(), BadAnswer::Body);
    }
}
