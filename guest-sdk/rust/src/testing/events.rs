//! How events come to the instance: one at a time, each within its host.

use std::cell::RefCell;
use std::rc::Rc;

use super::fake::Fake;
use crate::export::{Events, Shared, States};
use crate::{
    Acceptance, CloseEvent, Connection, Gate, Handler, Message, Rejection, Room, alarm, logging,
    owners,
};

/// What an instance may be.
pub trait Kind: Events {
    /// One that has had no event.
    fn fresh() -> Self;

    /// An event of this connection begins.
    fn begin(_connection: u64) {}

    /// Its last event has ended.
    fn end(_connection: u64) {}
}

/// As with `export!(T: Handler + Alarm)`: each connection has its own timers.
impl<H: Handler> Kind for States<H> {
    fn fresh() -> Self {
        Self::empty()
    }

    fn begin(connection: u64) {
        owners::begin(connection);
    }

    fn end(connection: u64) {
        alarm::cancel_all_of(connection);
    }
}

impl<R: Room> Kind for Shared<R> {
    fn fresh() -> Self {
        Self::empty()
    }
}

/// What has a gate.
pub trait Gated {
    type Gate: Gate;
}

impl<H: Handler + Gate> Gated for States<H> {
    type Gate = H;
}

impl<R: Room + Gate> Gated for Shared<R> {
    type Gate = R;
}

/// The instance, and what is around it.
pub(super) struct Inner<E> {
    pub(super) fake: Rc<Fake>,
    pub(super) instance: RefCell<Rc<E>>,
}

impl<E: Kind> Inner<E> {
    pub(super) fn fresh() -> Rc<Self> {
        logging::install();
        let fake = Rc::<Fake>::default();
        fake.make_current();
        Rc::new(Self { fake, instance: RefCell::new(Rc::new(E::fresh())) })
    }

    /// An event, and those that follow from it.
    pub(super) fn event<T>(&self, call: impl FnOnce(&E) -> T) -> T {
        let instance = self.instance.borrow().clone();
        let outcome = self.fake.within(|| call(&instance));
        // The peers whose connections it has closed answer.
        while let Some((id, event)) = self.fake.next_closed() {
            self.fake.within(|| {
                E::begin(id);
                instance.on_close(id, event);
                E::end(id);
            });
        }
        outcome
    }

    pub(super) fn open(&self, id: u64) {
        let request = self.fake.open(id);
        self.event(|events| {
            E::begin(id);
            events.on_ready(id, &request);
        });
    }

    pub(super) fn message(&self, id: u64, message: Message) {
        self.event(|events| {
            E::begin(id);
            events.on_message(id, message);
        });
    }

    pub(super) fn end(&self, id: u64, event: CloseEvent) {
        self.fake.leave(id);
        self.event(|events| {
            E::begin(id);
            events.on_close(id, event);
            E::end(id);
        });
    }
}

impl<E: Kind + Gated> Inner<E> {
    pub(super) fn ask(&self, id: u64) -> Result<Acceptance, Rejection> {
        let request = self.fake.request(id);
        self.fake.state().at_the_gate = true;
        let answer = self.event(|_| E::Gate::on_request(&Connection::new(id), &request));
        self.fake.state().at_the_gate = false;
        answer
    }
}
