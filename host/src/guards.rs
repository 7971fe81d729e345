//! What keeps a handler from being open to everyone, and must not get lost in a swap.

use std::fmt;

use crate::generation::Generation;
use crate::instance::Prepared;
use crate::settings::Settings;

/// What a generation has of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Guards {
    manifest: bool,
    session: bool,
    gate: bool,
}

/// What the next generation would not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    Manifest,
    Session,
    Gate,
}

impl Guards {
    pub(crate) fn new(settings: &Settings, prepared: &Prepared) -> Self {
        Self {
            manifest: settings.manifest.is_some(),
            // Where none is required, who comes without one is let in as well.
            session: settings.session.as_ref().is_some_and(|session| session.required()),
            gate: prepared.has_gate(),
        }
    }

    pub(crate) fn of(generation: &Generation) -> Self {
        Self::new(&generation.settings, &generation.prepared)
    }

    /// Whether who connects has to show more than others have had to.
    pub(crate) fn ask_more_than(self, others: Self) -> bool {
        self.session && !others.session || self.gate && !others.gate
    }

    /// The first thing that these have and the `next` ones don't.
    pub(crate) fn lost_by(self, next: Self) -> Option<Lost> {
        let manifest = (self.manifest && !next.manifest).then_some(Lost::Manifest);
        let session = (self.session && !next.session).then_some(Lost::Session);
        manifest.or(session).or((self.gate && !next.gate).then_some(Lost::Gate))
    }
}

/// Whether whoever joins an older generation is let in as by the current one: past the
/// same guards, and with the same keys.
pub(crate) fn are_kept(older: &Generation, current: &Generation) -> bool {
    Guards::of(current).lost_by(Guards::of(older)).is_none()
        && older.settings.session == current.settings.session
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manifest => "no manifest any more",
            Self::Session => "no session any more that is required ([session])",
            Self::Gate => "no gate any more (socklet:websocket/gate)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_has_to_stay_and_more_may_come() {
        let all = Guards { manifest: true, session: true, gate: true };
        let manifest = Guards { manifest: true, session: false, gate: false };
        let none = Guards::default();
        assert_eq!(none.lost_by(all), None);
        assert_eq!(all.lost_by(all), None);
        assert_eq!(manifest.lost_by(all), None);
        assert_eq!(all.lost_by(Guards { session: true, ..manifest }), Some(Lost::Gate));
        assert_eq!(all.lost_by(Guards { gate: true, ..manifest }), Some(Lost::Session));
        assert_eq!(all.lost_by(none), Some(Lost::Manifest));
    }
}
