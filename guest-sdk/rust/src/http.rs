//! Requests to HTTP servers elsewhere.
//!
//! ```
//! use socklet_guest::http;
//! use socklet_guest::prelude::*;
//!
//! /// Sends its peer what a server says, piece by piece as it comes.
//! fn relay(connection: &Connection) -> Result<(), http::Error> {
//!     let mut response = http::get("https://api.example.com/story")?
//!         .header("accept", "text/plain")
//!         .send()?;
//!     for chunk in response.chunks() {
//!         connection.write(chunk?);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! The manifest names the hosts, and nothing else is reached:
//!
//! ```toml
//! [capabilities]
//! allowed-hosts = ["api.example.com"]
//! ```
//!
//! A call returns when it has what it is for; meanwhile the host sends what was written
//! before it, and answers pings. The instance is at that event until it ends: with the
//! scope `connection` a slow server holds up one connection, in a [`Room`](crate::Room) it
//! holds up all of them. A time is bounded by the manifest's `http-timeout` (20 s for each
//! sign of life), `http-total-time` (5 min in all) and `event-wall-time` (30 s for each
//! wait), the sizes by `max-http-request-size` (1 MiB) and `max-http-response-size` (8 MiB).
//!
//! Redirects are not followed: their status is 3xx, and `location` says where to. Nothing
//! is decompressed, and no connection is kept for a next request.

mod error;
mod request;
mod response;
mod url;

pub use error::Error;
pub use request::Request;
pub use response::{Chunks, Lines, Response};

/// A GET request.
///
/// # Errors
///
/// [`Error::Url`] where the URL is not one of http or https.
///
/// ```
/// use socklet_guest::http;
///
/// fn price() -> Result<String, http::Error> {
///     http::get("https://api.example.com/price?of=oil")?.send()?.text()
/// }
/// ```
pub fn get(url: &str) -> Result<Request, Error> {
    Request::new("GET", url)
}

/// A POST request with a body.
///
/// # Errors
///
/// [`Error::Url`] where the URL is not one of http or https.
///
/// ```
/// use socklet_guest::http;
///
/// fn tell(what: &str) -> Result<(), http::Error> {
///     let response = http::post("https://api.example.com/notes", what)?
///         .header("content-type", "text/plain; charset=utf-8")
///         .send()?;
///     if !response.is_success() {
///         log::warn!("the note was not taken: {}", response.status());
///     }
///     Ok(())
/// }
/// ```
pub fn post(url: &str, body: impl Into<Vec<u8>>) -> Result<Request, Error> {
    Ok(Request::new("POST", url)?.body(body))
}
