//! A handler of a version of the package that is yet to come.

#![allow(missing_docs, reason = "generated")]

wit_bindgen::generate!({
    inline: "
        package socklet:websocket@0.2.0;
        interface handler { on-ready: func(connection: u64); }
        world websocket-handler { export handler; }
    ",
});

struct Later;

impl exports::socklet::websocket::handler::Guest for Later {
    fn on_ready(_: u64) {}
}

#[cfg(target_family = "wasm")]
export!(Later);
