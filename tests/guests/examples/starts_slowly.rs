//! Spends a second or so on its start, before any export is called.

use socklet_guest::prelude::*;

struct Starts;

impl Handler for Starts {
    fn on_ready(_: &Connection, _: &Request) -> Self {
        Starts
    }
}

#[cfg(target_family = "wasm")]
extern "C" fn spend() {
    for round in 0..1_000_000_000u64 {
        std::hint::black_box(round);
    }
}

// SAFETY: a component's `_initialize` runs once, at its start, and no other symbol
// has that name where there is no C runtime.
#[cfg(target_os = "unknown")]
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    spend();
}

// SAFETY: the C runtime of WASI calls each function in this section once.
#[cfg(target_os = "wasi")]
#[used]
#[unsafe(link_section = ".init_array")]
static SPEND: extern "C" fn() = spend;

socklet_guest::export!(Starts);
