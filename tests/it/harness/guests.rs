//! The components that the tests serve.

use std::path::PathBuf;

/// A guest of `tests/guests`.
#[derive(Clone, Copy)]
pub(crate) struct Guest(&'static str);

/// A constant for each; one that no test uses fails the build.
#[deny(dead_code)]
mod built {
    use super::Guest;
    include!(concat!(env!("OUT_DIR"), "/guests.rs"));
}
pub(crate) use built::*;

impl Guest {
    pub(crate) fn bytes(self) -> Vec<u8> {
        read(&format!("tests/{}.wasm", self.0))
    }
}

/// A component of `examples/`, as built from source.
pub(crate) fn example(name: &str) -> Vec<u8> {
    read(&format!("examples/{name}.wasm"))
}

/// The manifest that lies beside it.
pub(crate) fn example_manifest(name: &str) -> Vec<u8> {
    read(&format!("examples/{name}.toml"))
}

fn read(file: &str) -> Vec<u8> {
    let path = folder().join(file);
    let bytes = std::fs::read(&path);
    bytes.unwrap_or_else(|error| panic!("{}: {error}: run scripts/build-guests", path.display()))
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/guests")
}
