//! The thread that ticks for all guests, and rests while none runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use wasmtime::Engine;

/// Time between two ticks of the epoch: how long a guest runs before it yields.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Ticks without a guest after which the clock rests.
const QUIET_TICKS: u32 = 20;
/// Between two ticks while it rests.
const SLOW_TICK: Duration = Duration::from_millis(500);

/// A guest has run since the last tick.
const RUNNING: u8 = 0;
/// None has, as of the last tick.
const QUIET: u8 = 1;
/// The thread rests.
const RESTING: u8 = 2;
/// There is nobody left to tick for.
const OVER: u8 = 3;

pub(crate) struct Clock {
    state: Arc<AtomicU8>,
    thread: JoinHandle<()>,
}

impl Clock {
    /// It ends when this is dropped.
    pub(crate) fn start(engine: Engine) -> Self {
        let state = Arc::new(AtomicU8::new(RUNNING));
        let ticked = state.clone();
        let thread = thread::Builder::new()
            .name("epoch".into())
            .spawn(move || run(&engine, &ticked))
            .expect("a process that cannot start its second thread cannot serve");
        Self { state, thread }
    }

    /// A guest is about to run, or still runs: the clock has to tick. Called for each
    /// event, so it writes only where that says something new.
    pub(crate) fn keep_ticking(&self) {
        if self.state.load(Relaxed) != RUNNING {
            self.wake();
        }
    }

    fn wake(&self) {
        let wakes = |state| (state != OVER).then_some(RUNNING);
        if self.state.fetch_update(SeqCst, SeqCst, wakes) == Ok(RESTING) {
            self.thread.thread().unpark();
        }
    }

    /// Ticks no more.
    pub(crate) fn stop(&self) {
        self.state.store(OVER, SeqCst);
        self.thread.thread().unpark();
    }

    /// Returns when the last tick has been.
    #[cfg(feature = "bench")]
    pub(crate) fn wait_for_end(&self) {
        while !self.thread.is_finished() {
            thread::yield_now();
        }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Rests once no guest has run for a while; one that runs on says so at each tick. It
/// still ticks now and then: a guest whose thread was held up between saying so and
/// setting its deadline finds a tick that it has not seen, and is bounded after all.
fn run(engine: &Engine, state: &AtomicU8) {
    let mut quiet = 0;
    loop {
        match state.load(SeqCst) {
            RESTING => thread::park_timeout(SLOW_TICK),
            _ => thread::sleep(TICK),
        }
        if state.load(SeqCst) == OVER {
            return;
        }
        engine.increment_epoch();
        if state.compare_exchange(RUNNING, QUIET, SeqCst, SeqCst).is_ok() {
            quiet = 0;
        } else if quiet < QUIET_TICKS {
            quiet += 1;
        } else {
            // A guest may have begun to run just now.
            let _ = state.compare_exchange(QUIET, RESTING, SeqCst, SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spins until the thread rests, which it does after some ticks.
    fn rests(clock: &Clock) {
        while clock.state.load(SeqCst) != RESTING {
            thread::yield_now();
        }
    }

    #[test]
    fn it_ticks_while_guests_run_and_rests_when_none_does() {
        let engine = Engine::default();
        let clock = Clock::start(engine);
        rests(&clock);
        clock.keep_ticking();
        assert_ne!(clock.state.load(SeqCst), RESTING);
        // It was woken, or it would not rest again.
        rests(&clock);
    }

    #[test]
    fn nobody_wakes_it_once_it_has_stopped() {
        let clock = Clock::start(Engine::default());
        clock.stop();
        clock.keep_ticking();
        assert_eq!(clock.state.load(SeqCst), OVER);
    }

    #[test]
    fn a_guest_that_it_does_not_know_of_is_bounded_all_the_same() {
        // (func (export "f") (loop (br 0)))
        const LOOPS: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\
            \x07\x05\x01\x01f\0\0\x0A\x09\x01\x07\0\x03\x40\x0C\0\x0B\x0B";
        let engine = crate::engine::for_compiling().unwrap();
        let clock = Clock::start(engine.clone());
        rests(&clock);
        let mut store = wasmtime::Store::new(&engine, ());
        store.set_epoch_deadline(1);
        let module = wasmtime::Module::new(&engine, LOOPS).unwrap();
        let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
        let function = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
        let error = function.call(&mut store, ()).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&wasmtime::Trap::Interrupt));
    }
}
