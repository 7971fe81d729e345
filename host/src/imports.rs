//! What guests can call. Each function sees [`View`] and nothing else of the
//! store: the connections of the calling instance, and who is speaking.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::Level;
use wasmtime::component::{HasData, Linker};

use crate::bindings::{
    self, CloseOutcome, MessageResult, WriteOutcome, connection, log, opening, types,
};
use crate::connection::{Connection, ConnectionId, Opening};
use crate::guest_log::Speaker;
use crate::guest_state::GuestState;
use crate::source::Source;
use crate::{alarms, messages, topics, upstream};

/// The connections that an instance serves, and so may reach.
pub(crate) type Connections = BTreeMap<ConnectionId, Arc<Connection>>;

/// What an import sees of the store.
pub(crate) struct View<'a> {
    pub(crate) connections: &'a Connections,
    pub(crate) source: Option<&'a Source>,
    pub(crate) speaker: &'a Speaker,
}

struct HasView;

impl HasData for HasView {
    type Data<'a> = View<'a>;
}

/// Everything a guest may import: socklet's own interfaces, whose functions look for
/// grants themselves, WASI 0.2 over a context that holds no files and no sockets, and
/// `wasi:http`, without a grant for which no component is loaded that imports it. wasmtime links by semver, so every patch version of both is served.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<GuestState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    bindings::WebsocketHandler::add_to_linker::<_, HasView>(&mut linker, GuestState::view)?;
    messages::link(&mut linker)?;
    topics::link(&mut linker)?;
    alarms::link(&mut linker)?;
    upstream::link(&mut linker)?;
    Ok(linker)
}

impl types::Host for View<'_> {}

impl connection::Host for View<'_> {
    /// Never called: [`messages`] links another one in its place.
    fn write(&mut self, to: ConnectionId, message: MessageResult) -> WriteOutcome {
        let Some(connection) = self.connections.get(&to) else { return WriteOutcome::Closed };
        match message {
            MessageResult::Text(text) => connection.write(true, text.as_bytes()),
            MessageResult::Binary(bytes) => connection.write(false, &bytes),
        }
    }

    fn close(&mut self, connection: ConnectionId, code: u16, reason: String) -> CloseOutcome {
        let Some(connection) = self.connections.get(&connection) else {
            return CloseOutcome::Closed;
        };
        let outcome = connection.close(code, reason);
        if let Some(source) = self.source {
            source.touched(connection);
        }
        outcome
    }

    fn buffered_amount(&mut self, connection: ConnectionId) -> u64 {
        self.connections.get(&connection).map_or(0, |connection| connection.buffered_amount())
    }
}

impl opening::Host for View<'_> {
    fn params(&mut self, connection: ConnectionId) -> Vec<(String, String)> {
        self.opening(connection, |opening| opening.params.clone()).unwrap_or_default()
    }

    fn claims(&mut self, connection: ConnectionId) -> Option<String> {
        self.opening(connection, |opening| opening.claims.clone())?
    }

    fn attachment(&mut self, connection: ConnectionId) -> Option<Vec<u8>> {
        self.opening(connection, |opening| opening.attachment.clone())?
    }
}

impl View<'_> {
    fn opening<T>(&self, of: ConnectionId, what: impl FnOnce(&Opening) -> T) -> Option<T> {
        self.connections.get(&of)?.opening(what)
    }
}

impl log::Host for View<'_> {
    fn log(&mut self, level: log::Level, message: String) {
        let level = match level {
            log::Level::Trace => Level::TRACE,
            log::Level::Debug => Level::DEBUG,
            log::Level::Info => Level::INFO,
            log::Level::Warn => Level::WARN,
            log::Level::Error => Level::ERROR,
        };
        self.speaker.say(level, &message);
    }
}
