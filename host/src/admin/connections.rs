//! Connections as an operator sees them, a page at a time; what is written to one of
//! them from outside, and its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body;
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, Request, StatusCode};
use serde::Serialize;

use super::answer::{Problem, Response, json};
use super::handlers;
use super::query::Query;
use crate::bindings::WriteOutcome;
use crate::closing::HostClose;
use crate::connection::{Connection, ConnectionId};
use crate::frame;
use crate::generation::Generation;
use crate::host::Host;

/// Connections on one page.
const USUAL: usize = 100;
const MOST: usize = 1000;

#[derive(Serialize)]
struct Page {
    connections: Vec<Entry>,
    /// What `after` is for the page that follows; none behind the last.
    next: Option<ConnectionId>,
}

#[derive(Serialize)]
struct Entry {
    id: ConnectionId,
    handler: String,
    generation: u64,
    path: String,
    remote_address: String,
    /// Bytes that wait to be sent.
    buffered_amount: u64,
}

/// Those of the lowest ids: whoever was there before the first page and is still there
/// when its own comes is on exactly one.
pub(super) fn list(query: &Query, host: &Host) -> Result<Response, Problem> {
    let after = query.number("after")?.unwrap_or(0);
    let limit = query.number("limit")?.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::bad(format!("limit={limit} is not between 1 and {MOST}")));
    }
    let mut all = host.registry.handlers();
    if let Some(name) = query.text("handler") {
        all.retain(|handler| *handler.account.name == *name);
        if all.is_empty() {
            return Err(handlers::unknown(name));
        }
    }
    // The one after the last says that there are more.
    let mut lowest = Lowest::new(limit + 1);
    for generation in all.iter().flat_map(|handler| handler.generations()) {
        for connection in generation.connections() {
            if connection.id() > after && connection.is_open() {
                lowest.add(connection.id(), (generation.clone(), connection));
            }
        }
    }
    let mut found = lowest.into_sorted();
    let more = found.len() > limit;
    found.truncate(limit);
    let connections: Vec<_> =
        found.into_iter().map(|(generation, connection)| entry(&generation, &connection)).collect();
    let next = connections.last().filter(|_| more).map(|last| last.id);
    Ok(json(StatusCode::OK, &Page { connections, next }))
}

fn entry(generation: &Generation, connection: &Connection) -> Entry {
    Entry {
        id: connection.id(),
        handler: generation.account.name.to_string(),
        generation: generation.number,
        path: connection.path().to_owned(),
        remote_address: connection.peer().to_string(),
        buffered_amount: connection.buffered_amount(),
    }
}

/// The few of the lowest ids among many.
struct Lowest<T> {
    most: usize,
    found: BTreeMap<ConnectionId, T>,
}

impl<T> Lowest<T> {
    fn new(most: usize) -> Self {
        Self { most, found: BTreeMap::new() }
    }

    fn add(&mut self, id: ConnectionId, one: T) {
        let full = self.found.len() == self.most;
        if full && self.found.last_key_value().is_none_or(|(last, _)| *last < id) {
            return;
        }
        self.found.insert(id, one);
        if self.found.len() > self.most {
            self.found.pop_last();
        }
    }

    fn into_sorted(self) -> Vec<T> {
        self.found.into_values().collect()
    }
}

#[derive(Serialize)]
pub(super) struct Outcome {
    pub(super) outcome: &'static str,
}

/// Writes one message: the request's content, as text unless it says otherwise.
pub(super) async fn write<B>(
    id: &str,
    request: Request<B>,
    host: &Host,
) -> Result<Response, Problem>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (generation, connection) = find(id, host)?;
    let (parts, body) = request.into_parts();
    let text = is_text(&parts.headers);
    let max = generation.settings.limits.max_publication();
    let payload = read(body, text, max).await?;
    match connection.write_from_outside(text, &payload) {
        WriteOutcome::Queued => Ok(json(StatusCode::ACCEPTED, &Outcome { outcome: "queued" })),
        WriteOutcome::Full => {
            let why = "more waits to be sent on this connection than another message has room for";
            Err(Problem::again(why, "full"))
        }
        WriteOutcome::Closed => Err(closed()),
        WriteOutcome::TooLarge => Err(too_large(max)),
    }
}

pub(super) fn is_text(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    !essence.trim().eq_ignore_ascii_case("application/octet-stream")
}

/// The message that is a request's content, if it may be one.
pub(super) async fn read<B>(body: B, text: bool, max: usize) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // What says itself that it is too large is not read at all.
    if body.size_hint().lower() > max as u64 {
        return Err(too_large(max));
    }
    let payload = match Limited::new(body, max).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large(max)),
        Err(error) => return Err(Problem::bad(format!("the content can't be read: {error}"))),
    };
    if text && std::str::from_utf8(&payload).is_err() {
        let why = "a text message has to be UTF-8: send application/octet-stream for a binary one";
        return Err(Problem::bad(why));
    }
    Ok(payload)
}

/// Closes a connection, behind what was written to it before.
pub(super) fn close(id: &str, query: &Query, host: &Host) -> Result<Response, Problem> {
    let (generation, connection) = find(id, host)?;
    let code = query.number("code")?.unwrap_or(1000);
    let reason = query.text("reason").unwrap_or_default();
    if !frame::may_send_close_code(code) {
        let allowed = "1000, 1001, 1003, 1007 to 1014, and 3000 to 4999";
        return Err(Problem::bad(format!("code={code} must not be sent: there are {allowed}")));
    }
    if reason.len() > frame::MAX_CLOSE_REASON {
        let (is, most) = (reason.len(), frame::MAX_CLOSE_REASON);
        return Err(Problem::bad(format!("the reason has {is} bytes, and may have {most}")));
    }
    if connection.is_closing() {
        return Err(closed());
    }
    connection.close_by_host(HostClose::admin(code, reason.to_owned()));
    tracing::info!(
        handler = &*generation.account.name,
        generation = generation.number,
        connection = connection.id(),
        "closing with {code}, as the operator wishes"
    );
    Ok(json(StatusCode::ACCEPTED, &Outcome { outcome: "closing" }))
}

fn find(id: &str, host: &Host) -> Result<(Arc<Generation>, Arc<Connection>), Problem> {
    let unknown = || Problem::not_found(format!("there is no connection {id:?}"));
    let id = id.parse().map_err(|_| unknown())?;
    let handlers = host.registry.handlers();
    let mut generations = handlers.iter().flat_map(|handler| handler.generations());
    let found = generations.find_map(|generation| {
        let connection = generation.connection(id)?;
        connection.is_open().then_some((generation, connection))
    });
    found.ok_or_else(unknown)
}

fn closed() -> Problem {
    Problem::new(StatusCode::GONE, "the connection is closing or closed").outcome("closed")
}

pub(super) fn too_large(max: usize) -> Problem {
    let why = format!(
        "the message is larger than max-message-size or max-backpressure allows ({max} bytes)"
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, why).outcome("too-large")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_ids_are_kept_whatever_comes_when() {
        let mut lowest = Lowest::new(3);
        for id in [7, 3, 9, 1, 8, 2] {
            lowest.add(id, id);
        }
        assert_eq!(lowest.into_sorted(), [1, 2, 3]);
    }
}
