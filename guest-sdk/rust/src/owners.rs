//! Which connection of a handler's has set which timer. A room's timers have no owners.
//!
//! Nothing here calls the host, since who sets no timers imports none.

use std::cell::{Cell, RefCell};

/// A timer, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) timer: u64,
    pub(crate) connection: u64,
    pub(crate) repeats: bool,
}

thread_local! {
    /// The connection whose event is under way; none in a room.
    static CURRENT: Cell<Option<u64>> = const { Cell::new(None) };
    static OWNED: RefCell<Vec<Owned>> = const { RefCell::new(Vec::new()) };
}

/// An event of a connection begins.
pub(crate) fn begin(connection: u64) {
    CURRENT.set(Some(connection));
}

/// A timer was set in the event that is under way.
pub(crate) fn remember(timer: u64, repeats: bool) {
    if let Some(connection) = CURRENT.get() {
        OWNED.with_borrow_mut(|owned| owned.push(Owned { timer, connection, repeats }));
    }
}

/// Whose timer has gone off; it is nobody's any more unless it repeats.
pub(crate) fn owner_of(timer: u64) -> Option<u64> {
    OWNED.with_borrow_mut(|owned| {
        let place = owned.iter().position(|owned| owned.timer == timer)?;
        let Owned { connection, repeats, .. } = owned[place];
        if !repeats {
            owned.swap_remove(place);
        }
        Some(connection)
    })
}

pub(crate) fn forget_timer(timer: u64) {
    OWNED.with_borrow_mut(|owned| owned.retain(|owned| owned.timer != timer));
}

/// The timers of a connection that has ended.
pub(crate) fn forget(connection: u64) -> Vec<u64> {
    OWNED.with_borrow_mut(|owned| {
        owned
            .extract_if(.., |owned| owned.connection == connection)
            .map(|owned| owned.timer)
            .collect()
    })
}

/// All of them, to be kept.
#[cfg(any(feature = "snapshot", not(target_arch = "wasm32")))]
pub(crate) fn all() -> Vec<Owned> {
    OWNED.with_borrow(Clone::clone)
}

/// Those that were kept.
#[cfg(any(feature = "snapshot", not(target_arch = "wasm32")))]
pub(crate) fn restore(all: Vec<Owned>) {
    OWNED.set(all);
}

/// Another instance is entered, whose timers these are.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn enter(all: Vec<Owned>) {
    CURRENT.set(None);
    restore(all);
}

/// It is left, and these are its timers by now.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn leave() -> Vec<Owned> {
    CURRENT.set(None);
    let left = all();
    restore(Vec::new());
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_the_connections_in_whose_event_it_was_set() {
        remember(9, false);
        begin(1);
        remember(10, false);
        remember(11, true);
        begin(2);
        remember(12, true);
        assert_eq!([9, 10, 11, 12].map(owner_of), [None, Some(1), Some(1), Some(2)]);
        assert_eq!([10, 11].map(owner_of), [None, Some(1)]);
        forget_timer(12);
        assert_eq!(owner_of(12), None);
        assert_eq!((forget(1), forget(1)), (vec![11], vec![]));
    }
}
