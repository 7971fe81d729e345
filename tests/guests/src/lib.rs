//! Components that the tests load: `examples/`, one for each behaviour.
