//! One loaded version of a handler's component, and the connections that it serves.

mod moving;

pub(crate) use moving::Hold;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::time::Instant;

use crate::account::Account;
use crate::closing::HostClose;
use crate::connection::{Connection, ConnectionId};
use crate::failure::Failure;
use crate::instance::{Instance, Prepared};
use crate::metrics::Counted;
use crate::overtime::Overtime;
use crate::peer::Peer;
use crate::room::{Room, Seat};
use crate::route;
use crate::settings::{Scope, Settings};
use crate::trap_loop::TrapLoop;
use crate::trial::{Culprit, Failures, Trial, Verdict};

pub(crate) struct Generation {
    /// Counts from 1 for each handler.
    pub(crate) number: u64,
    pub(crate) account: Arc<Account>,
    pub(crate) prepared: Prepared,
    pub(crate) settings: Settings,
    trap_loop: TrapLoop,
    /// For whom its instances have failed.
    pub(crate) failures: Failures,
    /// Whether it does better or worse than the one before; none where that is not asked.
    pub(crate) trial: Option<Trial>,
    /// Identifies the component's bytes.
    pub(crate) digest: [u8; 32],
    connections: Mutex<Live>,
    /// Its shared instances, by what their connections have in common.
    rooms: Mutex<HashMap<Arc<str>, Arc<Room>>>,
    /// Another generation has taken over, or there will be none.
    retired: AtomicBool,
    /// Rooms and parked states that may come back to it.
    held: AtomicUsize,
    /// Why some of its connections could not move to the newest one, as of the last try.
    stays: ArcSwapOption<String>,
}

/// The connections of a generation.
#[derive(Default)]
struct Live {
    connections: HashMap<ConnectionId, Weak<Connection>>,
    /// Set once the generation is closed: who comes later is closed at once.
    closed: Option<HostClose>,
    /// Where they are to move with their instances.
    successor: Option<Arc<Generation>>,
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
            failures: Failures::default(),
            trial: None,
            digest,
            connections: Mutex::default(),
            rooms: Mutex::default(),
            retired: AtomicBool::new(false),
            held: AtomicUsize::new(0),
            stays: ArcSwapOption::empty(),
        }
    }

    /// Has it rolled back where it fails for more than the one before.
    pub(crate) fn on_trial(self, trial: Option<Trial>) -> Self {
        Self { trial, ..self }
    }

    /// Why it is to be rolled back, where its trial has ended badly.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.trial.as_ref()?.verdict(&self.failures)
    }

    /// Nothing more comes of its trial.
    pub(crate) fn close_trial(&self) {
        if let Some(trial) = &self.trial {
            trial.close();
        }
    }

    /// Counts a connection in. One that comes after the generation was closed is
    /// closed at once.
    pub(crate) fn join(self: &Arc<Self>, connection: &Arc<Connection>) -> Membership {
        self.add(connection);
        Membership {
            generation: self.clone(),
            connection: connection.id(),
            _counted: Counted::new(&self.account.metrics.connections),
        }
    }

    fn add(&self, connection: &Arc<Connection>) {
        let (closed, moves) = {
            let mut live = self.live();
            live.connections.insert(connection.id(), Arc::downgrade(connection));
            (live.closed.clone(), live.successor.is_some())
        };
        if let Some(close) = closed {
            connection.close_by_host(close);
        }
        if moves {
            connection.look_again();
        }
    }

    /// Makes an instance, with its start in overtime where that is long.
    pub(crate) async fn start(self: Arc<Self>, overtime: &Overtime) -> Result<Instance, Failure> {
        let meter = self.prepared.meter();
        let metered = meter.clone();
        let started = async move {
            let Self { prepared, settings, account, number, .. } = &*self;
            Instance::new(prepared, settings, account, *number, metered).await
        };
        overtime.work(meter, started).run().await
    }

    /// What the connections of a path share an instance by; none where they share none.
    pub(crate) fn room_key<'a>(&self, path: &'a str) -> Option<&'a str> {
        match self.settings.scope {
            Scope::Connection => None,
            Scope::Path => Some(route::normalize(path)),
            Scope::Handler => Some(""),
        }
    }

    /// Whether the connections of a path have a room here.
    pub(crate) fn has_room_for(&self, path: &str) -> bool {
        self.room_key(path).is_some_and(|key| self.rooms().contains_key(key))
    }

    /// A seat in the room of this key. Where there is none, one is `open`ed, if that can
    /// be, unless the generation is retired: then there is no seat.
    pub(crate) fn seat(
        &self,
        key: &str,
        connection: &Arc<Connection>,
        open: impl FnOnce(Arc<str>) -> Option<Arc<Room>>,
    ) -> Option<Seat> {
        let mut rooms = self.rooms();
        let room = match rooms.get(key) {
            Some(room) => room.clone(),
            None if self.is_retired() => return None,
            None => {
                let key = Arc::<str>::from(key);
                let room = open(key.clone())?;
                rooms.insert(key, room.clone());
                room
            }
        };
        // Under the lock, so that a room can't be closed in between.
        Some(Seat::new(room, connection.clone()))
    }

    /// Has nobody find the room any more, if it `may` go. False where it may not, or is
    /// not here.
    pub(crate) fn remove_room(
        &self,
        key: &str,
        room: &Arc<Room>,
        may: impl FnOnce() -> bool,
    ) -> bool {
        let mut rooms = self.rooms();
        let here = rooms.get(key).is_some_and(|known| Arc::ptr_eq(known, room));
        if !here || !may() {
            return false;
        }
        rooms.remove(key);
        true
    }

    /// Nobody new will come, so no room waits for anybody.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Relaxed);
        for room in self.rooms().values() {
            room.look();
        }
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Relaxed)
    }

    /// The gate has failed on a connection's handshake.
    pub(crate) fn gate_failed(&self, failure: &Failure, connection: &Connection) {
        let peer = connection.peer();
        if self.account.may_notice() {
            tracing::error!(
                %peer,
                handler = &*self.account.name,
                generation = self.number,
                "handshake refused: the gate failed: {failure}"
            );
        }
        self.failed(failure, Culprit::of(connection));
    }

    /// An instance could not start. In a room that was for nobody's sake alone, so no
    /// `peer` is told.
    pub(crate) fn could_not_start(&self, failure: &Failure, peer: Option<Peer>, culprit: Culprit) {
        let (handler, generation) = (&*self.account.name, self.number);
        let peer = peer.map(tracing::field::display);
        if failure.is_of_the_host() {
            if self.account.may_notice() {
                tracing::warn!(peer, handler, generation, "handshake refused: {failure}");
            }
            return;
        }
        if self.account.may_notice() {
            tracing::error!(peer, handler, generation, "the instance could not start: {failure}");
        }
        self.failed(failure, culprit);
    }

    /// An instance could not start, trapped or came to a limit, at work for this peer.
    pub(crate) fn failed(&self, failure: &Failure, culprit: Culprit) {
        self.account.metrics.failed(failure);
        if !failure.is_of_the_handler() {
            return;
        }
        let now = Instant::now();
        self.failures.add(culprit, now);
        if let Some(trial) = &self.trial {
            trial.judge(&self.failures, now);
        }
        if let Some(pause) = self.trap_loop.failed(now) {
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

    /// Whether it has connections, or may have some again.
    pub(crate) fn has_connections(&self) -> bool {
        self.held.load(Relaxed) > 0 || !self.live().connections.is_empty()
    }

    pub(crate) fn connections(&self) -> Vec<Arc<Connection>> {
        self.live().connections.values().filter_map(Weak::upgrade).collect()
    }

    pub(crate) fn connection(&self, id: ConnectionId) -> Option<Arc<Connection>> {
        self.live().connections.get(&id).and_then(Weak::upgrade)
    }

    pub(crate) fn close(&self, close: &HostClose) {
        self.retire();
        self.live().closed = Some(close.clone());
        for connection in self.connections() {
            connection.close_by_host(close.clone());
        }
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
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
