//! One running sandbox of a handler. It owns the store and takes one event at a
//! time; it knows nothing about sockets.

mod alarm;
mod exports;
mod gate;
mod prepared;
mod snapshot;

use std::sync::Arc;
use std::task::{Context, Poll};

use prometheus::Histogram;
use wasmtime::component::TypedFunc;
use wasmtime::{Store, UpdateDeadline};

use crate::account::Account;
use crate::bindings::{HandlerExports, MessageParam, Request, WebsocketHandler};
use crate::config::Limits;
use crate::connection::ConnectionId;
use crate::failure::Failure;
use crate::gate::Decision;
use crate::guest_log::Speaker;
use crate::guest_state::{GuestState, HOST_CALL_BYTES, Inbox};
use crate::mailbox::Event;
use crate::messages::{Incoming, next_of};
use crate::meter::Meter;
use crate::metrics::{Counted, HandlerMetrics};
use crate::settings::Settings;
use crate::snapshot::Suspended;
use crate::source::Source;
use exports::Rare;
pub(crate) use prepared::Prepared;

type GateParams<'a> = (ConnectionId, Request<'a>);
type GateResults = (Decision,);

pub(crate) struct Instance {
    store: Store<GuestState>,
    handler: WebsocketHandler,
    on_messages: Option<TypedFunc<(), ()>>,
    /// The other exports, where it has any.
    rare: Option<Box<Rare>>,
    limits: Limits,
    account: Arc<Account>,
    _counted: Counted,
}

/// Why an instance serves no more, unless it has failed.
pub(crate) enum Served {
    /// There is nobody left whom it could serve.
    Finished,
    /// Its source has asked for its state.
    Suspended(Box<Suspended>),
}

impl Instance {
    /// Instantiates within the limits of one event, metered by `meter`: a
    /// component's start function is the guest's code as well.
    pub(crate) async fn new(
        prepared: &Prepared,
        settings: &Settings,
        account: &Arc<Account>,
        generation: u64,
        meter: Arc<Meter>,
    ) -> Result<Self, Failure> {
        let limits = &settings.limits;
        let counted = Counted::new(&account.metrics.instances);
        let speaker = Speaker::new(account.clone(), generation);
        let state = GuestState::new(
            speaker,
            settings,
            account.clone(),
            meter.clone(),
            prepared.world.clone(),
        );
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
            let on_messages = prepared.optional.on_messages.as_ref();
            let on_messages = on_messages
                .map(|export| instance.get_typed_func(&mut store, export))
                .transpose()?;
            let rare = prepared.optional.rare(&instance, &mut store)?;
            Ok((handler, on_messages, rare))
        };
        let instantiated = meter.event(limits.event_wall_time, &account.turns, instantiate).await;
        let (handler, on_messages, rare) =
            instantiated.map_err(|failure| store.data().memory.explain(failure))?;
        Ok(Self {
            store,
            handler,
            on_messages,
            rare,
            limits: limits.clone(),
            account: account.clone(),
            _counted: counted,
        })
    }

    fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    /// What its events are metered by.
    pub(crate) fn meter(&self) -> Arc<Meter> {
        self.store.data().meter.clone()
    }

    /// Serves the connections of a source: the events of each in order. Where there is
    /// one connection only, until its `on-close` has returned; otherwise until the
    /// instance has failed. And in any case until the source asks for its state.
    pub(crate) async fn serve(mut self, source: Source) -> Result<Served, Failure> {
        let only_one = matches!(source, Source::Own(_));
        self.store.data_mut().source = Some(source);
        // It may be polled for the first time long after it was started.
        self.store.data_mut().wake();
        self.store.set_epoch_deadline(1);
        loop {
            let (id, event) = self.next_event().await;
            let last = matches!(event, Event::Close(_));
            if matches!(event, Event::Suspend) {
                let saved = self.suspend().await?;
                return Ok(Served::Suspended(Box::new(Suspended { instance: self, saved })));
            }
            self.deliver(id, event).await?;
            if last && only_one {
                return Ok(Served::Finished);
            }
        }
    }

    async fn next_event(&mut self) -> (ConnectionId, Event) {
        let state = self.store.data();
        let turn_is_over = state.turn_is_over();
        let source = state.source.as_ref();
        let poll = |cx: &mut Context<'_>| match source {
            Some(source) => source.poll_event(cx),
            None => Poll::Pending,
        };
        let ((id, event), waited) = next_of(turn_is_over, poll).await;
        self.store.data_mut().begin_event(id, waited);
        if waited {
            // The deadline passed meanwhile.
            self.store.set_epoch_deadline(1);
        }
        (id, event)
    }

    async fn deliver(&mut self, id: ConnectionId, event: Event) -> Result<(), Failure> {
        let exports: &HandlerExports = self.handler.socklet_websocket_handler();
        let wall = self.limits.event_wall_time;
        let meter = self.meter();
        let store = &mut self.store;
        let turns = &self.account.turns;
        let (delivered, durations): (_, fn(&HandlerMetrics) -> &Histogram) = match event {
            Event::Ready(request) => {
                store.data_mut().add_connection();
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
                        let first = message.take().map(|message| (id, message));
                        store.data_mut().inbox = Some(Inbox { first });
                        on_messages.call_async(&mut *store, ()).await?;
                        let inbox = store.data_mut().inbox.take();
                        message = inbox.and_then(|inbox| inbox.first).map(|(_, message)| message);
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
            Event::Alarm(timer) => return Box::pin(self.ring(id, timer)).await,
            Event::Gate(question) => return Box::pin(self.answer(question)).await,
            // It is no event of a connection's: see `serve`.
            Event::Suspend => return Ok(()),
            Event::Close(closing) => {
                let event = exports.call_on_close(&mut *store, id, closing.event());
                let delivered = Box::pin(meter.event(wall, turns, event)).await;
                store.data_mut().remove_connection(id);
                (delivered, |metrics| &metrics.on_close)
            }
        };
        let state = store.data_mut();
        state.end_event(durations);
        delivered.map_err(|failure| state.memory.explain(failure))?;
        if let Some(source) = &state.source {
            source.event_ended(state.ended);
        }
        Ok(())
    }
}
