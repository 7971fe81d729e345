//! The import `timers`. Nobody has to grant it: what a timer costs is an event of the
//! handler's own, with the limits of any, and how many there are is bounded.

use wasmtime::component::Linker;

use super::{SetOutcome, Wanted};
use crate::guest_state::GuestState;

pub(crate) fn link(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut timers = linker.instance("socklet:websocket/timers@0.1.0")?;
    timers.func_wrap("set", |store, (after, every)| {
        let outcome = match Wanted::of(after, every) {
            Some(wanted) => store.data().set_timer(wanted),
            None => SetOutcome::OutOfRange,
        };
        Ok((outcome,))
    })?;
    timers.func_wrap("cancel", |store, (timer,)| Ok((store.data().cancel_timer(timer),)))
}
