//! Tests of socklet; see `it/main.rs`.
