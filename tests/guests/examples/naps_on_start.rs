//! Never ends its start, and uses next to no CPU time: it waits, again and again.

#![allow(missing_docs, reason = "generated")]

use socklet_guest::prelude::*;

wit_bindgen::generate!({
    inline: r#"
        package test:naps;
        world naps { import wasi:clocks/monotonic-clock@0.2.3; }
        package wasi:io@0.2.3 {
            interface poll { resource pollable { block: func(); } }
        }
        package wasi:clocks@0.2.3 {
            interface monotonic-clock {
                use wasi:io/poll@0.2.3.{pollable};
                type duration = u64;
                subscribe-duration: func(when: duration) -> pollable;
            }
        }
    "#,
    generate_all,
});

struct Naps;

impl Handler for Naps {
    fn on_ready(_: &Connection, _: &Request) -> Self {
        Naps
    }
}

#[cfg(target_family = "wasm")]
extern "C" fn nap() {
    loop {
        wasi::clocks::monotonic_clock::subscribe_duration(50_000_000).block();
    }
}

// SAFETY: a component's `_initialize` runs once, at its start, and no other symbol
// has that name where there is no C runtime.
#[cfg(target_os = "unknown")]
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    nap();
}

// SAFETY: the C runtime of WASI calls each function in this section once.
#[cfg(target_os = "wasi")]
#[used]
#[unsafe(link_section = ".init_array")]
static NAP: extern "C" fn() = nap;

socklet_guest::export!(Naps);
