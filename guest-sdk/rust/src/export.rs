//! [`export!`](crate::export!) and what it leaves in a handler's crate.
//!
//! Public only for that macro's sake.

use std::cell::RefCell;
use std::thread::LocalKey;

use crate::bindings::exports::socklet::websocket::handler::Guest;
use crate::bindings::exports::socklet::websocket::message_loop::Guest as MessageLoop;
use crate::bindings::socklet::websocket::messages;
use crate::bindings::socklet::websocket::types;
use crate::{CloseEvent, Connection, Handler, Message, Request, logging};

/// Makes a [`Handler`] the handler that this component exports.
///
/// Invoke it once in a crate, at its top level; the crate's type must be `cdylib`.
/// On other targets than `wasm32` it checks the type and exports nothing.
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
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            ::std::thread_local! {
                static STATES: $crate::export::States<$handler> =
                    const { $crate::export::States::empty() };
            }

            struct Exported;

            impl $crate::export::Export for Exported {
                type Handler = $handler;

                fn states() -> &'static ::std::thread::LocalKey<$crate::export::States<$handler>> {
                    &STATES
                }
            }

            $crate::bindings::export_bindings! { Exported with_types_in $crate::bindings }
        };

        #[cfg(not(target_arch = "wasm32"))]
        const _: () = $crate::export::check::<$handler>();
    };
}

/// Where the macro's crate keeps its states: a static can't be generic.
pub trait Export {
    type Handler: Handler;

    fn states() -> &'static LocalKey<States<Self::Handler>>;
}

impl<E: Export> MessageLoop for E {
    fn on_messages() {
        E::states().with(|states| {
            while let Some((connection, message)) = messages::next() {
                states.on_message(connection, message.into());
            }
        });
    }
}

impl<E: Export> Guest for E {
    fn on_ready(connection: u64, request: types::Request) {
        logging::install();
        E::states().with(|states| states.on_ready(connection, &request.into()));
    }

    fn on_message(connection: u64, message: types::MessageResult) {
        E::states().with(|states| states.on_message(connection, message.into()));
    }

    fn on_close(connection: u64, event: types::CloseEvent) {
        E::states().with(|states| states.on_close(connection, event.into()));
    }
}

/// The state of each of this instance's connections: one, or those of a scope.
///
/// The borrows can't clash: the host enters no export while another one has not
/// returned, and nothing that a handler can call comes back here.
pub struct States<H> {
    // Sorted by id. Most instances hold one connection, and a map's code would be a
    // fifth of a small component. Boxed, so that room for four is four words.
    by_id: RefCell<Vec<(u64, Box<H>)>>,
}

impl<H: Handler> States<H> {
    pub const fn empty() -> Self {
        States { by_id: RefCell::new(Vec::new()) }
    }

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
        Err(_) => panic!("the host calls on-ready first and on-close last"),
    }
}

/// Compiles for handlers only.
pub const fn check<H: Handler>() {}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::States;
    use crate::{CloseEvent, CloseOrigin, Connection, Handler, Message, Request};

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
}
