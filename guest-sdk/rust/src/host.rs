//! The functions of the host that this crate calls: a component's imports, and natively
//! those of the fake one that [`testing`](crate::testing) has.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::{
    environment::wasi::cli::environment,
    socklet::websocket::{connection, log, opening},
    timed::socklet::websocket::timers,
    topical::socklet::websocket::topics,
};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::calls::{
    connection, environment, http, log, opening, timers, topics,
};

/// No test is there to answer a request to an upstream.
#[cfg(target_arch = "wasm32")]
pub(crate) mod http {
    use crate::http::{Error, Request, Response};

    pub(crate) fn answer(_request: &Request) -> Option<Result<Response, Error>> {
        None
    }
}
