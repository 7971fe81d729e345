//! [`export!`](crate::export!) and what it leaves in a handler's crate.
//!
//! Public only for that macro's sake.

#[cfg(feature = "snapshot")]
mod lasting;
mod ringing;

use std::cell::RefCell;
use std::thread::LocalKey;

use crate::bindings::exports::socklet::websocket::handler::Guest;
use crate::bindings::exports::socklet::websocket::message_loop::Guest as MessageLoop;
use crate::bindings::gated::exports::socklet::websocket::gate;
use crate::bindings::socklet::websocket::messages;
use crate::bindings::socklet::websocket::types;
use crate::{CloseEvent, Connection, Gate, Handler, Members, Message, Request, Room, logging};

#[cfg(feature = "snapshot")]
pub use lasting::{ExportSnapshot, Lasting, check_snapshot};
pub use ringing::{ExportAlarm, Ringing, check_alarm};

/// Makes a [`Handler`] or a [`Room`] the handler that this component exports.
///
/// Invoke it once in a crate, at its top level; the crate's type must be `cdylib`.
/// Further traits of the same type are named after it. On other targets than `wasm32`
/// this checks the type and exports nothing.
///
/// | invocation | exports |
/// |---|---|
/// | `export!(T)`, `export!(T: Handler)` | a handler with a value for each connection |
/// | `export!(T: Room)` | a handler with one value for all that share an instance |
/// | `… + Gate` | and its [`Gate`] |
/// | `… + Alarm` | and its [`Alarm`](crate::Alarm), of a room its [`RoomAlarm`](crate::RoomAlarm): it hears of timers |
/// | `… + Snapshot` | and what it remembers when it is replaced: see `Snapshot`, of the feature `snapshot` |
///
/// ```
/// use socklet_guest::prelude::*;
///
/// struct Silent;
///
/// impl Handler for Silent {
///     fn on_ready(_connection: &Connection, _request: &Request) -> Self {
///         Silent
///     }
/// }
///
/// socklet_guest::export!(Silent);
/// ```
#[macro_export]
macro_rules! export {
    ($handler:ty) => {
        $crate::export!($handler: Handler);
    };
    ($handler:ty: Handler $(+ $power:ident)*) => {
        $crate::export!(@events $crate::export::States<$handler>, $handler, $($power)*);
    };
    ($handler:ty: Room $(+ $power:ident)*) => {
        $crate::export!(@events $crate::export::Shared<$handler>, $handler, $($power)*);
    };
    (@events $events:ty, $handler:ty, $($power:ident)*) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            ::std::thread_local! {
                static EVENTS: $events = const { <$events>::empty() };
            }

            struct Exported;

            impl $crate::export::Export for Exported {
                type Events = $events;

                fn events() -> &'static ::std::thread::LocalKey<$events> {
                    &EVENTS
                }

                $( $crate::export!(@hooks $power); )*
            }

            $crate::bindings::export_bindings! { Exported with_types_in $crate::bindings }

            $( $crate::export!(@power $power, Exported, $handler); )*
        };

        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            $crate::export::check::<$events>();
            $( $crate::export!(@check $power, $events, $handler); )*
        };
    };
    (@power Gate, $exported:ident, $handler:ty) => {
        impl $crate::export::ExportGate for $exported {
            type Gate = $handler;
        }

        $crate::bindings::gated::export_gate_bindings! {
            $exported with_types_in $crate::bindings::gated
        }
    };
    (@power Snapshot, $exported:ident, $handler:ty) => {
        impl $crate::export::ExportSnapshot for $exported {}

        $crate::bindings::lasting::export_snapshot_bindings! {
            $exported with_types_in $crate::bindings::lasting
        }
    };
    (@power Alarm, $exported:ident, $handler:ty) => {
        impl $crate::export::ExportAlarm for $exported {}

        $crate::bindings::alarmed::export_alarm_bindings! {
            $exported with_types_in $crate::bindings::alarmed
        }
    };
    (@hooks Alarm) => {
        fn begin(connection: u64) {
            <Self::Events as $crate::export::Ringing>::begin(connection);
        }

        fn end(connection: u64) {
            <Self::Events as $crate::export::Ringing>::end(connection);
        }
    };
    (@hooks $other:ident) => {};
    (@check Alarm, $events:ty, $handler:ty) => {
        $crate::export::check_alarm::<$events>();
    };
    (@check Gate, $events:ty, $handler:ty) => {
        $crate::export::check_gate::<$handler>();
    };
    (@check Snapshot, $events:ty, $handler:ty) => {
        $crate::export::check_snapshot::<$events>();
    };
}

/// Where the macro's crate keeps what takes the events: a static can't be generic.
pub trait Export {
    type Events: Events;

    fn events() -> &'static LocalKey<Self::Events>;

    /// An event of this connection begins. Only who hears of timers has a use for it.
    fn begin(connection: u64) {
        let _ = connection;
    }

    /// Its last event has ended, likewise.
    fn end(connection: u64) {
        let _ = connection;
    }
}

/// What is exported beside the events.
pub trait ExportGate {
    type Gate: Gate;
}

impl<E: ExportGate> gate::Guest for E {
    fn on_request(
        connection: u64,
        request: types::Request,
    ) -> Result<gate::Acceptance, gate::Rejection> {
        // This may be an instance's first event.
        logging::install();
        let answer = E::Gate::on_request(&Connection::new(connection), &request.into());
        answer.map(Into::into).map_err(Into::into)
    }
}

/// What takes the events of an instance's connections.
///
/// The borrows of those that implement it can't clash: the host enters no export
/// while another one has not returned, and nothing that a handler can call comes back
/// here.
pub trait Events: 'static {
    fn on_ready(&self, id: u64, request: &Request);
    fn on_message(&self, id: u64, message: Message);
    fn on_close(&self, id: u64, event: CloseEvent);
}

impl<E: Export> MessageLoop for E {
    fn on_messages() {
        E::events().with(|events| {
            while let Some((connection, message)) = messages::next() {
                E::begin(connection);
                events.on_message(connection, message.into());
            }
        });
    }
}

impl<E: Export> Guest for E {
    fn on_ready(connection: u64, request: types::Request) {
        logging::install();
        E::begin(connection);
        E::events().with(|events| events.on_ready(connection, &request.into()));
    }

    fn on_message(connection: u64, message: types::MessageResult) {
        E::begin(connection);
        E::events().with(|events| events.on_message(connection, message.into()));
    }

    fn on_close(connection: u64, event: types::CloseEvent) {
        E::begin(connection);
        E::events().with(|events| events.on_close(connection, event.into()));
        E::end(connection);
    }
}

/// The state of each of this instance's connections: one, or those of a scope.
pub struct States<H> {
    // Sorted by id. Most instances hold one connection, and a map's code would be a
    // fifth of a small component. Boxed, so that room for four is four words.
    by_id: RefCell<Vec<(u64, Box<H>)>>,
}

impl<H> States<H> {
    pub const fn empty() -> Self {
        States { by_id: RefCell::new(Vec::new()) }
    }
}

impl<H: Handler> Events for States<H> {
    fn on_ready(&self, id: u64, request: &Request) {
        let state = Box::new(H::on_ready(&Connection::new(id), request));
        let mut states = self.by_id.borrow_mut();
        let place = states.partition_point(|(other, _)| *other < id);
        states.insert(place, (id, state));
    }

    fn on_message(&self, id: u64, message: Message) {
        let mut states = self.by_id.borrow_mut();
        let place = place_of(id, &states);
        states[place].1.on_message(&Connection::new(id), message);
    }

    fn on_close(&self, id: u64, event: CloseEvent) {
        let mut states = self.by_id.borrow_mut();
        let place = place_of(id, &states);
        let (_, mut state) = states.remove(place);
        state.on_close(&Connection::new(id), event);
    }
}

fn place_of<H>(id: u64, states: &[(u64, Box<H>)]) -> usize {
    match states.binary_search_by_key(&id, |(id, _)| *id) {
        Ok(place) => place,
        Err(_) => out_of_order(),
    }
}

/// A room, from its first connection on, and its members.
///
/// It outlives its last member: the host ends the instance when the room has lingered.
pub struct Shared<R: Room> {
    inner: RefCell<(Option<R>, Members<R>)>,
}

impl<R: Room> Shared<R> {
    pub const fn empty() -> Self {
        Shared { inner: RefCell::new((None, Members::empty())) }
    }
}

impl<R: Room> Events for Shared<R> {
    fn on_ready(&self, id: u64, request: &Request) {
        let connection = Connection::new(id);
        let (room, members) = &mut *self.inner.borrow_mut();
        let room = room.get_or_insert_with(|| R::open(&connection, request));
        let member = room.on_ready(members, &connection, request);
        members.insert(connection, member);
    }

    fn on_message(&self, id: u64, message: Message) {
        let (Some(room), members) = &mut *self.inner.borrow_mut() else { out_of_order() };
        room.on_message(members, &Connection::new(id), message);
    }

    fn on_close(&self, id: u64, event: CloseEvent) {
        let connection = Connection::new(id);
        let (Some(room), members) = &mut *self.inner.borrow_mut() else { out_of_order() };
        let member = members.remove(&connection);
        room.on_close(members, &connection, member, event);
    }
}

#[cold]
fn out_of_order() -> ! {
    panic!("the host calls on-ready first and on-close last")
}

/// Compiles for handlers and rooms only.
pub const fn check<E: Events>() {}

/// Compiles for gates only.
pub const fn check_gate<G: Gate>() {}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::{Events as _, Shared, States};
    use crate::{CloseEvent, CloseOrigin, Connection, Handler, Members, Message, Request, Room};

    thread_local! {
        static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    fn seen() -> Vec<String> {
        SEEN.take()
    }

    /// Notes the path it was opened with, and what it was sent.
    struct Notes(String);

    impl Handler for Notes {
        fn on_ready(_connection: &Connection, request: &Request) -> Self {
            Notes(request.path.clone())
        }

        fn on_message(&mut self, connection: &Connection, message: Message) {
            self.0 += &format!(" {message}@{}", connection.id());
        }

        fn on_close(&mut self, _connection: &Connection, event: CloseEvent) {
            SEEN.with_borrow_mut(|seen| seen.push(format!("{} closed {}", self.0, event.code)));
        }
    }

    impl Drop for Notes {
        fn drop(&mut self) {
            SEEN.with_borrow_mut(|seen| seen.push("dropped".to_owned()));
        }
    }

    fn request(path: &str) -> Request {
        Request { path: path.to_owned(), ..Request::default() }
    }

    fn close_event(code: u16) -> CloseEvent {
        CloseEvent { origin: CloseOrigin::Peer, code, reason: String::new(), detail: String::new() }
    }

    #[test]
    fn each_connection_of_an_instance_has_a_state_of_its_own() {
        let states = States::<Notes>::empty();
        states.on_ready(2, &request("/two"));
        states.on_ready(1, &request("/one"));
        states.on_message(1, "a".into());
        states.on_message(2, "b".into());
        states.on_message(1, vec![0].into());
        states.on_close(1, close_event(1000));
        assert_eq!(seen(), ["/one a@1 <1 bytes>@1 closed 1000", "dropped"]);
        states.on_close(2, close_event(1006));
        assert_eq!(seen(), ["/two b@2 closed 1006", "dropped"]);
    }

    #[test]
    #[should_panic(expected = "on-ready first")]
    fn an_event_before_on_ready_is_not_ignored() {
        States::<Notes>::empty().on_message(1, "a".into());
    }

    /// Notes what happens, and who is there besides.
    struct Book(String);

    fn note(line: String) {
        SEEN.with_borrow_mut(|seen| seen.push(line));
    }

    impl Book {
        fn note(&mut self, members: &Members<Self>, what: &str) {
            self.0.push('|');
            let there: Vec<_> = members.iter().map(|(_, path)| path.as_str()).collect();
            note(format!("{} {what}, there: {}", self.0, there.join(" ")));
        }
    }

    impl Room for Book {
        type Member = String;

        fn open(connection: &Connection, request: &Request) -> Self {
            note(format!("{} opens {}", connection.id(), request.path));
            Book(String::new())
        }

        fn on_ready(
            &mut self,
            members: &mut Members<Self>,
            connection: &Connection,
            request: &Request,
        ) -> String {
            self.note(members, &format!("{} joins", connection.id()));
            request.path.clone()
        }

        fn on_message(
            &mut self,
            members: &mut Members<Self>,
            connection: &Connection,
            message: Message,
        ) {
            let sender = &members[connection];
            self.note(members, &format!("{sender} says {message}"));
        }

        fn on_close(
            &mut self,
            members: &mut Members<Self>,
            connection: &Connection,
            member: String,
            event: CloseEvent,
        ) {
            self.note(members, &format!("{} {member} leaves {}", connection.id(), event.code));
        }
    }

    #[test]
    fn a_room_is_one_for_all_of_an_instances_connections() {
        let shared = Shared::<Book>::empty();
        shared.on_ready(2, &request("/two"));
        shared.on_ready(1, &request("/one"));
        shared.on_message(2, "hi".into());
        shared.on_close(2, close_event(1000));
        let expected = [
            "2 opens /two",
            "| 2 joins, there: ",
            "|| 1 joins, there: /two",
            "||| /two says hi, there: /one /two",
            "|||| 2 /two leaves 1000, there: /one",
        ];
        assert_eq!(seen(), expected);
    }

    #[test]
    fn a_room_outlives_its_last_member() {
        let shared = Shared::<Book>::empty();
        shared.on_ready(1, &request("/one"));
        shared.on_close(1, close_event(1001));
        shared.on_ready(2, &request("/two"));
        let expected = [
            "1 opens /one",
            "| 1 joins, there: ",
            "|| 1 /one leaves 1001, there: ",
            "||| 2 joins, there: ",
        ];
        assert_eq!(seen(), expected);
    }

    #[test]
    #[should_panic(expected = "on-ready first")]
    fn a_room_ignores_no_event_before_on_ready() {
        Shared::<Book>::empty().on_message(1, "a".into());
    }
}
