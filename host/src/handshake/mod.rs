//! From an accepted socket to an open WebSocket, or to a status that says why not.
//!
//! hyper reads the request and writes the response; one request a socket, since
//! every refusal carries `Connection: close`, and so does every file (`download`) that
//! is sent where no handler matches. All that can fail has been done when
//! the 101 is written: the slots are reserved and the instance exists. It is the
//! session that sends it, with what the handler writes first.

mod check;
mod download;
mod forwarded;
mod holding;
mod join;
pub(crate) mod origin;
pub(crate) mod request;
mod response;
mod subprotocol;
mod terms;

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Either;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::connection::Connection;
use crate::files::Wanted;
use crate::generation::Membership;
use crate::host::{DownloadSlot, Host};
use crate::peer::Peer;
use crate::session::Guest;
use crate::stream::{Shared, Sink, Stream, share};
use holding::Holding;
use origin::Origins;

/// Header fields in one request, and bytes of all of them with the request line.
const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// How long a peer that was too slow has to take the status that says so.
const LAST_WORD: Duration = Duration::from_secs(1);

/// Everything a session needs besides its socket.
pub(crate) struct Opened {
    pub(crate) connection: Arc<Connection>,
    pub(crate) guest: Guest,
    pub(crate) membership: Membership,
    pub(crate) slots: crate::host::Slots,
}

/// What has become of a socket's request.
pub(crate) enum Served<S> {
    Upgraded(Box<Upgraded<S>>),
    /// A file is being sent, for as long as the peer takes of it, until this ends.
    Sending(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// The peer has had its answer, or nothing more is to be said to it.
    Answered,
}

/// A socket whose handshake is done.
pub(crate) struct Upgraded<S> {
    pub(crate) switched: Switched<S>,
    pub(crate) opened: Opened,
}

/// A socket that speaks WebSocket from now on.
pub(crate) struct Switched<S> {
    pub(crate) socket: S,
    /// The 101, which is to be sent first.
    pub(crate) response: Vec<u8>,
    /// What the peer sent right behind its request.
    pub(crate) read_ahead: Bytes,
}

impl Upgraded<Stream> {
    /// Lets others than the session write to the socket as well, where that can be.
    pub(crate) fn share(self) -> (Upgraded<Shared>, Option<Sink>) {
        let Self { switched: Switched { socket, response, read_ahead }, opened } = self;
        let (socket, sink) = share(socket);
        let switched = Switched { socket, response, read_ahead };
        (Upgraded { switched, opened }, sink)
    }
}

/// Serves the one request of a socket, which has to have come by `deadline`.
pub(crate) async fn serve<S>(
    socket: S,
    peer: Peer,
    host: &Arc<Host>,
    origins: &Arc<Origins>,
    deadline: Instant,
) -> Served<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Set by the service, which hyper owns until the response is out.
    let outcome: Arc<Mutex<Outcome>> = Arc::default();
    let holds = Arc::<AtomicBool>::default();
    let holding = Holding::new(socket, holds.clone());
    let taken = holding.taken();
    let shared = (host.clone(), origins.clone(), outcome.clone());
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (host, origins, outcome) = shared.clone();
        let holds = holds.clone();
        // Boxed, because hyper wants to move it.
        Box::pin(async move {
            set(&outcome, Outcome::Answered);
            let (method, uri, headers) = (request.method(), request.uri(), request.headers());
            let wanted = Wanted { method, uri, headers };
            match download::find(wanted, peer, &host, &origins).await {
                Ok(None) => {}
                Ok(Some((response, slot))) => {
                    host.metrics.answered(response.status().as_u16());
                    set(&outcome, Outcome::Sending(slot));
                    return Ok::<_, Infallible>(response);
                }
                Err(refusal) => {
                    host.metrics.answered(refusal.status().as_u16());
                    return Ok(refusal.map(Either::Left));
                }
            }
            let response = match check::open(request, peer, &host, &origins).await {
                Ok((opened, response)) => {
                    set(&outcome, Outcome::Opened(Box::new(opened)));
                    holds.store(true, Relaxed);
                    response
                }
                Err(refusal) => refusal,
            };
            Ok(response.map(Either::Left))
        })
    });
    let mut http = http1::Builder::new()
        .half_close(true)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(holding), service);
    let again = host.config.timeouts.handshake;
    // A file's time is not that of a handshake.
    let mut answer = poll_fn(|cx| match http.poll_without_shutdown(cx) {
        Poll::Pending if is_sending(&outcome) => Poll::Ready(Ok(())),
        answered => answered,
    });
    let mut served = timeout_at(deadline, &mut answer).await;
    if served.is_err() && has_come(&outcome) {
        // The request was in time. Its answer has as long again, and a little more
        // to say that even this was not enough.
        served = timeout(again + LAST_WORD, &mut answer).await;
    }
    let outcome = std::mem::take(&mut *outcome.lock().unwrap_or_else(PoisonError::into_inner));
    if let (Ok(Ok(())), Outcome::Answered) = (&served, &outcome) {
        // Where content was not read, hyper does not wait until its answer is sent,
        // unless it shuts down.
        served = timeout(again, &mut http).await;
    }
    let outcome = match (&served, outcome) {
        (Ok(Ok(())), Outcome::Sending(slot)) => {
            let patience = host.config.timeouts.write;
            return Served::Sending(Box::pin(async move {
                match download::send(&mut http, &taken, patience).await {
                    Ok(()) => linger(http.into_parts().io.into_inner().into_parts().0).await,
                    Err(why) => tracing::debug!(%peer, "a file was not sent to its end: {why}"),
                }
                drop(slot);
            }));
        }
        (_, outcome) => outcome,
    };
    let parts = http.into_parts();
    let (mut socket, response) = parts.io.into_inner().into_parts();
    match (served, outcome) {
        (Ok(Ok(())), Outcome::Opened(opened)) => {
            let switched = Switched { socket, response, read_ahead: parts.read_buf };
            return Served::Upgraded(Box::new(Upgraded { switched, opened: *opened }));
        }
        (Ok(Ok(())), _) => {}
        (Ok(Err(error)), _) => {
            if error.is_parse() {
                // hyper has answered it.
                host.metrics.answered(if error.is_parse_too_large() { 431 } else { 400 });
            }
            tracing::debug!(%peer, "handshake failed: {error}");
        }
        (Err(_), Outcome::Waiting) => {
            host.metrics.answered(408);
            tracing::debug!(%peer, "handshake too slow (handshake-timeout)");
            let late =
                b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
            // A peer that reads nothing either gets no more time.
            let _ = timeout(LAST_WORD, socket.write_all(late)).await;
        }
        (Err(_), _) => tracing::debug!(%peer, "answering took too long (handshake-timeout)"),
    }
    linger(socket).await;
    Served::Answered
}

/// How far the one request of a socket has come.
#[derive(Default)]
enum Outcome {
    #[default]
    Waiting,
    Answered,
    Opened(Box<Opened>),
    /// A file is on its way.
    Sending(DownloadSlot),
}

fn has_come(outcome: &Mutex<Outcome>) -> bool {
    let outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
    !matches!(*outcome, Outcome::Waiting)
}

fn is_sending(outcome: &Mutex<Outcome>) -> bool {
    let outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
    matches!(*outcome, Outcome::Sending(_))
}

fn set(outcome: &Mutex<Outcome>, to: Outcome) {
    *outcome.lock().unwrap_or_else(PoisonError::into_inner) = to;
}

/// Closes a socket so that its last bytes arrive: input that nobody reads would
/// reset it. Bounded in time and in bytes.
pub(crate) async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut socket: S) {
    const LINGER: Duration = Duration::from_secs(1);
    const MAX_BYTES: u64 = 256 * 1024;
    let last = async {
        socket.shutdown().await?;
        tokio::io::copy(&mut socket.take(MAX_BYTES), &mut tokio::io::sink()).await
    };
    // Whatever the peer does or does not: it has had its answer.
    let _ = timeout(LINGER, last).await;
}
