//! What an operator's tools ask and do: health, readiness and the metrics; and, with
//! the token, handlers and connections. A listener of its own, which is not for
//! browsers: a page that someone visits must not read it.
//!
//! `routes` are its paths, which `openapi.json` describes, and `answer` is what answers
//! look like. `handlers`, `connections` and `topics` do what is asked for.

mod answer;
mod connections;
mod handlers;
mod query;
mod routes;
mod token;
mod topics;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{ALLOW, AUTHORIZATION, HOST, HeaderValue, ORIGIN, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::guest_log::LogBudget;
use crate::handshake::linger;
use crate::handshake::origin::Origins;
use crate::host::Host;
use crate::loader::Wish;
use answer::{Problem, Response, of_type, text};
use query::Query;
use routes::Resource;
pub use token::{Token, TokenError};

/// Requests at a time; further ones wait.
const MAX_REQUESTS: usize = 64;
/// For a request to come, so that silent sockets keep no health check waiting.
const SILENCE: Duration = Duration::from_secs(1);
/// For one request and its answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What the log may say of requests with a wrong token in a second, in bytes.
const NOTICE_RATE: usize = 1024;

const OPENAPI: &str = include_str!("openapi.json");

/// A bound listener for an operator's tools, and what they show. It refuses requests of
/// web pages.
#[derive(Debug)]
pub struct AdminListener {
    /// It listens.
    pub socket: TcpListener,
    /// Asked for by all but health, readiness, metrics and the description.
    pub token: Token,
}

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

/// What requests are answered from.
struct Admin {
    host: Arc<Host>,
    origins: Origins,
    token: Token,
    loader: mpsc::Sender<Wish>,
    notices: LogBudget,
}

/// Answers until `stop`. No error ends it.
pub(crate) async fn serve(
    listener: AdminListener,
    host: Arc<Host>,
    loader: mpsc::Sender<Wish>,
    stop: CancellationToken,
) {
    let AdminListener { socket, token } = listener;
    let requests = Arc::new(Semaphore::new(MAX_REQUESTS));
    let Ok(address) = socket.local_addr() else { return };
    let origins = Origins::new(&[], &host.config.hosts, &address.into());
    let notices = LogBudget::of_notices(NOTICE_RATE);
    let admin = Arc::new(Admin { host, origins, token, loader, notices });
    loop {
        let next = async {
            let permit = requests.clone().acquire_owned().await;
            (permit, socket.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = stop.cancelled() => return,
            next = next => next,
        };
        match accepted {
            Ok((socket, _)) => {
                let admin = admin.clone();
                tokio::spawn(async move {
                    // A client that is too slow or goes away has had its chance.
                    let _ = timeout(TIMEOUT, admin.serve_socket(socket)).await;
                    drop(permit);
                });
            }
            // The listeners for clients say what goes wrong with accepting.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

impl Admin {
    async fn serve_socket(&self, socket: TcpStream) {
        let service = service_fn(|request: Request<Incoming>| {
            // Boxed, because hyper wants to move it.
            Box::pin(async move {
                let answer = self.answer(request).await;
                Ok::<Response, Infallible>(answer.unwrap_or_else(Problem::into_response))
            })
        });
        let mut http = http1::Builder::new();
        http.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(SILENCE);
        let mut served = http.serve_connection(TokioIo::new(socket), service);
        let answered = std::future::poll_fn(|cx| served.poll_without_shutdown(cx)).await;
        if answered.is_ok() {
            // What was not read of a request must not reset the answer to it.
            linger(served.into_parts().io.into_inner()).await;
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response, Problem> {
        self.check_origin(request.headers())?;
        let found = routes::find(request.uri().path());
        if !found.is_some_and(|(route, _)| route.resource.is_open()) {
            self.check_token(request.headers())?;
        }
        let Some((route, variable)) = found else {
            let paths: Vec<_> = routes::ROUTES.iter().map(|route| route.template).collect();
            return Err(Problem::not_found(format!("there are {}", paths.join(", "))));
        };
        let method = request.method();
        if !route.allows(method) {
            let allow = route.allow();
            let why = format!("{method} can't be done to this: there are {allow}");
            let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, why);
            return Err(match HeaderValue::from_str(&allow) {
                Ok(allow) => problem.with(ALLOW, allow),
                Err(_) => problem,
            });
        }
        let host = &*self.host;
        let malformed = || Problem::bad(format!("{variable:?} is not percent-encoded UTF-8"));
        let variable = routes::decode(variable).ok_or_else(malformed)?.into_owned();
        let query = |known: &[&str]| Query::parse(request.uri().query(), known);
        match route.resource {
            Resource::Health => Ok(text(StatusCode::OK, "alive\n")),
            Resource::Readiness => Ok(host.readiness.answer()),
            Resource::Metrics => Ok(metrics(host)),
            Resource::Description => {
                Ok(of_type("application/json", StatusCode::OK, OPENAPI.into()))
            }
            Resource::Handlers => query(&[]).map(|_| handlers::list(host)),
            Resource::Rollback => {
                query(&[])?;
                handlers::roll_back(&variable, host, &self.loader).await
            }
            Resource::Connections => {
                connections::list(&query(&["handler", "after", "limit"])?, host)
            }
            Resource::Connection if method == Method::DELETE => {
                connections::close(&variable, &query(&["code", "reason"])?, host)
            }
            Resource::Topic => {
                let query = query(&["handler"])?;
                topics::publish(&variable, &query, request, host).await
            }
            Resource::Connection => {
                query(&[])?;
                connections::write(&variable, request, host).await
            }
        }
    }

    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let refuse = |why| Err(Problem::new(StatusCode::FORBIDDEN, why));
        if headers.contains_key(ORIGIN) {
            return refuse("this listener is not for web pages");
        }
        // Browsers always send one. Simple health checks speak HTTP/1.0 and do not.
        let known = |host: &HeaderValue| host.to_str().is_ok_and(|name| self.origins.knows(name));
        if !headers.get(HOST).is_none_or(known) {
            return refuse("this Host is not one of the server's names: --host");
        }
        Ok(())
    }

    /// RFC 6750, section 2.1.
    fn check_token(&self, headers: &HeaderMap) -> Result<(), Problem> {
        const SCHEME: &[u8] = b"bearer ";
        let mut all = headers.get_all(AUTHORIZATION).iter();
        let shown = match (all.next(), all.next()) {
            (Some(one), None) => one.as_bytes().split_at_checked(SCHEME.len()),
            _ => None,
        };
        let shown = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME));
        let (why, challenge) = match shown {
            Some((_, token)) if self.token.is(token.trim_ascii()) => return Ok(()),
            Some(_) => {
                if self.notices.admit("", 0) {
                    tracing::warn!("a request to the admin listener has shown a wrong token");
                }
                ("this is not the token", "Bearer error=\"invalid_token\"")
            }
            None => ("show the token: `Authorization: Bearer TOKEN`", "Bearer"),
        };
        let problem = Problem::new(StatusCode::UNAUTHORIZED, why);
        Err(problem.with(WWW_AUTHENTICATE, HeaderValue::from_static(challenge)))
    }
}

fn metrics(host: &Host) -> Response {
    let handlers = host.registry.all();
    let tasks = Handle::current().metrics().num_alive_tasks() + host.instances.overtime.tasks();
    let all = host.metrics.text(handlers.iter().map(|handler| &handler.account.metrics), tasks);
    of_type("text/plain; version=0.0.4; charset=utf-8", StatusCode::OK, all.into())
}
