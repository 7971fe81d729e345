//! Components that the tests load: `examples/`, one for each behaviour.

pub mod keeps;
pub mod rings;
