//! One loaded version of a handler's component, and the connections that it serves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use crate::account::Account;
use crate::closing::HostClose;
use crate::connection::{Connection, ConnectionId};
use crate::failure::Failure;
use crate::instance::Prepared;
use crate::metrics::Counted;
use crate::settings::Settings;
use crate::trap_loop::TrapLoop;

pub(crate) struct Generation {
    /// Counts from 1 for each handler.
    pub(crate) number: u64,
    pub(crate) account: Arc<Account>,
    pub(crate) prepared: Prepared,
    pub(crate) settings: Settings,
    trap_loop: TrapLoop,
    /// Identifies the component's bytes.
    pub(crate) digest: [u8; 32],
    connections: Mutex<Live>,
}

/// The connections of a generation.
#[derive(Default)]
struct Live {
    connections: HashMap<ConnectionId, Weak<Connection>>,
    /// Set once the generation is closed: who comes later is closed at once.
    closed: Option<HostClose>,
}

/// A connection's place in its generation, given up when dropped.
pub(crate) struct Membership {
    generation: Arc<Generation>,
    connection: ConnectionId,
    _counted: Counted,
}

impl Generation {
    pub(crate) fn new(
        number: u64,
        account: Arc<Account>,
        prepared: Prepared,
        digest: [u8; 32],
        settings: Settings,
    ) -> Self {
        Self {
            number,
            account,
            prepared,
            settings,
            trap_loop: TrapLoop::default(),
            digest,
            connections: Mutex::default(),
        }
    }

    /// Counts a connection in. One that comes after the generation was closed is
    /// closed at once.
    pub(crate) fn join(self: &Arc<Self>, connection: &Arc<Connection>) -> Membership {
        let closed = {
            let mut live = self.live();
            live.connections.insert(connection.id(), Arc::downgrade(connection));
            live.closed.clone()
        };
        if let Some(close) = closed {
            connection.close_by_host(close);
        }
        Membership {
            generation: self.clone(),
            connection: connection.id(),
            _counted: Counted::new(&self.account.metrics.connections),
        }
    }

    /// An instance could not start, trapped or came to a limit.
    pub(crate) fn failed(&self, failure: &Failure) {
        self.account.metrics.failed(failure);
        if !failure.is_of_the_handler() {
            return;
        }
        if let Some(pause) = self.trap_loop.failed(Instant::now()) {
            tracing::error!(
                handler = &*self.account.name,
                generation = self.number,
                "its instances fail again and again: handshakes get 503 for {pause:?}"
            );
        }
    }

    /// An event after `on-ready` has gone well.
    pub(crate) fn succeeded(&self) {
        self.trap_loop.succeeded();
    }

    /// How long no instance is to be started yet.
    pub(crate) fn pause_left(&self) -> Option<Duration> {
        self.trap_loop.pause_left(Instant::now())
    }

    pub(crate) fn has_connections(&self) -> bool {
        !self.live().connections.is_empty()
    }

    pub(crate) fn connections(&self) -> Vec<Arc<Connection>> {
        self.live().connections.values().filter_map(Weak::upgrade).collect()
    }

    pub(crate) fn close(&self, close: &HostClose) {
        self.live().closed = Some(close.clone());
        for connection in self.connections() {
            connection.close_by_host(close.clone());
        }
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Membership {
    pub(crate) fn generation(&self) -> &Arc<Generation> {
        &self.generation
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.generation.live().connections.remove(&self.connection);
    }
}
