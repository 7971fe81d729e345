//! The import `topics`, bound by hand: a message is framed straight out of the guest's
//! memory, and a publish may wait.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmStr};

use super::{PublishOutcome, SubscribeOutcome, UnsubscribeOutcome};
use crate::connection::ConnectionId;
use crate::guest_state::GuestState;
use crate::messages::Outgoing;

pub(crate) fn link(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut topics = linker.instance("socklet:websocket/topics@0.1.0")?;
    topics.func_wrap_async("subscribe", |store, (connection, topic)| {
        Box::new(async move { Ok((subscribe(store, connection, topic).await?,)) })
    })?;
    topics.func_wrap("unsubscribe", |store, (connection, topic)| {
        Ok((unsubscribe(&store, connection, &topic)?,))
    })?;
    topics.func_wrap_async("publish", |store, (topic, message, except)| {
        Box::new(async move { Ok((publish(store, topic, message, except).await?,)) })
    })?;
    topics.func_wrap_async("subscriber-count", |store, (topic,)| {
        Box::new(async move { Ok((subscriber_count(store, topic).await?,)) })
    })
}

async fn subscribe(
    store: StoreContextMut<'_, GuestState>,
    connection: ConnectionId,
    topic: WasmStr,
) -> wasmtime::Result<SubscribeOutcome> {
    let topic = topic.to_str(&store)?.into_owned();
    let state = store.data();
    let Some(connection) = state.connection(connection).cloned() else {
        return Ok(SubscribeOutcome::Closed);
    };
    let (account, rules) = (state.account().clone(), state.topics().clone());
    Ok(account.topics.subscribe(&connection, &topic, &rules, &account).await)
}

fn unsubscribe(
    store: &StoreContextMut<'_, GuestState>,
    connection: ConnectionId,
    topic: &WasmStr,
) -> wasmtime::Result<UnsubscribeOutcome> {
    let topic = topic.to_str(store)?;
    let state = store.data();
    Ok(match state.connection(connection) {
        Some(connection) => state.account().topics.unsubscribe(connection, &topic),
        None => UnsubscribeOutcome::NotSubscribed,
    })
}

async fn publish(
    store: StoreContextMut<'_, GuestState>,
    topic: WasmStr,
    message: Outgoing,
    except: Option<ConnectionId>,
) -> wasmtime::Result<PublishOutcome> {
    let topic = topic.to_str(&store)?.into_owned();
    let state = store.data();
    let Some(frame) = message.shared_frame(&store, state.max_publication())? else {
        return Ok(PublishOutcome::TooLarge);
    };
    // Of a shared topic's subscribers others are not this handler's to leave out.
    let except = except.filter(|id| state.connection(*id).is_some());
    let (account, rules) = (state.account().clone(), state.topics().clone());
    Ok(account.topics.publish(&topic, Some(&rules), frame, except, &account).await)
}

async fn subscriber_count(
    store: StoreContextMut<'_, GuestState>,
    topic: WasmStr,
) -> wasmtime::Result<u64> {
    let topic = topic.to_str(&store)?.into_owned();
    let state = store.data();
    let (account, rules) = (state.account().clone(), state.topics().clone());
    Ok(account.topics.subscribers(&topic, &rules).await)
}
