//! A handler of the right name and version whose functions have other types.

#![allow(missing_docs, reason = "generated")]

wit_bindgen::generate!({
    inline: "
        package socklet:websocket@0.1.0;
        interface handler {
            on-ready: func(connection: u64);
            on-message: func(connection: u64);
            on-close: func(connection: u64);
        }
        world websocket-handler { export handler; }
    ",
});

struct Other;

impl exports::socklet::websocket::handler::Guest for Other {
    fn on_ready(_: u64) {}
    fn on_message(_: u64) {}
    fn on_close(_: u64) {}
}

#[cfg(target_family = "wasm")]
export!(Other);
