//! From the host and the path of a request to what was claimed for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use matchit::Router;

use crate::claim::Claim;
use crate::registry::Handler;

/// The values that a route's captures took from a path, by their names.
pub(crate) type Params = Vec<(String, String)>;

/// The handlers of a server and what each of them claims, by the handler's key: the
/// path of its file as a route.
#[derive(Clone, Default)]
pub(crate) struct Table {
    entries: BTreeMap<String, Entry>,
    any_host: Router<Arc<Handler>>,
    hosts: HashMap<String, Router<Arc<Handler>>>,
}

#[derive(Clone)]
struct Entry {
    handler: Arc<Handler>,
    /// None where it is served nowhere, since another one claims the same.
    claim: Option<Claim>,
}

impl Table {
    /// Of claims that don't conflict with each other; of two that do, neither counts.
    pub(crate) fn new(
        entries: impl IntoIterator<Item = (String, Arc<Handler>, Option<Claim>)>,
    ) -> Self {
        let mut table = Self::default();
        for (key, handler, claim) in entries {
            table.entries.insert(key, Entry { handler, claim });
        }
        let claims: Vec<_> = table.claims().collect();
        let conflicts = conflicts(&claims).into_iter().flat_map(|(one, other)| [one, other]);
        let contested: Vec<_> = conflicts.map(|at| claims[at].0.to_owned()).collect();
        for key in contested {
            if let Some(entry) = table.entries.get_mut(&key) {
                entry.claim = None;
            }
        }
        for Entry { handler, claim } in table.entries.values() {
            let Some(Claim { host, route }) = claim else { continue };
            let router = match host {
                Some(host) => table.hosts.entry(host.clone()).or_default(),
                None => &mut table.any_host,
            };
            // All that could be in its way has just been taken out.
            if let Err(error) = router.insert(route.pattern(), handler.clone()) {
                tracing::error!(handler = &*handler.account.name, "{route} is not served: {error}");
            }
        }
        table
    }

    /// The handler of a decoded path, and what its captures take. A claim for this host
    /// comes before one for any.
    pub(crate) fn find(&self, host: Option<&str>, path: &str) -> Option<(Arc<Handler>, Params)> {
        let own = host.and_then(|host| self.hosts.get(host));
        let found =
            own.and_then(|own| own.at(path).ok()).or_else(|| self.any_host.at(path).ok())?;
        let params = found.params.iter();
        let params = params.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Some((found.value.clone(), params.collect()))
    }

    pub(crate) fn has_hosts(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// All, by their keys.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Arc<Handler>, Option<&Claim>)> {
        self.entries
            .iter()
            .map(|(key, Entry { handler, claim })| (key.as_str(), handler, claim.as_ref()))
    }

    pub(crate) fn handler(&self, key: &str) -> Option<&Arc<Handler>> {
        self.entries.get(key).map(|entry| &entry.handler)
    }

    fn claims(&self) -> impl Iterator<Item = (&str, &Claim)> {
        let claims = self.entries.iter();
        claims.filter_map(|(key, entry)| Some((key.as_str(), entry.claim.as_ref()?)))
    }
}

/// Pairs of claims, by their places, of different handlers that are in each other's way.
pub(crate) fn conflicts(claims: &[(&str, &Claim)]) -> Vec<(usize, usize)> {
    let mut routers = HashMap::<Option<&str>, Router<()>>::new();
    // They are in no router, but in the way of those after them all the same.
    let mut left_out = Vec::new();
    let mut conflicts = Vec::new();
    for (at, (key, claim)) in claims.iter().enumerate() {
        let conflict = |other: &usize| {
            let (other_key, other) = claims[*other];
            other_key != *key && other.conflicts_with(claim)
        };
        let router = routers.entry(claim.host.as_deref()).or_default();
        let others: Vec<usize> = match router.insert(claim.route.pattern(), ()) {
            Ok(()) => left_out.iter().copied().filter(conflict).collect(),
            Err(_) => {
                left_out.push(at);
                (0..at).filter(conflict).collect()
            }
        };
        conflicts.extend(others.into_iter().map(|other| (other, at)));
    }
    conflicts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Totals;
    use crate::claim::Route;
    use crate::config::{Config, Limits};
    use crate::registry::Registry;

    fn table(claims: &[(&str, Option<&str>, &str)]) -> Table {
        let registry = Registry::new(Totals::new(&Config::default()));
        Table::new(claims.iter().map(|(key, host, route)| {
            let claim =
                Claim { host: host.map(str::to_owned), route: Route::parse(route).unwrap() };
            ((*key).to_owned(), registry.handler(key, &Limits::default()), Some(claim))
        }))
    }

    fn find(table: &Table, host: Option<&str>, path: &str) -> Option<String> {
        let (handler, params) = table.find(host, path)?;
        let params: String =
            params.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        Some(format!("{}{params}", handler.account.name))
    }

    #[test]
    fn what_is_written_out_comes_before_a_capture_and_that_before_all_the_rest() {
        let table = table(&[
            ("/all", None, "/{*path}"),
            ("/lobby", None, "/rooms/lobby"),
            ("/room", None, "/rooms/{room}"),
            ("/seat", None, "/rooms/{the-room}/seats/{seat}"),
        ]);
        let found = |path| find(&table, None, path);
        assert_eq!(found("/rooms/lobby").as_deref(), Some("lobby"));
        assert_eq!(found("/rooms/lob").as_deref(), Some("room room=lob"));
        assert_eq!(found("/rooms/a b").as_deref(), Some("room room=a b"));
        assert_eq!(found("/rooms/1/seats/2").as_deref(), Some("seat the-room=1 seat=2"));
        assert_eq!(found("/rooms/1/seats").as_deref(), Some("all path=rooms/1/seats"));
        assert_eq!(found("/rooms").as_deref(), Some("all path=rooms"));
        assert_eq!(found("/"), None);
    }

    #[test]
    fn a_claim_for_the_host_comes_first() {
        let table = table(&[
            ("/any", None, "/chat"),
            ("/own", Some("chat.example.com"), "/chat"),
            ("/more", Some("chat.example.com"), "/{more}"),
        ]);
        assert_eq!(find(&table, None, "/chat").as_deref(), Some("any"));
        assert_eq!(find(&table, Some("other"), "/chat").as_deref(), Some("any"));
        assert_eq!(find(&table, Some("chat.example.com"), "/chat").as_deref(), Some("own"));
        assert_eq!(find(&table, Some("chat.example.com"), "/x").as_deref(), Some("more more=x"));
        assert_eq!(find(&table, Some("other"), "/x"), None);
    }

    #[test]
    fn of_those_that_claim_the_same_none_is_served() {
        let table = table(&[
            ("/one", None, "/rooms/{room}"),
            ("/two", None, "/rooms/{id}"),
            ("/three", None, "/rooms/{r}"),
            ("/four", None, "/rooms/all"),
        ]);
        assert_eq!(find(&table, None, "/rooms/x"), None);
        assert_eq!(find(&table, None, "/rooms/all").as_deref(), Some("four"));
        assert_eq!(table.entries().count(), 4);
    }

    #[test]
    fn which_claims_conflict_is_no_matter_of_their_order() {
        let routes = ["/{x}/p", "/{y}/q", "/{x}/q", "/{y}/p", "/a/{*b}", "/a/{b}", "/a/{c}/d"];
        let claims: Vec<_> = routes
            .iter()
            .map(|route| Claim { host: None, route: Route::parse(route).unwrap() })
            .collect();
        let in_order = |order: &[usize]| {
            let ordered: Vec<_> = order.iter().map(|at| (routes[*at], &claims[*at])).collect();
            let found = conflicts(&ordered).into_iter();
            let mut found: Vec<_> = found
                .map(|(one, other)| {
                    let (one, other) = (order[one], order[other]);
                    (one.min(other), one.max(other))
                })
                .collect();
            found.sort_unstable();
            found
        };
        let mut order: Vec<_> = (0..routes.len()).collect();
        let first = in_order(&order);
        assert!(!first.is_empty());
        for _ in 0..routes.len() {
            order.rotate_left(1);
            assert_eq!(in_order(&order), first, "{order:?}");
            let reversed: Vec<_> = order.iter().rev().copied().collect();
            assert_eq!(in_order(&reversed), first, "{reversed:?}");
        }
    }
}
