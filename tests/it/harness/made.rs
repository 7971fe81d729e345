//! Components that are made when a test wants them, since no compiler would.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A handler of `count` functions that does nothing. Another `seed` makes another
/// component of the same size.
pub(crate) fn many_functions(count: usize, seed: usize) -> Vec<u8> {
    let mut functions = String::new();
    for number in 0..count {
        functions += &format!(
            "(func (param i32) (result i32)
               (i32.add (i32.mul (local.get 0) (i32.const {number})) (i32.const {seed})))\n"
        );
    }
    handler(&functions)
}

/// A component whose last type is twice as large as the one before it, and so on.
pub(crate) fn doubling_types(depth: usize) -> Vec<u8> {
    types(depth, |below| format!("(tuple $t{below} $t{below})"))
}

/// A component with lists of lists of lists.
pub(crate) fn nested_types(depth: usize) -> Vec<u8> {
    types(depth, |below| format!("(list $t{below})"))
}

fn types(depth: usize, next: impl Fn(usize) -> String) -> Vec<u8> {
    let mut text = "(component (type $t0 (list u8))\n".to_owned();
    for level in 1..=depth {
        text += &format!("(type $t{level} {})\n", next(level - 1));
    }
    text += &format!("(import \"f\" (func (param \"a\" $t{depth}))))");
    wat::parse_str(&text).unwrap()
}

/// A component of the handlers' world with these functions beside its exports.
fn handler(functions: &str) -> Vec<u8> {
    let request = "i32 ".repeat(12);
    let text = format!(
        r#"(module
          (memory (export "memory") 2)
          (global $free (mut i32) (i32.const 1024))
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (local $at i32)
            (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
            (global.set $free (i32.add (local.get $at) (local.get 3)))
            (local.get $at))
          (func (export "socklet:websocket/handler@0.1.0#on-ready") (param i64 {request}))
          (func (export "socklet:websocket/handler@0.1.0#on-message") (param i64 i32 i32 i32))
          (func (export "socklet:websocket/handler@0.1.0#on-close")
            (param i64 i32 i32 i32 i32 i32 i32))
          {functions})"#
    );
    let mut module = wat::parse_str(text).unwrap();
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit")).unwrap();
    let world = resolve.select_world(&[package], Some("websocket-handler")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}
