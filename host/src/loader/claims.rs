//! Which handler gets what it claims. Of two that claim the same neither is loaded:
//! what served goes on serving, and else none of them is served.

use std::collections::BTreeSet;

use super::Loader;
use crate::claim::Claim;
use crate::guest_log::Printable;
use crate::table;

/// One claim among all.
struct Stake<'a> {
    key: &'a str,
    claim: &'a Claim,
    /// It is to be, and not only served as long as nothing else is.
    wanted: bool,
}

impl Loader {
    /// Looks at all claims anew, tells the registry what has changed, and has loaded
    /// what can be.
    pub(super) fn settle(&mut self) {
        let stakes = self.stakes();
        let of_stakes: Vec<_> = stakes.iter().map(|stake| (stake.key, stake.claim)).collect();
        let mut contested = BTreeSet::new();
        let mut conflicts = BTreeSet::new();
        for (one, other) in table::conflicts(&of_stakes) {
            let (one, other) = (&stakes[one], &stakes[other]);
            for stake in [one, other].into_iter().filter(|stake| stake.wanted) {
                contested.insert(stake.key.to_owned());
            }
            conflicts.insert(self.conflict(one, other));
        }
        for conflict in conflicts.difference(&self.conflicts) {
            tracing::warn!("{}", Printable(conflict));
        }
        self.conflicts = conflicts;
        for (key, known) in &mut self.known {
            known.contested = contested.contains(key);
            if known.contested {
                self.queue.remove(key);
            } else if known.is_due() {
                self.queue.look(key);
            }
        }
        self.tell_registry();
    }

    /// Whether no other handler claims what is claimed here.
    pub(super) fn is_free(&self, key: &str, claim: &Claim) -> bool {
        let Some(known) = self.known.get(key) else { return false };
        if known.wanted.as_ref().is_some_and(|wanted| wanted.claim == *claim) {
            return !known.contested;
        }
        let mut others = self.stakes().into_iter().filter(|stake| stake.key != key);
        !others.any(|stake| stake.claim.conflicts_with(claim))
    }

    fn stakes(&self) -> Vec<Stake<'_>> {
        let mut stakes = Vec::new();
        for (key, known) in &self.known {
            let wanted = known.wanted.as_ref().map(|wanted| &wanted.claim);
            stakes.extend(wanted.map(|claim| Stake { key, claim, wanted: true }));
            let served = known.served.as_ref().filter(|served| wanted != Some(served));
            stakes.extend(served.map(|claim| Stake { key, claim, wanted: false }));
        }
        stakes
    }

    fn conflict(&self, one: &Stake<'_>, other: &Stake<'_>) -> String {
        let file = |key: &str| match self.known.get(key) {
            Some(known) => {
                let written = known.wanted.as_ref().and_then(|wanted| wanted.written.as_ref());
                let written = written.map(|at| format!(" ({at})")).unwrap_or_default();
                format!("{}{written}", known.file.path.display())
            }
            None => key.to_owned(),
        };
        let (files, claims) = match one.claim == other.claim {
            true => (format!("{}, {}", file(one.key), file(other.key)), one.claim.to_string()),
            false => (
                format!("{}, {}", file(one.key), file(other.key)),
                format!("{} and {}, which are the same,", one.claim, other.claim),
            ),
        };
        format!(
            "{files}: both claim the route {claims} and neither is loaded: change the route of one"
        )
    }

    /// What served goes on serving where it does; what is to come is known from the
    /// start, so that its peers are told to wait.
    fn tell_registry(&mut self) {
        let mut claims = Vec::new();
        let mut failed = Vec::new();
        for (key, known) in &self.known {
            let wanted = known.wanted.as_ref().filter(|_| !known.contested);
            let claim = known.served.clone().or_else(|| Some(wanted?.claim.clone()));
            if claim.is_none() && known.wanted.is_none() {
                failed.push(key.clone());
            }
            claims.push((key.clone(), known.handler.clone(), claim));
        }
        // Nobody knows what it would claim: whoever comes to its own path is told that
        // it failed, unless that is another one's.
        for key in failed {
            let own = Claim::of_path(&key);
            let mut others = claims.iter().filter_map(|(_, _, claim)| claim.as_ref());
            if others.any(|claim| claim.conflicts_with(&own)) {
                continue;
            }
            if let Some((_, _, claim)) = claims.iter_mut().find(|(other, ..)| *other == key) {
                *claim = Some(own);
            }
        }
        claims.retain(|(key, _, claim)| self.claimed.get(key) != Some(claim));
        if !claims.is_empty() {
            let told = claims.iter().map(|(key, _, claim)| (key.clone(), claim.clone()));
            self.claimed.extend(told);
            self.registry.claim(&claims);
        }
    }
}
