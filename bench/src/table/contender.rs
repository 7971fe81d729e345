//! Who takes part in a row.

use super::peer::{Peer, Places};

/// A server as it takes part in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) peer: Peer,
    pub(crate) threads: usize,
    /// Bound to one core, and the client to another.
    pub(crate) pinned: bool,
    /// A component in target/guests/bench that is served instead of the embedded echo.
    pub(crate) guest: Option<&'static str>,
    /// What its manifest says; without a component of its own, that of the embedded echo.
    pub(crate) manifest: Option<&'static str>,
    /// Further flags of socklet.
    pub(crate) flags: &'static [&'static str],
}

impl Contender {
    pub(super) fn of(peer: Peer) -> Self {
        let name = peer.name();
        Self { name, peer, threads: 1, pinned: true, guest: None, manifest: None, flags: &[] }
    }

    /// socklet with a handler that is there to be measured.
    pub(super) fn guest(name: &'static str, guest: &'static str) -> Self {
        Self { name, guest: Some(guest), ..Self::of(Peer::Socklet) }
    }

    /// Why it can't take part, if so.
    pub(crate) fn is_missing(&self, places: &Places) -> Option<String> {
        let skipped = |why| Some(format!("skipped: {why}"));
        if self.peer.version(places).is_none() {
            return skipped("not installed, see `scripts/setup bench`");
        }
        if self.lacks_guest(places) {
            return skipped("not built, see `scripts/build-guests`");
        }
        None
    }

    /// Whether its component isn't there: its language's compiler may be missing.
    pub(crate) fn lacks_guest(&self, places: &Places) -> bool {
        self.guest.is_some_and(|guest| !places.guest(guest).exists())
    }
}
