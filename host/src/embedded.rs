//! The example handlers inside the binary, served where there is no directory.
//!
//! `embedded/README.md` says how they are built.

/// Route and component of each.
pub(crate) const EXAMPLES: [(&str, &[u8]); 4] = [
    ("/echo", include_bytes!("../embedded/echo.wasm")),
    ("/goodbye", include_bytes!("../embedded/goodbye.wasm")),
    ("/hello", include_bytes!("../embedded/hello.wasm")),
    ("/whoami", include_bytes!("../embedded/whoami.wasm")),
];
