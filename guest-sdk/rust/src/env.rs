//! The variables that the manifest gives the handler, in `[env]` and `[secrets]`.
//!
//! Built for `wasm32-wasip2`, `std::env` has the same ones; elsewhere it has none.

use crate::host::environment::get_environment;

/// A variable's value; none where the manifest gives no such variable.
///
/// ```
/// use socklet_guest::env;
///
/// fn greeting() -> String {
///     env::var("GREETING").unwrap_or("Hello!".into())
/// }
/// ```
#[must_use]
pub fn var(name: &str) -> Option<String> {
    get_environment().into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
}
