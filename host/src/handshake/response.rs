//! The responses of the design's status table. A refusal is a line of plain text
//! that says what is wrong.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    REFERRER_POLICY, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::{HeaderMap, StatusCode};

use crate::gate::{Accepted, Rejected};

pub(super) type Response = hyper::Response<Full<Bytes>>;

pub(super) const UNKNOWN_HOST: &str =
    "the Host of this request is not one of this server's names: set --host";

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

pub(super) fn refuse(status: StatusCode, why: impl std::fmt::Display) -> Response {
    let mut response = Response::new(Full::from(format!("{why}\n")));
    *response.status_mut() = status;
    let response = with(response, CONNECTION, HeaderValue::from_static("close"));
    with(response, CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))
}

/// 503, to be tried again soon.
pub(super) fn unavailable(why: impl std::fmt::Display) -> Response {
    unavailable_for(Duration::from_secs(1), why)
}

/// 503, to be tried again after this time.
pub(super) fn unavailable_for(time: Duration, why: impl std::fmt::Display) -> Response {
    let response = refuse(StatusCode::SERVICE_UNAVAILABLE, why);
    with(response, RETRY_AFTER, HeaderValue::from(time.as_secs_f64().ceil() as u64))
}

/// 429: the client's address holds as many connections as it may.
pub(super) fn too_many(limit: impl std::fmt::Display) -> Response {
    let why = format_args!("too many connections from this address: {limit}");
    let response = refuse(StatusCode::TOO_MANY_REQUESTS, why);
    with(response, RETRY_AFTER, HeaderValue::from_static("1"))
}

/// 426 for what is no WebSocket handshake (RFC 9110, section 15.5.22).
pub(super) fn upgrade_required() -> Response {
    let response = refuse(
        StatusCode::UPGRADE_REQUIRED,
        "this path serves WebSocket connections: connect to it with a WebSocket client",
    );
    let response = with(response, UPGRADE, WEBSOCKET);
    with(response, CONNECTION, HeaderValue::from_static("upgrade, close"))
}

/// 426 for another version of the protocol (RFC 6455, section 4.4).
pub(super) fn wrong_version() -> Response {
    let response = refuse(
        StatusCode::UPGRADE_REQUIRED,
        "only version 13 of the WebSocket protocol is served (RFC 6455)",
    );
    let response = with(response, UPGRADE, WEBSOCKET);
    with(response, SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
}

/// 401 (RFC 6750, section 3): there is no token, or none that is good. Which of the two
/// is said, and no more.
pub(super) fn unauthorized(missing: bool) -> Response {
    let (why, challenge) = match missing {
        true => ("a session is needed here, and the request has no token", "Bearer"),
        false => ("the session's token is not good", "Bearer error=\"invalid_token\""),
    };
    let response = refuse(StatusCode::UNAUTHORIZED, why);
    with(response, WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

/// 101 (RFC 6455, section 4.2.2), with the subprotocol that is agreed to.
pub(super) fn switching(accept: HeaderValue, subprotocol: Option<HeaderValue>) -> Response {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let response = with(response, UPGRADE, WEBSOCKET);
    let response = with(response, CONNECTION, HeaderValue::from_static("upgrade"));
    let response = with(response, SEC_WEBSOCKET_ACCEPT, accept);
    match subprotocol {
        Some(subprotocol) => with(response, SEC_WEBSOCKET_PROTOCOL, subprotocol),
        None => response,
    }
}

/// The test page. It may connect anywhere and load nothing.
pub(super) fn page(html: String) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
        script-src 'unsafe-inline'; connect-src *; img-src data:; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers: [(HeaderName, &str); 7] = [
        (CONNECTION, "close"),
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
    ];
    headers.into_iter().fold(Response::new(Full::from(html)), |response, (name, value)| {
        with(response, name, HeaderValue::from_static(value))
    })
}

/// What the test page asks for.
pub(super) fn json(text: String) -> Response {
    let headers: [(HeaderName, &str); 3] = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    headers.into_iter().fold(Response::new(Full::from(text)), |response, (name, value)| {
        with(response, name, HeaderValue::from_static(value))
    })
}

/// What the handler's own gate says.
pub(super) fn rejected(rejected: Rejected) -> Response {
    let mut response = refuse(rejected.status, "");
    *response.body_mut() = Full::from(rejected.body);
    extend(&mut response, rejected.headers);
    response
}

/// Adds what the handler's own gate says to a 101.
pub(super) fn accepted(mut response: Response, accepted: Accepted) -> Response {
    if let Some(subprotocol) = accepted.subprotocol {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    extend(&mut response, accepted.headers);
    response
}

/// Those of a name replace what there was of it.
fn extend(response: &mut Response, headers: HeaderMap) {
    response.headers_mut().extend(headers);
}

fn with(mut response: Response, name: HeaderName, value: HeaderValue) -> Response {
    response.headers_mut().insert(name, value);
    response
}
