//! Sets a timer, and could not hear of it.

use std::time::Duration;

use socklet_guest::prelude::*;

struct Sets;

impl Handler for Sets {
    fn on_ready(_: &Connection, _: &Request) -> Self {
        let _ = Timer::after(Duration::from_secs(1));
        Sets
    }
}

socklet_guest::export!(Sets);
