//! The checks of a handshake, in the order of the design's status table (RFC 6455,
//! section 4.2).

use std::sync::Arc;

use hyper::header::{
    ACCEPT, CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use hyper::{HeaderMap, Method, StatusCode, Version};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::Opened;
use super::forwarded;
use super::join::{self, Candidate, Joined};
use super::origin::Origins;
use super::response::{self, Response, refuse, unavailable};
use super::terms::{Asked, Terms};
use crate::account::Account;
use crate::connection::Connection;
use crate::host::{Full, Host};
use crate::page;
use crate::peer::Peer;
use crate::registry::Handler;
use crate::route;
use crate::table::Params;

/// Opens a connection, or says with which response not; and counts which.
pub(super) async fn open<B>(
    request: hyper::Request<B>,
    peer: Peer,
    host: &Host,
    origins: &Origins,
) -> Result<(Opened, Response), Response> {
    let path = route::decode(request.uri().path());
    let name = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let found =
        path.as_ref().ok().and_then(|path| host.registry.find(name, route::normalize(path)));
    let (handler, params) = found.unzip();
    let outcome = match path {
        Ok(path) => {
            let target = Target { path, handler: handler.as_deref(), params };
            open_at(target, request, peer, host, origins).await
        }
        Err(why) => Err(refuse(StatusCode::BAD_REQUEST, why)),
    };
    let (Ok((_, response)) | Err(response)) = &outcome;
    let status = response.status().as_u16();
    match handler {
        Some(handler) => handler.account.metrics.answered(status),
        None => host.metrics.answered(status),
    }
    outcome
}

/// What a request is for.
struct Target<'a> {
    /// Decoded.
    path: String,
    handler: Option<&'a Handler>,
    /// What the captures of its route take of the path.
    params: Option<Params>,
}

async fn open_at<B>(
    Target { path, handler, params }: Target<'_>,
    request: hyper::Request<B>,
    peer: Peer,
    host: &Host,
    origins: &Origins,
) -> Result<(Opened, Response), Response> {
    if !is_upgrade(request.headers()) {
        return Err(no_handshake(&request, handler.is_some(), host, origins));
    }
    let Some(handler) = handler else {
        return Err(not_found());
    };
    let accept = check_protocol(&request)?;
    let client = forwarded::client(
        peer,
        request.headers(),
        &host.config.trusted_proxies,
        host.config.proxy_header,
    );
    let full = |limit| full(limit, peer, &handler.account);
    host.may_ask(client).map_err(full)?;
    let (parts, _) = request.into_parts();
    let (query, headers) = (parts.uri.query(), &parts.headers);
    let untrusted = host.config.policy.untrusted;
    let asked = Asked { path: &path, query, headers, client, peer, origins, untrusted };
    let terms = asked.terms(join::generation(handler, &path)?)?;
    let slots = host.reserve(client).map_err(full)?;

    let Terms { generation, request, caller } = terms;
    let (account, limits) = (handler.account.clone(), &generation.settings.limits);
    let connection = Arc::new(Connection::new(host.next_id(), request, limits, account));
    if let Some(params) = params.filter(|params| !params.is_empty()) {
        connection.learn(|opening| opening.params = params);
    }
    let candidate = Candidate { handler, asked, connection: &connection, host };
    let joined = candidate.join(generation.clone(), caller).await?;
    let Joined { membership, guest, subprotocol, accepted } = joined;
    let opened = Opened { connection, guest, membership, slots };
    Ok((opened, response::accepted(response::switching(accept, subprotocol), accepted)))
}

/// What is said where a limit is reached.
pub(super) fn full(limit: Full, peer: Peer, handler: &Account) -> Response {
    if handler.may_notice() {
        tracing::warn!(%peer, handler = &*handler.name, "handshake refused: {limit}");
    }
    match limit {
        Full::Address | Full::Rate => response::too_many(limit),
        _ => unavailable(format_args!("the server is full: {limit}")),
    }
}

/// What the test page asks for while somebody works on the handlers.
const GENERATIONS: &str = "application/vnd.socklet.generations+json";

/// A plain HTTP request: the test page for browsers, else 426 or 404.
fn no_handshake<B>(
    request: &hyper::Request<B>,
    known: bool,
    host: &Host,
    origins: &Origins,
) -> Response {
    let path = request.uri().path();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let browser = accepts(request.headers(), "text/html");
    let asks = host.config.development && accepts(request.headers(), GENERATIONS);
    let shows = host.test_page(origins, forwarded::is_forwarded(request.headers()));
    if reads && (browser || asks) && shows && (known || path == "/") {
        let name = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        if !name.is_some_and(|name| origins.knows(name)) {
            return refuse(StatusCode::FORBIDDEN, response::UNKNOWN_HOST);
        }
        let routes = host.registry.routes().into_iter();
        let named = routes.map(|(claim, handler)| (claim.route.as_str().to_owned(), handler));
        if asks {
            let serving =
                named.filter_map(|(route, handler)| Some((route, handler.current()?.number)));
            return response::json(page::generations(serving));
        }
        let routes = named.map(|(route, _)| route);
        return response::page(page::render(routes, host.config.development));
    }
    if known { response::upgrade_required() } else { not_found() }
}

fn not_found() -> Response {
    refuse(StatusCode::NOT_FOUND, "no handler at this path")
}

/// What makes a request a handshake. Returns the accept key.
fn check_protocol<B>(request: &hyper::Request<B>) -> Result<HeaderValue, Response> {
    let malformed = |why: &str| refuse(StatusCode::BAD_REQUEST, why);
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(malformed("a WebSocket handshake is a GET request"));
    }
    if request.version() != Version::HTTP_11 {
        return Err(malformed("a WebSocket handshake needs HTTP/1.1"));
    }
    if !has_token(headers, &CONNECTION, "upgrade") {
        return Err(malformed("the handshake has no `Connection: Upgrade`"));
    }
    let length = headers.get_all(CONTENT_LENGTH).iter();
    if headers.contains_key(TRANSFER_ENCODING) || length.into_iter().any(|length| length != "0") {
        // Its bytes would be taken for frames (RFC 9110, section 7.8).
        return Err(malformed("a WebSocket handshake has no content"));
    }
    if headers.get_all(HOST).iter().count() != 1 {
        return Err(malformed("the handshake needs one Host"));
    }
    let version = one(headers, &SEC_WEBSOCKET_VERSION)
        .ok_or_else(|| malformed("the handshake needs one Sec-WebSocket-Version"))?;
    if version.as_bytes() != b"13" {
        return Err(response::wrong_version());
    }
    let key =
        one(headers, &SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes())).ok_or_else(|| {
            malformed("the handshake needs one Sec-WebSocket-Key of 16 bytes in base64")
        })?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes()))
        .map_err(|_| malformed("the Sec-WebSocket-Key can't be answered"))
}

/// The value of a header that must be there once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// 16 bytes in base64 are 22 characters and `==`.
fn is_key(key: &[u8]) -> bool {
    key.len() == 24
        && key.ends_with(b"==")
        && key[..22].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// Whether this is meant to become a WebSocket.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    has_token(headers, &UPGRADE, "websocket")
}

/// Whether a list of tokens (RFC 9110, section 5.6.1) has this one.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    list(headers, name).any(|part| part.eq_ignore_ascii_case(token))
}

/// Whether a browser asks for a page. How much it prefers that does not count.
fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let mut types = list(headers, &ACCEPT).filter_map(|part| part.split(';').next());
    types.any(|part| part.trim().eq_ignore_ascii_case(media_type))
}

/// The members of all lists of this name.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}
