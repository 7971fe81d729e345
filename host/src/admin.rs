//! What an operator's tools ask: alive, ready, and the metrics. A listener of its
//! own, which is not for browsers: a page that someone visits must not read it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue, ORIGIN};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::handshake::origin::Origins;
use crate::host::Host;

type Response = hyper::Response<Full<Bytes>>;

/// Requests at a time; further ones wait.
const MAX_REQUESTS: usize = 64;
/// For a request to come, so that silent sockets keep no health check waiting.
const SILENCE: Duration = Duration::from_secs(1);
/// For one request and its answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What `/readyz` tells.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<State>);

#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum State {
    #[default]
    Starting,
    Ready,
    Stopping,
}

impl Readiness {
    pub(crate) fn set(&self, state: State) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    fn answer(&self) -> Response {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Starting => text(StatusCode::SERVICE_UNAVAILABLE, "loading handlers\n"),
            State::Ready => text(StatusCode::OK, "ready\n"),
            State::Stopping => text(StatusCode::SERVICE_UNAVAILABLE, "shutting down\n"),
        }
    }
}

/// Answers until `stop`. No error ends it.
pub(crate) async fn serve(listener: TcpListener, host: Arc<Host>, stop: CancellationToken) {
    let requests = Arc::new(Semaphore::new(MAX_REQUESTS));
    let Ok(address) = listener.local_addr() else { return };
    let origins = Arc::new(Origins::new(&[], &host.config.hosts, &address.into()));
    loop {
        let next = async {
            let permit = requests.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = stop.cancelled() => return,
            next = next => next,
        };
        match accepted {
            Ok((socket, _)) => {
                let (host, origins) = (host.clone(), origins.clone());
                tokio::spawn(async move {
                    // A client that is too slow or goes away has had its chance.
                    let _ = timeout(TIMEOUT, serve_socket(socket, &host, &origins)).await;
                    drop(permit);
                });
            }
            // The listeners for clients say what goes wrong with accepting.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn serve_socket(socket: TcpStream, host: &Host, origins: &Origins) -> hyper::Result<()> {
    let service = service_fn(|request: Request<Incoming>| {
        let response = answer(&request, host, origins);
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let mut http = http1::Builder::new();
    http.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(SILENCE);
    http.serve_connection(TokioIo::new(socket), service).await
}

fn answer<B>(request: &Request<B>, host: &Host, origins: &Origins) -> Response {
    let headers = request.headers();
    if headers.contains_key(ORIGIN) {
        return text(StatusCode::FORBIDDEN, "this listener is not for web pages\n");
    }
    // Browsers always send one. Simple health checks speak HTTP/1.0 and do not.
    let known = |host: &HeaderValue| host.to_str().is_ok_and(|name| origins.knows(name));
    if !headers.get(HOST).is_none_or(known) {
        return text(StatusCode::FORBIDDEN, "this Host is not one of the server's names: --host\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
    }
    match request.uri().path() {
        "/healthz" => text(StatusCode::OK, "alive\n"),
        "/readyz" => host.readiness.answer(),
        "/metrics" => metrics(host),
        _ => text(StatusCode::NOT_FOUND, "there are /healthz, /readyz and /metrics\n"),
    }
}

fn metrics(host: &Host) -> Response {
    let handlers: Vec<_> = host.registry.all();
    let tasks = Handle::current().metrics().num_alive_tasks() + host.overtime.tasks();
    let all = host.metrics.text(handlers.iter().map(|handler| &handler.account.metrics), tasks);
    let mut response = Response::new(Full::from(all));
    const FORMAT: HeaderValue =
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, FORMAT);
    response
}

fn text(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
