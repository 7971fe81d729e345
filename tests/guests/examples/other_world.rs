//! A component that has nothing to do with WebSockets.

#![allow(missing_docs, reason = "generated")]

wit_bindgen::generate!({
    inline: "
        package other:place@1.0.0;
        interface greeter { greet: func() -> string; }
        world greeting { export greeter; }
    ",
});

struct Greeter;

impl exports::other::place::greeter::Guest for Greeter {
    fn greet() -> String {
        "hello".into()
    }
}

#[cfg(target_family = "wasm")]
export!(Greeter);
