//! What those use who write handlers: from an empty folder to a component, and to a server
//! that follows each change of its sources.
//!
//! - `new` writes a project, of what the program carries with it: the `assets`.
//! - `build` has a `language`'s own tools make it, and a `component` of what they leave.
//! - `dev` does so again and again, and serves it.
//! - `inspect` tells what a component is, and `connect` speaks to one that is served.

mod assets;
mod build;
mod component;
mod connect;
mod dev;
mod inspect;
mod language;
mod new;
mod pages;

pub(crate) use build::{Build, Componentize};
pub(crate) use connect::Connect;
pub(crate) use dev::Dev;
pub(crate) use inspect::Inspect;
pub(crate) use new::New;

/// Stops what `socklet dev` builds, if it does.
pub(crate) fn stop() {
    build::tool::stop(rustix::process::Signal::TERM);
}
