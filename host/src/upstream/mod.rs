//! Requests of guests to servers elsewhere: `wasi:http/outgoing-handler`, for hosts that
//! the manifest asks for and the policy grants.
//!
//! A request takes this way:
//!
//! - `imports`: the guest's call, the one place where a request begins.
//! - `hooks`: whether its host is one of `hosts`, and whether there is room for one more,
//!   of which its `ticket` is the proof for as long as it lives.
//! - `exchange`: the request is sent and its answer's head awaited, in a task of the host.
//! - `connect`: the name is resolved once, each of its `address`es is looked at, and the
//!   connection goes to one that has passed; no name is resolved after that. `tls` is who
//!   it is believed to be.
//! - `body`: what passes is counted, and its silences are measured.
//! - `gather`: pieces that come in quick succession are handed on as one.
//! - `fault`: what can go wrong, as the guest, the log and the metrics are told.
//!
//! Absent on purpose: redirects, proxies, caches, cookies and connections that are kept
//! for a next request. A guest that follows a redirect makes a request like any other.

mod address;
mod body;
mod connect;
mod exchange;
mod fault;
mod gather;
mod hooks;
mod hosts;
mod imports;
mod ticket;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use tokio::sync::{OnceCell, Semaphore};

use crate::account::Seats;
use crate::descriptors;
use crate::settings::Settings;
pub(crate) use hooks::Upstream;
pub(crate) use hosts::AllowedHost;
pub(crate) use imports::{WASI_HTTP, link};

/// Names of one handler that are resolved at a time, and of all: the system's resolver
/// takes a thread for each, and can't be interrupted.
const LOOKUPS: usize = 8;
const ALL_LOOKUPS: usize = 32;

/// What holds for the requests of one generation of a handler.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    allowed: Arc<[AllowedHost]>,
    /// Of one instance, at a time.
    max_requests: usize,
    max_request_size: usize,
    max_response_size: usize,
    /// Without anything of the other end.
    timeout: Duration,
    /// From a request's start to the end of its answer.
    total_time: Duration,
}

impl Rules {
    pub(crate) fn new(settings: &Settings) -> Self {
        let limits = &settings.limits;
        Self {
            allowed: settings.allowed_hosts.clone(),
            max_requests: limits.max_http_requests,
            max_request_size: limits.max_http_request_size,
            max_response_size: limits.max_http_response_size,
            timeout: limits.http_timeout,
            total_time: limits.http_total_time,
        }
    }

    /// Whether any host is allowed.
    pub(crate) fn allow_any(&self) -> bool {
        !self.allowed.is_empty()
    }
}

/// What the requests of all handlers share.
pub(crate) struct Upstreams {
    requests: Arc<Seats>,
    lookups: Arc<Semaphore>,
    /// Whom certificates are believed of; read when the first one is to be.
    authorities: OnceCell<Arc<rustls::ClientConfig>>,
}

/// What those of one handler share, over all its generations.
pub(crate) struct HandlerUpstreams {
    pub(crate) requests: Arc<Seats>,
    lookups: Arc<Semaphore>,
    all: Arc<Upstreams>,
}

impl Upstreams {
    pub(crate) fn new() -> Arc<Self> {
        let files = getrlimit(Resource::Nofile).maximum;
        let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
        Arc::new(Self {
            requests: Arc::new(Seats::new(descriptors::requests_that_fit(files))),
            lookups: Arc::new(Semaphore::new(ALL_LOOKUPS)),
            authorities: OnceCell::new(),
        })
    }

    pub(crate) fn of(self: &Arc<Self>, max_requests: usize) -> HandlerUpstreams {
        HandlerUpstreams {
            requests: Arc::new(Seats::new(max_requests)),
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
            all: self.clone(),
        }
    }
}
