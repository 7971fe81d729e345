//! Traps before it has said anything.

use socklet_guest::prelude::*;

struct Traps;

impl Handler for Traps {
    fn on_ready(_: &Connection, _: &Request) -> Self {
        panic!("not ready")
    }
}

socklet_guest::export!(Traps);
