//! What a host knows of its connections, timers and topics.

use std::cell::{RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use log::Level;

use super::upstream::Upstream;
use super::{Opening, Published, SetTimer};
use crate::owners::{self, Owned};
use crate::{Acceptance, CloseEvent, CloseOrigin, Message, Request, Timer};

thread_local! {
    static CURRENT: RefCell<Option<Rc<Fake>>> = const { RefCell::new(None) };
}

#[derive(Default)]
pub(super) struct Fake {
    state: RefCell<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) wires: BTreeMap<u64, Wire>,
    pub(super) now: Duration,
    pub(super) timers: Vec<Pending>,
    /// How many timers there have ever been.
    pub(super) timers_set: u64,
    /// The instance's own knowledge of whose they are, while it is not entered.
    pub(super) owned: Vec<Owned>,
    pub(super) at_the_gate: bool,
    pub(super) published: Vec<Published>,
    pub(super) logged: Vec<(Level, String)>,
    pub(super) variables: Vec<(String, String)>,
    pub(super) upstream: Option<Upstream>,
}

/// A connection; it is known for as long as its peer may be asked about it.
pub(super) struct Wire {
    pub(super) opening: Opening,
    pub(super) phase: Phase,
    pub(super) written: Vec<Message>,
    pub(super) close: Option<(u16, String)>,
    /// Whether the peer takes what is written.
    pub(super) reads: bool,
    pub(super) waiting: u64,
    pub(super) topics: BTreeSet<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its handshake is not answered.
    Arriving,
    Open,
    /// The handler has closed it.
    Closing,
    Closed,
}

#[derive(Clone)]
pub(super) struct Pending {
    pub(super) id: u64,
    pub(super) at: Duration,
    pub(super) every: Option<Duration>,
}

impl Fake {
    /// The host that was made or used last on this thread.
    pub(super) fn current() -> Option<Rc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    pub(super) fn make_current(self: &Rc<Self>) {
        CURRENT.set(Some(self.clone()));
    }

    /// Not to be kept while the instance runs.
    pub(super) fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    /// Runs something of the instance's.
    pub(super) fn within<T>(self: &Rc<Self>, call: impl FnOnce() -> T) -> T {
        self.make_current();
        owners::enter(std::mem::take(&mut self.state().owned));
        let outcome = call();
        self.state().owned = owners::leave();
        outcome
    }

    /// A peer wants to connect. Numbers are counted up from 1.
    pub(super) fn arrive(&self, opening: Opening) -> u64 {
        let mut state = self.state();
        let id = state.wires.last_key_value().map_or(1, |(id, _)| id + 1);
        let wire = Wire {
            opening,
            phase: Phase::Arriving,
            written: Vec::new(),
            close: None,
            reads: true,
            waiting: 0,
            topics: BTreeSet::new(),
        };
        state.wires.insert(id, wire);
        id
    }

    fn wire<T>(&self, id: u64, act: impl FnOnce(&mut Wire) -> T) -> T {
        act(self.state().wires.get_mut(&id).expect("a peer's connection is known for good"))
    }

    pub(super) fn request(&self, id: u64) -> Request {
        self.wire(id, |wire| wire.opening.request.clone())
    }

    /// The gate has let it in.
    pub(super) fn accept(&self, id: u64, acceptance: Acceptance) {
        self.wire(id, |wire| {
            let Acceptance { subprotocol, attachment, .. } = acceptance;
            if subprotocol.is_some() {
                wire.opening.request.subprotocol = subprotocol;
            }
            wire.opening.attachment = attachment;
        });
    }

    pub(super) fn open(&self, id: u64) -> Request {
        self.wire(id, |wire| {
            wire.phase = Phase::Open;
            wire.opening.request.clone()
        })
    }

    /// It has ended, and so have its subscriptions.
    pub(super) fn leave(&self, id: u64) {
        self.wire(id, |wire| {
            wire.phase = Phase::Closed;
            wire.waiting = 0;
            wire.topics.clear();
        });
    }

    /// One that the handler has closed and was not told the end of.
    pub(super) fn next_closed(&self) -> Option<(u64, CloseEvent)> {
        let closing = |(id, wire): (&u64, &Wire)| (wire.phase == Phase::Closing).then_some(*id);
        let id = self.state().wires.iter().find_map(closing)?;
        self.leave(id);
        let (code, reason) = self.close_frame(id).unwrap_or_default();
        let origin = CloseOrigin::Handler;
        Some((id, CloseEvent { origin, code, reason, detail: String::new() }))
    }

    /// Those that the instance has been told of, and not the end of.
    pub(super) fn present(&self) -> Vec<u64> {
        let present = |wire: &Wire| matches!(wire.phase, Phase::Open | Phase::Closing);
        let state = self.state();
        state.wires.iter().filter(|(_, wire)| present(wire)).map(|(id, _)| *id).collect()
    }

    pub(super) fn is_open(&self, id: u64) -> bool {
        self.wire(id, |wire| wire.phase == Phase::Open)
    }

    pub(super) fn received(&self, id: u64) -> Vec<Message> {
        self.wire(id, |wire| match wire.reads {
            true => std::mem::take(&mut wire.written),
            false => Vec::new(),
        })
    }

    pub(super) fn close_frame(&self, id: u64) -> Option<(u16, String)> {
        self.wire(id, |wire| wire.close.clone())
    }

    pub(super) fn set_reading(&self, id: u64, reads: bool) {
        self.wire(id, |wire| {
            wire.reads = reads;
            wire.waiting = 0;
        });
    }

    pub(super) fn topics(&self, id: u64) -> Vec<String> {
        self.wire(id, |wire| wire.topics.iter().cloned().collect())
    }

    pub(super) fn timers(&self) -> Vec<SetTimer> {
        let state = self.state();
        let mut timers = state.timers.clone();
        timers.sort_by_key(|timer| (timer.at, timer.id));
        let set = |Pending { id, at, every }| SetTimer {
            timer: Timer::new(id),
            after: at - state.now,
            every,
        };
        timers.into_iter().map(set).collect()
    }

    /// The next timer that goes off by then, and it does.
    pub(super) fn next_due(&self, until: Duration) -> Option<u64> {
        let mut state = self.state();
        let due = state.timers.iter().enumerate().filter(|(_, timer)| timer.at <= until);
        let (place, _) = due.min_by_key(|(_, timer)| (timer.at, timer.id))?;
        let Pending { id, at, every } = state.timers[place].clone();
        state.now = at;
        match every {
            Some(every) => state.timers[place].at += every,
            None => _ = state.timers.remove(place),
        }
        Some(id)
    }
}
