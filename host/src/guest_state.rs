//! The data of an instance's store: what the host's functions work with.

use std::sync::Arc;

use prometheus::Histogram;
use tokio::time::Instant;
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use crate::account::Account;
use crate::alarms::{CancelOutcome, SetOutcome, TimerId, Wanted};
use crate::bindings::WriteOutcome;
use crate::clock::TICK;
use crate::connection::{Connection, ConnectionId};
use crate::guest_log::Speaker;
use crate::imports::{Connections, View};
use crate::memory::Memory;
use crate::messages::Incoming;
use crate::meter::Meter;
use crate::metrics::HandlerMetrics;
use crate::settings::Settings;
use crate::source::Source;
use crate::topics::Rules;
use crate::wasi::{Wasi, World};

/// Bytes that one call of the host may be given, or give, beside a message.
pub(crate) const HOST_CALL_BYTES: usize = 64 * 1024;

/// Imports see a [`View`] of it.
pub(crate) struct GuestState {
    /// None until it is used.
    wasi: Option<Box<Wasi>>,
    /// What it is made of.
    world: Arc<World>,
    connections: Connections,
    pub(crate) speaker: Arc<Speaker>,
    pub(crate) memory: Memory,
    pub(crate) meter: Arc<Meter>,
    /// What `messages.next` takes from, while `on-messages` runs.
    pub(crate) inbox: Option<Inbox>,
    /// Where its events come from; none before it serves.
    pub(crate) source: Option<Source>,
    account: Arc<Account>,
    topics: Arc<Rules>,
    max_publication: usize,
    max_timers: usize,
    /// The gate decides about a handshake.
    at_gate: bool,
    /// When the event began that is under way; None between two.
    began: Option<Instant>,
    /// When the last event ended, or the wait after it.
    pub(crate) ended: Instant,
    /// When the instance was woken last.
    woken: Instant,
}

/// What a loop takes its messages from, beside the source.
pub(crate) struct Inbox {
    /// The message that the loop was entered for, until it has been taken.
    pub(crate) first: Option<(ConnectionId, Incoming)>,
}

impl GuestState {
    pub(crate) fn new(
        speaker: Speaker,
        settings: &Settings,
        account: Arc<Account>,
        meter: Arc<Meter>,
        world: Arc<World>,
    ) -> Self {
        let speaker = Arc::new(speaker);
        let now = Instant::now();
        Self {
            wasi: None,
            world,
            connections: Connections::new(),
            memory: Memory::new(settings.limits.max_memory, account.clone(), speaker.clone()),
            speaker,
            meter,
            inbox: None,
            source: None,
            account,
            topics: settings.topics.clone(),
            max_publication: settings.limits.max_publication(),
            max_timers: settings.limits.max_timers,
            at_gate: false,
            began: Some(now),
            ended: now,
            woken: now,
        }
    }

    pub(crate) fn view(&mut self) -> View<'_> {
        let Self { connections, source, speaker, .. } = self;
        View { connections, source: source.as_ref(), speaker }
    }

    /// The connection whose first event is under way is its instance's from now on.
    pub(crate) fn add_connection(&mut self) {
        if let Some(connection) = self.source.as_ref().and_then(Source::current) {
            self.connections.insert(connection.id(), connection);
        }
    }

    /// The gate decides about a handshake, whose connection it knows meanwhile.
    pub(crate) fn begin_gate(&mut self, connection: &Arc<Connection>) {
        self.connections.insert(connection.id(), connection.clone());
        self.at_gate = true;
        self.began = Some(Instant::now());
        self.speaker.set_connection(connection.id());
        self.memory.begin_event();
    }

    /// It has decided. The connection may never come to be one; `on-ready` says when it
    /// has.
    pub(crate) fn end_gate(&mut self, id: ConnectionId) {
        self.at_gate = false;
        self.remove_connection(id);
    }

    /// It takes up what another instance knew of these connections.
    pub(crate) fn begin_resume(&mut self, connections: Connections, source: Source) {
        self.connections = connections;
        self.source = Some(source);
        self.began = Some(Instant::now());
        self.memory.begin_event();
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Its last event has ended.
    pub(crate) fn remove_connection(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
    }

    /// The import `write`, for one of this instance's connections.
    pub(crate) fn write(&self, to: ConnectionId, text: bool, payload: &[u8]) -> WriteOutcome {
        let Some(connection) = self.connections.get(&to) else { return WriteOutcome::Closed };
        let outcome = connection.write(text, payload);
        if let Some(source) = &self.source {
            source.touched(connection);
        }
        outcome
    }

    /// The import `set`. Nothing is left of a handshake that is rejected, and so no timer
    /// that its gate has set.
    pub(crate) fn set_timer(&self, wanted: Wanted) -> SetOutcome {
        match self.source.as_ref().filter(|_| !self.at_gate) {
            Some(source) => source.set_timer(wanted, self.max_timers),
            None => SetOutcome::Unavailable,
        }
    }

    /// The import `cancel`.
    pub(crate) fn cancel_timer(&self, timer: TimerId) -> CancelOutcome {
        let source = self.source.as_ref();
        source.map_or(CancelOutcome::NotSet, |source| source.cancel_timer(timer))
    }

    /// One of this instance's connections.
    pub(crate) fn connection(&self, id: ConnectionId) -> Option<&Arc<Connection>> {
        self.connections.get(&id)
    }

    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// What it may do with topics.
    pub(crate) fn topics(&self) -> &Arc<Rules> {
        &self.topics
    }

    /// Bytes of what it publishes.
    pub(crate) fn max_publication(&self) -> usize {
        self.max_publication
    }

    /// An event of a connection begins. `waited` says whether the instance has waited
    /// for it.
    pub(crate) fn begin_event(&mut self, of: ConnectionId, waited: bool) {
        self.speaker.set_connection(of);
        self.memory.begin_event();
        if waited {
            self.wake();
        }
        // Where nothing lies between, one begins when the other ends.
        self.began = Some(self.ended);
    }

    /// The time that it has waited is no event's.
    pub(crate) fn wake(&mut self) {
        self.woken = Instant::now();
        self.ended = self.woken;
    }

    /// An event has ended, unless none was under way.
    pub(crate) fn end_event(&mut self, durations: fn(&HandlerMetrics) -> &Histogram) {
        if let Some(began) = self.began.take() {
            self.ended = Instant::now();
            let duration = self.ended.duration_since(began);
            durations(&self.account.metrics).observe(duration.as_secs_f64());
        }
    }

    /// Whether the event has not run for long. By the system's clock, since it is told
    /// when a tick of that has come.
    pub(crate) fn event_is_young(&self) -> bool {
        self.began.is_some_and(|began| began.into_std().elapsed() < TICK / 2)
    }

    /// Whether events have followed one another for so long that what they wrote
    /// should leave.
    pub(crate) fn turn_is_over(&self) -> bool {
        self.ended.saturating_duration_since(self.woken) >= TICK
    }
}

impl GuestState {
    /// What WASI shows to it.
    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    fn wasi(&mut self) -> &mut Wasi {
        let new = || Box::new(Wasi::new(&self.speaker, &self.world));
        self.wasi.get_or_insert_with(new)
    }
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi().view()
    }
}

impl WasiHttpView for GuestState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.wasi().http()
    }
}
