//! One request and its answer: a connection of its own, which ends with them.

use std::sync::Arc;
use std::time::Duration;

use http::response::Parts;
use http::{Request, Response, Uri};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::either::Either;
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::Rules;
use super::body::{Answer, Bounded};
use super::fault::{Awaited, Fault};
use super::gather::Gathered;
use super::hooks::{MAX_FIELDS, Target, shorter};
use super::ticket::Ticket;
use super::{connect, tls};

/// A request that may be sent.
pub(super) struct Exchange {
    pub(super) target: Target,
    pub(super) request: Request<WasiBody>,
    pub(super) options: RequestOptions,
    pub(super) rules: Arc<Rules>,
    pub(super) ticket: Ticket,
}

/// An answer whose head has come.
pub(super) struct Conversation {
    pub(super) incoming: Incoming,
    /// What drives the connection.
    pub(super) connection: AbortOnDropHandle<()>,
    pub(super) silence: Silence,
}

/// How long the other end may say nothing, and whether that is the host's limit.
pub(super) type Silence = (Duration, bool);

impl Exchange {
    /// Ends with the answer's head. Dropped before, it gives up. It runs in a task of the
    /// host's own runtime, since sockets are watched there.
    pub(super) async fn run(self) -> Result<Response<WasiBody>, Error> {
        let Self { target, request, options, rules, ticket } = self;
        let deadline = Instant::now() + rules.total_time;
        let exchange = exchange(&target, request, options, &rules, &ticket, deadline);
        let exchanged = timeout_at(deadline, exchange).await;
        match exchanged.unwrap_or(Err(Fault::TooLong(rules.total_time))) {
            Ok((head, conversation)) => {
                let answer = Answer::new(conversation, ticket, rules, deadline);
                Ok(Response::from_parts(head, Gathered::new(answer).boxed_unsync()))
            }
            Err(fault) => Err(ticket.failed(fault)),
        }
    }
}

async fn exchange(
    target: &Target,
    request: Request<WasiBody>,
    options: RequestOptions,
    rules: &Rules,
    ticket: &Ticket,
    deadline: Instant,
) -> Result<(Parts, Conversation), Fault> {
    let upstreams = &ticket.speaker().account().upstreams;
    let (limit, is_limit) = shorter(rules.timeout, options.connect_timeout);
    let late = |what| move |_| Fault::Silent { what, limit, is_limit };
    let addresses = timeout(limit, connect::resolve(target, upstreams)).await;
    let addresses = connect::pick(addresses.map_err(late(Awaited::Name))??, target, rules)?;
    let connected = timeout(limit, async {
        let socket = connect::connect(&addresses, limit).await?;
        match target.secure {
            false => Ok(Either::Left(socket)),
            true => tls::secure(socket, target, &upstreams.all).await.map(Either::Right),
        }
    });
    let stream = connected.await.map_err(late(Awaited::Connection))??;
    converse(stream, request, options, rules, deadline).await
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<WasiBody>,
    options: RequestOptions,
    rules: &Rules,
    deadline: Instant,
) -> Result<(Parts, Conversation), Fault> {
    let handshake = http1::Builder::new().max_buf_size(MAX_FIELDS).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(Fault::Http)?;
    // A guest that reads nothing keeps it no longer than one that does. What is wrong with
    // it is heard where the answer is read.
    let connection = AbortOnDropHandle::new(tokio::spawn(async move {
        let _ = timeout_at(deadline, connection).await;
    }));
    let (limit, is_limit) = shorter(rules.timeout, options.first_byte_timeout);
    let sent = timeout(limit, sender.send_request(in_origin_form(request, rules)));
    let response = sent
        .await
        .map_err(|_| Fault::Silent { what: Awaited::Answer, limit, is_limit })?
        .map_err(|error| of_sending(error, rules))?;
    let (head, incoming) = response.into_parts();
    if incoming.size_hint().lower() > rules.max_response_size as u64 {
        return Err(Fault::ResponseSize(rules.max_response_size));
    }
    let silence = shorter(rules.timeout, options.between_bytes_timeout);
    Ok((head, Conversation { incoming, connection, silence }))
}

/// What a server gets, in place of a proxy: the path, and a body within its bound.
fn in_origin_form(request: Request<WasiBody>, rules: &Rules) -> Request<WasiBody> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().cloned();
    head.uri = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    Request::from_parts(head, Bounded::new(body, rules.max_request_size).boxed_unsync())
}

/// The guest's own body may be what has failed.
fn of_sending(error: hyper::Error, rules: &Rules) -> Fault {
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
    match source {
        Some(Error::HttpRequestBodySize(_)) => Fault::RequestSize(rules.max_request_size),
        _ => Fault::Http(error),
    }
}
