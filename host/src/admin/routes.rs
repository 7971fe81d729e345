//! The paths of the admin listener. `openapi.json` describes each of them.

use std::borrow::Cow;

use hyper::Method;
use percent_encoding::percent_decode_str;

/// A path, and what can be done with it.
pub(super) struct Route {
    /// As in the document, with a name in braces where a segment may be anything.
    pub(super) template: &'static str,
    pub(super) methods: &'static [Method],
    pub(super) resource: Resource,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Health,
    Readiness,
    Metrics,
    Description,
    Handlers,
    Rollback,
    Connections,
    Connection,
    Topic,
}

impl Resource {
    /// Whether it is there without the token: what says nothing about anybody.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Health | Self::Readiness | Self::Metrics | Self::Description)
    }
}

/// Where there is GET, there is HEAD.
pub(super) const ROUTES: [Route; 9] = [
    Route { template: "/healthz", methods: &[Method::GET], resource: Resource::Health },
    Route { template: "/readyz", methods: &[Method::GET], resource: Resource::Readiness },
    Route { template: "/metrics", methods: &[Method::GET], resource: Resource::Metrics },
    Route { template: "/openapi.json", methods: &[Method::GET], resource: Resource::Description },
    Route { template: "/handlers", methods: &[Method::GET], resource: Resource::Handlers },
    Route {
        template: "/handlers/{name}/rollback",
        methods: &[Method::POST],
        resource: Resource::Rollback,
    },
    Route { template: "/connections", methods: &[Method::GET], resource: Resource::Connections },
    Route {
        template: "/connections/{id}",
        methods: &[Method::POST, Method::DELETE],
        resource: Resource::Connection,
    },
    Route { template: "/topics/{topic}", methods: &[Method::POST], resource: Resource::Topic },
];

/// The route of a path, with the segment that may be anything as it is written.
pub(super) fn find(path: &str) -> Option<(&'static Route, &str)> {
    ROUTES.iter().find_map(|route| Some((route, matched(route.template, path)?)))
}

fn matched<'a>(template: &str, path: &'a str) -> Option<&'a str> {
    let mut variable = "";
    let mut segments = path.split('/');
    for expected in template.split('/') {
        let segment = segments.next()?;
        if expected.starts_with('{') {
            variable = segment;
        } else if expected != segment {
            return None;
        }
    }
    segments.next().is_none().then_some(variable)
}

impl Route {
    /// What may be done, as in `Allow`.
    pub(super) fn allow(&self) -> String {
        let reads = self.methods.contains(&Method::GET).then_some(&Method::HEAD);
        let methods: Vec<_> = self.methods.iter().chain(reads).map(Method::as_str).collect();
        methods.join(", ")
    }

    pub(super) fn allows(&self, method: &Method) -> bool {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.methods.contains(method)
    }
}

/// A segment as it is meant; none where it is malformed.
pub(super) fn decode(segment: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(segment).decode_utf8().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_document_describes_each_route_and_no_other() {
        let document: serde_json::Value = serde_json::from_str(super::super::OPENAPI).unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
                described.insert((path.clone(), method.to_uppercase()));
            }
        }
        let served = ROUTES.iter().flat_map(|route| {
            route.methods.iter().map(|method| (route.template.to_owned(), method.to_string()))
        });
        assert_eq!(described, served.collect());
        // And which of them need the token.
        for route in &ROUTES {
            for method in route.methods {
                let operation = &document["paths"][route.template][method.as_str().to_lowercase()];
                let open = operation["security"] == serde_json::json!([]);
                assert_eq!(open, route.resource.is_open(), "{method} {}", route.template);
            }
        }
    }

    #[test]
    fn a_segment_that_may_be_anything_is_one_segment() {
        let find = |path| find(path).map(|(route, variable)| (route.resource, variable));
        assert_eq!(find("/handlers"), Some((Resource::Handlers, "")));
        let rollback = find("/handlers/games%2Fchess/rollback");
        assert_eq!(rollback, Some((Resource::Rollback, "games%2Fchess")));
        assert_eq!(decode("games%2Fchess").as_deref(), Some("games/chess"));
        for path in ["", "/", "/handlers/", "/handlers/a/b/rollback", "/connections/1/2", "*"] {
            assert_eq!(find(path), None, "{path}");
        }
        assert_eq!(decode("%ff"), None);
    }
}
