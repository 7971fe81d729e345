//! A file for a browser, where no handler matches: which one, and its way out.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use hyper::Method;
use hyper::StatusCode;
use hyper::header::{CONNECTION, HOST, HeaderValue};
use tokio::time::timeout;

use super::origin::Origins;
use super::response::{self, Response, refuse, unavailable};
use super::{check, forwarded};
use crate::files::{self, Wanted};
use crate::host::{DownloadSlot, Host};
use crate::peer::Peer;
use crate::route;

/// What a peer has to take within each `write-timeout`, so that it can't hold its place
/// for ever.
const LEAST: u64 = 16 * 1024;

/// Why a peer did not get all of a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsent {
    #[error("it was taken too slowly (write-timeout)")]
    Slow,
    #[error("{0}")]
    Failed(#[from] hyper::Error),
}

/// The file that is asked for, if no handler is there for that, and there is one.
pub(super) async fn find(
    wanted: Wanted<'_>,
    peer: Peer,
    host: &Host,
    origins: &Origins,
) -> Result<Option<(files::Response, DownloadSlot)>, Response> {
    let Some(files) = &host.files else { return Ok(None) };
    let reads = matches!(*wanted.method, Method::GET | Method::HEAD);
    let name = wanted.headers.get(HOST).and_then(|host| host.to_str().ok());
    let path = route::decode(wanted.uri.path());
    let free = path.is_ok_and(|path| host.registry.find(name, route::normalize(&path)).is_none());
    if !reads || !free || check::is_upgrade(wanted.headers) {
        return Ok(None);
    }
    let proxies = &host.config.trusted_proxies;
    let client = forwarded::client(peer, wanted.headers, proxies, host.config.proxy_header);
    let Some(slot) = host.begin_download(client).await else {
        return Err(unavailable("too many files are being sent"));
    };
    let Some(mut response) = files.find(&wanted).await else { return Ok(None) };
    // On this machine's own addresses a page of somebody else's could read it, under a
    // name that leads here.
    if origins.is_loopback() && name.is_some_and(|name| !origins.knows(name)) {
        return Err(refuse(StatusCode::FORBIDDEN, response::UNKNOWN_HOST));
    }
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(Some((response, slot)))
}

/// Sends what is left of an answer, for as long as the peer takes enough of it within
/// each `patience`.
pub(super) async fn send<C>(
    mut http: C,
    taken: &AtomicU64,
    patience: Duration,
) -> Result<(), Unsent>
where
    C: Future<Output = hyper::Result<()>> + Unpin,
{
    loop {
        let before = taken.load(Relaxed);
        match timeout(patience, &mut http).await {
            Ok(sent) => return Ok(sent?),
            Err(_) if taken.load(Relaxed) - before >= LEAST => {}
            Err(_) => return Err(Unsent::Slow),
        }
    }
}
