//! One running sandbox of a handler. It owns the store and takes one event at a
//! time; it knows nothing about sockets.

use std::sync::Arc;

use prometheus::Histogram;
use wasmtime::component::{ComponentExportIndex, InstancePre, TypedFunc};
use wasmtime::{Store, UpdateDeadline};

use crate::account::Account;
use crate::bindings::{HandlerExports, MessageParam, WebsocketHandler, WebsocketHandlerIndices};
use crate::clock::Clock;
use crate::config::Limits;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::guest_log::Speaker;
use crate::guest_state::{GuestState, HOST_CALL_BYTES, Inbox};
use crate::mailbox::Event;
use crate::messages::{Incoming, next_of};
use crate::meter::Meter;
use crate::metrics::{Counted, HandlerMetrics};

/// A handler's component, ready to instantiate: exports found, imports linked.
#[derive(Clone)]
pub(crate) struct Prepared {
    component: InstancePre<GuestState>,
    exports: WebsocketHandlerIndices,
    on_messages: Option<ComponentExportIndex>,
    clock: Arc<Clock>,
}

impl Prepared {
    pub(crate) fn new(
        component: InstancePre<GuestState>,
        clock: Arc<Clock>,
    ) -> wasmtime::Result<Self> {
        let exports = WebsocketHandlerIndices::new(&component)?;
        let find = |of: Option<&_>, name| component.component().get_export_index(of, name);
        let on_messages = find(None, "socklet:websocket/message-loop@0.1.0")
            .and_then(|message_loop| find(Some(&message_loop), "on-messages"));
        Ok(Self { exports, on_messages, component, clock })
    }

    /// For an instance of it.
    pub(crate) fn meter(&self) -> Arc<Meter> {
        Arc::new(Meter::new(self.clock.clone()))
    }
}

pub(crate) struct Instance {
    store: Store<GuestState>,
    handler: WebsocketHandler,
    on_messages: Option<TypedFunc<(), ()>>,
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
        let mut store = Store::new(prepared.component.engine(), state);
        store.limiter(|state| &mut state.memory);
        // What one call of the host may be given, since it is copied in one go. It
        // leaves room for a message that is too large, and told so.
        store.set_hostcall_fuel(2 * limits.max_message_size + HOST_CALL_BYTES);
        let (warning, limit) = (limits.event_cpu_warning, limits.event_cpu_time);
        store.epoch_deadline_callback(move |store| {
            let state = store.data();
            if state.event_is_young() {
                // The tick came early in the event: the next one is the first that it
                // has run for.
                state.meter.keep_ticking();
                return Ok(UpdateDeadline::Continue(1));
            }
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
        let instantiate = async {
            let instance = prepared.component.instantiate_async(&mut store).await?;
            let handler = prepared.exports.load(&mut store, &instance)?;
            let on_messages = prepared.on_messages.as_ref();
            let on_messages = on_messages
                .map(|export| instance.get_typed_func(&mut store, export))
                .transpose()?;
            Ok((handler, on_messages))
        };
        let instantiated = meter.event(limits.event_wall_time, &account.turns, instantiate).await;
        let (handler, on_messages) =
            instantiated.map_err(|failure| store.data().memory.explain(failure))?;
        Ok(Self {
            store,
            handler,
            on_messages,
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
        self.store.data_mut().add_connection(connection.clone());
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
        let turn_is_over = self.store.data().turn_is_over();
        let (event, waited) = next_of(turn_is_over, || connection.poll_event()).await;
        self.store.data_mut().begin_event(waited);
        if waited {
            // The deadline passed meanwhile.
            self.store.set_epoch_deadline(1);
        }
        event
    }

    async fn deliver(&mut self, connection: &Arc<Connection>, event: Event) -> Result<(), Failure> {
        let exports: &HandlerExports = self.handler.socklet_websocket_handler();
        let id = connection.id();
        let wall = self.limits.event_wall_time;
        let meter = self.meter();
        let store = &mut self.store;
        let turns = &self.account.turns;
        let (delivered, durations): (_, fn(&HandlerMetrics) -> &Histogram) = match event {
            Event::Ready(request) => {
                let headers = request.headers();
                let address = request.remote_address.to_string();
                let request = request.param(&headers, &address);
                let event = exports.call_on_ready(&mut *store, id, request);
                // Boxed, since this future is kept for as long as the connection.
                (Box::pin(meter.event(wall, turns, event)).await, |metrics| &metrics.on_ready)
            }
            Event::Message(message) => {
                let on_messages = self.on_messages.as_ref();
                let event = async {
                    let mut message = Some(message);
                    if let Some(on_messages) = on_messages {
                        let inbox = Inbox::new(connection.clone(), message.take());
                        store.data_mut().inbox = Some(inbox);
                        on_messages.call_async(&mut *store, ()).await?;
                        message = store.data_mut().inbox.take().and_then(Inbox::left);
                    }
                    // A loop that takes nothing does not lose it.
                    let message = match &message {
                        None => return Ok(()),
                        Some(Incoming::Text(text)) => MessageParam::Text(text),
                        Some(Incoming::Binary(bytes)) => MessageParam::Binary(bytes),
                    };
                    exports.call_on_message(&mut *store, id, message).await
                };
                (meter.event(wall, turns, event).await, |metrics| &metrics.on_message)
            }
            Event::Close(closing) => {
                let event = exports.call_on_close(&mut *store, id, closing.event());
                (Box::pin(meter.event(wall, turns, event)).await, |metrics| &metrics.on_close)
            }
        };
        store.data_mut().end_event(durations);
        delivered.map_err(|failure| self.store.data().memory.explain(failure))
    }
}
