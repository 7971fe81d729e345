//! A handler that imports what no host offers.

#![allow(missing_docs, reason = "generated")]

use socklet_guest::prelude::*;

wit_bindgen::generate!({
    inline: "
        package strange:power@1.0.0;
        interface rockets { launch: func(); }
        world wish { import rockets; }
    ",
});

struct Wishes;

impl Handler for Wishes {
    fn on_ready(_: &Connection, _: &Request) -> Self {
        strange::power::rockets::launch();
        Wishes
    }
}

socklet_guest::export!(Wishes);
