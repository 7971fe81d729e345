//! Sends what the `log` crate's macros write, and what a panic says, to the
//! host's log.

#[cfg(any(target_arch = "wasm32", test))]
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(target_arch = "wasm32")]
use log::Level;
use log::{LevelFilter, Log, Metadata, Record};

use crate::host::log::log;

/// Takes the place of the logger and of the panic hook. `on-ready`, the first
/// event of an instance, calls this, since a component has no `main` that could.
pub(crate) fn install() {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if INSTALLED.swap(true, Ordering::Relaxed) {
        return;
    }
    // Everything: which lines are kept is set on the host, which does not say.
    log::set_max_level(LevelFilter::Trace);
    // It fails where the handler's own crate came first, and then that one stands.
    let _ = log::set_logger(&HostLog);
    // Natively a panic is the test's.
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(log_panic));
}

struct HostLog;

impl Log for HostLog {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    /// The message alone: the host adds the time, the handler and the connection.
    fn log(&self, record: &Record<'_>) {
        let level = record.level().into();
        match record.args().as_str() {
            Some(message) => log(level, message),
            None => log(level, &record.args().to_string()),
        }
    }

    fn flush(&self) {}
}

/// The default hook writes to the standard error, which a guest may not have. This
/// one goes past the `log` crate, whose levels the handler may have set.
#[cfg(target_arch = "wasm32")]
fn log_panic(panic: &PanicHookInfo<'_>) {
    log(Level::Error.into(), &panic_line(panic));
}

#[cfg(any(target_arch = "wasm32", test))]
fn panic_line(panic: &PanicHookInfo<'_>) -> String {
    let message = panic.payload_as_str().unwrap_or("a value that is no string");
    match panic.location() {
        Some(location) => format!("panicked at {location}: {message}"),
        None => format!("panicked: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::panic_line;

    #[test]
    fn a_panic_is_one_line_with_its_place() {
        let line = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&line);
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            *seen.lock().expect("no one panics with the lock") = panic_line(panic);
        }));
        let outcome = std::panic::catch_unwind(|| panic!("no seat {}", 7));
        std::panic::set_hook(hook);
        assert!(outcome.is_err());
        let line = line.lock().expect("no one panics with the lock");
        assert!(line.starts_with("panicked at "), "{line}");
        assert!(line.contains("logging.rs:"), "{line}");
        assert!(line.ends_with(": no seat 7"), "{line}");
    }
}
