//! Traps before any export is called.

use socklet_guest::prelude::*;

struct Traps;

impl Handler for Traps {
    fn on_ready(_: &Connection, _: &Request) -> Self {
        Traps
    }
}

#[cfg(target_family = "wasm")]
extern "C" fn trap() {
    std::process::abort();
}

// SAFETY: a component's `_initialize` runs once, at its start, and no other symbol
// has that name where there is no C runtime.
#[cfg(target_os = "unknown")]
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    trap();
}

// SAFETY: the C runtime of WASI calls each function in this section once.
#[cfg(target_os = "wasi")]
#[used]
#[unsafe(link_section = ".init_array")]
static TRAP: extern "C" fn() = trap;

socklet_guest::export!(Traps);
