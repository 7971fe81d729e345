//! How messages pass between host and guest: read out of the guest's memory and
//! copied into it in place, with no copy between. Bound by hand, since what is
//! generated lifts and lowers owned values only.

use std::future::poll_fn;
use std::task::{Context, Poll};

use wasmtime::component::{ComponentType, Lift, Linker, Lower, WasmList, WasmStr};
use wasmtime::{AsContext as _, StoreContextMut};

use crate::bindings::WriteOutcome;
use crate::connection::ConnectionId;
use crate::frame::SharedFrame;
use crate::guest_state::GuestState;

/// A message of the peer's.
#[derive(ComponentType, Debug, Lower, PartialEq, Eq)]
#[component(variant)]
pub(crate) enum Incoming {
    #[component(name = "text")]
    Text(String),
    #[component(name = "binary")]
    Binary(Vec<u8>),
}

impl Incoming {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

/// A message of the guest's, in the guest's memory.
#[derive(ComponentType, Lift)]
#[component(variant)]
pub(crate) enum Outgoing {
    #[component(name = "text")]
    Text(WasmStr),
    #[component(name = "binary")]
    Binary(WasmList<u8>),
}

impl Outgoing {
    /// Framed for many; none where it is longer than `max`.
    pub(crate) fn shared_frame(
        &self,
        store: &StoreContextMut<'_, GuestState>,
        max: usize,
    ) -> wasmtime::Result<Option<SharedFrame>> {
        let frame =
            |text, payload: &[u8]| (payload.len() <= max).then(|| SharedFrame::new(text, payload));
        Ok(match self {
            Self::Text(text) => frame(true, text.to_str(store)?.as_bytes()),
            Self::Binary(bytes) => frame(false, bytes.as_le_slice(store)),
        })
    }
}

/// Links `connection.write`, in place of what is generated, and `messages.next`.
pub(crate) fn link(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    linker
        .instance("socklet:websocket/connection@0.1.0")?
        .func_wrap("write", |store, (to, message)| Ok((write(&store, to, &message)?,)))?;
    linker.allow_shadowing(false);
    linker
        .instance("socklet:websocket/messages@0.1.0")?
        .func_wrap_async("next", |store, ()| Box::new(async { Ok((next(store).await,)) }))
}

fn write(
    store: &StoreContextMut<'_, GuestState>,
    to: ConnectionId,
    message: &Outgoing,
) -> wasmtime::Result<WriteOutcome> {
    let store = store.as_context();
    let state = store.data();
    Ok(match message {
        Outgoing::Text(text) => state.write(to, true, text.to_str(store)?.as_bytes()),
        Outgoing::Binary(bytes) => state.write(to, false, bytes.as_le_slice(store)),
    })
}

/// Ends the event of the message before, and waits for the next one.
async fn next(mut store: StoreContextMut<'_, GuestState>) -> Option<(ConnectionId, Incoming)> {
    let state = store.data_mut();
    let inbox = state.inbox.as_mut()?;
    if let Some(first) = inbox.first.take() {
        return Some(first);
    }
    state.end_event(|metrics| &metrics.on_message);
    let source = state.source.as_ref()?;
    source.event_ended(state.ended);
    state.meter.rest();
    let turn_is_over = state.turn_is_over();
    let (message, waited) = next_of(turn_is_over, |cx| source.poll_message(cx)).await;
    if waited {
        // The deadline passed meanwhile.
        store.set_epoch_deadline(1);
    }
    let state = store.data_mut();
    state.meter.begin();
    if let Some((id, _)) = &message {
        state.begin_event(*id, waited);
    } else {
        // Whatever it does from now on is of one event, with its limits.
        state.inbox = None;
        if waited {
            state.wake();
        }
    }
    message
}

/// What is next of a connection, and whether it had to be waited for. The session polls
/// again when there may be something; at the end of a turn it has to be woken.
pub(crate) async fn next_of<T>(
    mut turn_is_over: bool,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> (T, bool) {
    let mut waited = false;
    let next = poll_fn(|cx| {
        let next = match std::mem::take(&mut turn_is_over) {
            true => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            false => poll(cx),
        };
        waited |= next.is_pending();
        next
    })
    .await;
    (next, waited)
}
