//! One running sandbox of a handler. It owns the store and takes one event at a
//! time; it knows nothing about sockets.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use tracing::Level;
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::account::Account;
use crate::bindings::{self, MessageParam, WebsocketHandler, WebsocketHandlerPre};
use crate::config::Limits;
use crate::connection::Connection;
use crate::failure::{Failure, MAX_MEMORY};
use crate::guest_log::{Lines, Speaker};
use crate::imports::{Connections, View};
use crate::mailbox::{Event, Incoming};
use crate::meter::Meter;
use crate::metrics::Counted;

/// Resources (pollables, streams, …) that an instance may hold at a time.
const MAX_RESOURCES: usize = 4096;

/// Bytes that one call of the host may be given, or give, beside a message.
const HOST_CALL_BYTES: usize = 64 * 1024;

/// A handler's component, ready to instantiate: exports found, imports linked.
pub(crate) type Prepared = WebsocketHandlerPre<GuestState>;

pub(crate) struct Instance {
    store: Store<GuestState>,
    handler: WebsocketHandler,
    limits: Limits,
    account: Arc<Account>,
    _counted: Counted,
}

impl Instance {
    /// Instantiates within the limits of one event, metered by `meter`: a
    /// component's start function is the guest's code as well.
    pub(crate) async fn new(
        prepared: &Prepared,
        limits: &Limits,
        account: &Arc<Account>,
        generation: u64,
        meter: Arc<Meter>,
    ) -> Result<Self, Failure> {
        let counted = Counted::new(&account.metrics.instances);
        let speaker = Speaker::new(account.clone(), generation);
        let state = GuestState::new(speaker, limits, account.clone(), meter.clone());
        let mut store = Store::new(prepared.engine(), state);
        store.limiter(|state| &mut state.memory);
        // What one call of the host may be given, since it is copied in one go. It
        // leaves room for a message that is too large, and told so.
        store.set_hostcall_fuel(2 * limits.max_message_size + HOST_CALL_BYTES);
        let (warning, limit) = (limits.event_cpu_warning, limits.event_cpu_time);
        store.epoch_deadline_callback(move |store| {
            let state = store.data();
            let used = state.meter.tick();
            if used > limit {
                return Err(Failure::CpuTime(limit).into());
            }
            if used > warning && state.meter.warn_once() {
                state.speaker.warn_of_event(format_args!(
                    "an event has used more than {warning:?} of CPU time (event-cpu-warning)"
                ));
            }
            Ok(UpdateDeadline::Yield(1))
        });
        store.set_epoch_deadline(1);
        let instantiate = prepared.instantiate_async(&mut store);
        let instantiated = meter.event(limits.event_wall_time, &account.turns, instantiate).await;
        let handler = instantiated.map_err(|failure| store.data().memory.explain(failure))?;
        Ok(Self {
            store,
            handler,
            limits: limits.clone(),
            account: account.clone(),
            _counted: counted,
        })
    }

    /// What its events are metered by.
    pub(crate) fn meter(&self) -> Arc<Meter> {
        self.store.data().meter.clone()
    }

    /// Serves one connection: its events in order, until `on-close` has returned
    /// or the instance has failed.
    pub(crate) async fn serve(mut self, connection: Arc<Connection>) -> Result<(), Failure> {
        let state = self.store.data_mut();
        state.speaker.set_connection(connection.id());
        state.connections.insert(connection.id(), connection.clone());
        loop {
            let event = self.next_event(&connection).await;
            let last = matches!(event, Event::Close(_));
            self.deliver(&connection, event).await?;
            if last {
                return Ok(());
            }
        }
    }

    async fn next_event(&mut self, connection: &Connection) -> Event {
        if let Poll::Ready(event) = connection.poll_event() {
            return event;
        }
        let event = poll_fn(|_| connection.poll_event()).await;
        // The deadline passed while it waited. Events that follow one another
        // share a deadline, so that a yield comes about every tick.
        self.store.set_epoch_deadline(1);
        event
    }

    async fn deliver(&mut self, connection: &Connection, event: Event) -> Result<(), Failure> {
        let exports: &bindings::HandlerExports = self.handler.socklet_websocket_handler();
        let id = connection.id();
        let wall = self.limits.event_wall_time;
        let meter = self.meter();
        self.store.data_mut().memory.refused = None;
        let store = &mut self.store;
        let Account { metrics, turns, .. } = &*self.account;
        let started = Instant::now();
        let (delivered, durations) = match event {
            Event::Ready(request) => {
                let headers = request.headers();
                let address = request.remote_address.to_string();
                let request = request.param(&headers, &address);
                let event = exports.call_on_ready(store, id, request);
                (meter.event(wall, turns, event).await, &metrics.on_ready)
            }
            Event::Message(message) => {
                let message = match &message {
                    Incoming::Text(text) => MessageParam::Text(text),
                    Incoming::Binary(bytes) => MessageParam::Binary(bytes),
                };
                let event = exports.call_on_message(store, id, message);
                (meter.event(wall, turns, event).await, &metrics.on_message)
            }
            Event::Close(closing) => {
                let event = exports.call_on_close(store, id, closing.event());
                (meter.event(wall, turns, event).await, &metrics.on_close)
            }
        };
        durations.observe(started.elapsed().as_secs_f64());
        delivered.map_err(|failure| self.store.data().memory.explain(failure))
    }
}

/// The data of a store. Imports see a [`View`] of it.
pub(crate) struct GuestState {
    wasi: WasiCtx,
    resources: ResourceTable,
    connections: Connections,
    speaker: Arc<Speaker>,
    output: [Lines; 2],
    memory: Memory,
    meter: Arc<Meter>,
}

impl GuestState {
    fn new(speaker: Speaker, limits: &Limits, account: Arc<Account>, meter: Arc<Meter>) -> Self {
        let speaker = Arc::new(speaker);
        let output =
            [Lines::new(speaker.clone(), Level::INFO), Lines::new(speaker.clone(), Level::WARN)];
        let wasi = WasiCtxBuilder::new()
            .stdout(output[0].clone())
            .stderr(output[1].clone())
            .max_random_size(HOST_CALL_BYTES as u64)
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(MAX_RESOURCES);
        let memory = Memory {
            used: 0,
            max: limits.max_memory,
            account,
            speaker: speaker.clone(),
            charged: 0,
            refused: None,
        };
        Self { wasi, resources, connections: Connections::new(), speaker, output, memory, meter }
    }

    pub(crate) fn view(&mut self) -> View<'_> {
        View { connections: &self.connections, speaker: &self.speaker }
    }
}

impl Drop for GuestState {
    fn drop(&mut self) {
        for lines in &self.output {
            lines.finish();
        }
    }
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.resources }
    }
}

/// Bounds the linear memory of an instance over all its memories, and takes from
/// its handler's budget. A growth beyond either answers -1 and the guest may
/// cope; most do not.
struct Memory {
    used: usize,
    max: usize,
    account: Arc<Account>,
    speaker: Arc<Speaker>,
    /// What of the handler's budget is taken.
    charged: usize,
    /// The limit that refused a growth to the event that is running.
    refused: Option<&'static str>,
}

impl Memory {
    /// What every instance has and hardly touches takes nothing from the budget:
    /// memory is counted by its size, and most of a lean guest's is never written.
    const FREE: usize = 2 << 20;

    /// A trap after a refused growth is most likely about the memory: name it.
    fn explain(&self, failure: Failure) -> Failure {
        match (failure, self.refused) {
            (Failure::Trap(reason), Some(limit)) => Failure::Memory { limit, reason },
            (failure, _) => failure,
        }
    }

    fn grow_to(&mut self, used: usize) -> Result<(), &'static str> {
        if used > self.max {
            return Err(MAX_MEMORY);
        }
        let due = used.saturating_sub(Self::FREE);
        if let Some(more) = due.checked_sub(self.charged) {
            self.account.memory.take(more)?;
            self.charged = due;
        }
        self.used = used;
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.account.memory.give_back(self.charged);
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        match self.grow_to(used) {
            Ok(()) => Ok(true),
            Err(limit) => {
                self.account.metrics.memory_refused(limit);
                if self.refused.replace(limit).is_none() {
                    self.speaker.warn_of_event(format_args!("memory was not let grow ({limit})"));
                }
                Ok(false)
            }
        }
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The pool's slots bound the elements.
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }
}
