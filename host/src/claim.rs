//! What a handler claims: a route, which may have captures, and the host it is for.

use std::fmt;
use std::ops::Range;

use crate::route;

/// Of routes and of the names of captures, in bytes.
const LONGEST_ROUTE: usize = 1024;
const LONGEST_NAME: usize = 64;

/// Where a handler is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// In lower case, without a port. None where every host will do that no other
    /// handler claims this path for.
    pub(crate) host: Option<String>,
    pub(crate) route: Route,
}

/// Paths that a handler is served at, `/rooms/{room}`: a capture takes a segment, and
/// `{*path}`, which is the last, takes all that is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// Decoded, without a slash at its end.
    text: String,
    /// Where captures lie in it, with their braces.
    captures: Vec<Range<usize>>,
}

impl Claim {
    /// That of a file without a manifest.
    pub(crate) fn of_path(path: &str) -> Self {
        Self { host: None, route: Route::of_path(path) }
    }

    /// Whether requests could be meant for either of them, so that no rule says which
    /// comes first.
    pub(crate) fn conflicts_with(&self, other: &Self) -> bool {
        self.host == other.host && self.route.conflicts_with(&other.route)
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.host.as_deref().unwrap_or_default(), self.route)
    }
}

impl Route {
    /// A path as it is, captures or not.
    pub(crate) fn of_path(path: &str) -> Self {
        Self { text: route::normalize(path).to_owned(), captures: Vec::new() }
    }

    /// A route as a manifest writes it. What is encoded as in a URL is decoded once,
    /// as the paths of requests are.
    ///
    /// # Errors
    ///
    /// What a route is, where this is none.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        const ROUTE: &str = "must be a path such as /chat, /rooms/{room} or /files/{*path}";
        if !text.starts_with('/') || text.len() > LONGEST_ROUTE {
            return Err(ROUTE);
        }
        let decoded = route::decode(text).map_err(|_| {
            "must be a path without dot segments, encoded slashes, backslashes or control \
             characters"
        })?;
        let text = route::normalize(&decoded);
        if text.contains(['?', '#']) {
            return Err("must be a path without ? and #");
        }
        let mut captures = Vec::<Range<usize>>::new();
        let mut at = 1;
        let mut names = Vec::new();
        for segment in text[1..].split('/') {
            let range = at..at + segment.len();
            at = range.end + 1;
            if segment.is_empty() && text != "/" {
                return Err("must be a path without empty segments");
            }
            if !segment.contains(['{', '}']) {
                continue;
            }
            let name = capture(segment)
                .ok_or("must have captures that are whole segments, {room}, named by letters, digits, - and _")?;
            if segment.starts_with("{*") && range.end != text.len() {
                return Err("must have {*…} as its last segment");
            }
            if names.contains(&name) {
                return Err("must have a name of its own for each capture");
            }
            names.push(name);
            captures.push(range);
        }
        Ok(Self { text: text.to_owned(), captures })
    }

    /// The names of the captures, in their order.
    pub(crate) fn captures(&self) -> impl Iterator<Item = &str> {
        let segments = self.captures.iter().map(|range| &self.text[range.clone()]);
        segments.map(|segment| capture(segment).unwrap_or_default())
    }

    /// Decoded, with captures as they are written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether every path of it is this one, or lies below it.
    pub(crate) fn is_below(&self, path: &str) -> bool {
        let fixed =
            &self.text[..self.captures.first().map_or(self.text.len(), |first| first.start)];
        match fixed.strip_prefix(path.trim_end_matches('/')) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }

    /// Whether it lies where a handler with the key `key` may have its routes without
    /// being granted any: at and below the path of its own file. Below `/` lies what is
    /// everybody's, so there only that path is its own.
    pub(crate) fn is_own(&self, key: &str) -> bool {
        if key == "/" { self.text == "/" } else { self.is_below(key) }
    }

    /// As matchit writes it: braces that are no captures are doubled.
    pub(crate) fn pattern(&self) -> String {
        self.written(|literal| literal.replace('{', "{{").replace('}', "}}"))
    }

    fn written(&self, literal: impl Fn(&str) -> String) -> String {
        let mut pattern = String::new();
        let mut at = 0;
        for capture in &self.captures {
            pattern += &literal(&self.text[at..capture.start]);
            pattern += &self.text[capture.clone()];
            at = capture.end;
        }
        pattern + &literal(&self.text[at..])
    }

    fn conflicts_with(&self, other: &Self) -> bool {
        let fit = |one: &Self, other: &Self| {
            let mut router = matchit::Router::new();
            let inserted = router.insert(one.pattern(), ());
            inserted.and_then(|()| router.insert(other.pattern(), ())).is_ok()
        };
        !fit(self, other) || !fit(other, self)
    }
}

/// As in a URL, with captures as they are written.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(route::encode))
    }
}

/// The name of a capture, where a segment is one.
fn capture(segment: &str) -> Option<&str> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    let name = name.strip_prefix('*').unwrap_or(name);
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    ((1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(valid)).then_some(name)
}

/// A Host header, or the host of a manifest, as claims have it.
pub(crate) fn host_of(header: &str) -> String {
    let name = match header.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => header,
    };
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(text: &str) -> Route {
        Route::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn a_route_may_capture_segments_and_all_that_is_left() {
        let names = |text| route(text).captures().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(names("/chat"), [""; 0]);
        assert_eq!(names("/rooms/{room}/{user-id}"), ["room", "user-id"]);
        assert_eq!(names("/files/{*path}"), ["path"]);
        assert_eq!(route("/a%20b/é/{x}/").to_string(), "/a%20b/%C3%A9/{x}");
        assert_eq!(route("/").as_str(), "/");
    }

    #[test]
    fn what_is_no_route_is_refused() {
        for text in [
            "", "chat", "/a//b", "/a/../b", "/%2F", "/a?b", "/a#b", "/a{b}", "/{}", "/{a b}",
            "/{a", "/{*a}/b", "/{a}/{a}", "/{é}", "/a\\b",
        ] {
            assert!(Route::parse(text).is_err(), "{text}");
        }
        assert!(Route::parse(&"/x".repeat(1000)).is_err());
    }

    #[test]
    fn routes_conflict_where_no_rule_says_which_comes_first() {
        let conflict = |a, b| route(a).conflicts_with(&route(b));
        assert!(conflict("/a", "/a"));
        assert!(conflict("/{a}", "/{b}"));
        assert!(conflict("/{a}/x", "/{b}/x"));
        assert!(conflict("/x/{*a}", "/x/{*b}"));
        assert!(!conflict("/a", "/{b}"));
        assert!(!conflict("/{a}/x", "/{b}/y"));
        assert!(conflict("/{a}", "/{*b}"));
        assert!(conflict("/x/{a}", "/x/{*b}"));
        assert!(!conflict("/x/{a}", "/{*b}"));
        assert!(!conflict("/x", "/x/{*b}"));
        assert!(!Route::of_path("/{a}").conflicts_with(&route("/{a}")));
        let claim = |host: &str| Claim { host: Some(host.into()), route: route("/a") };
        assert!(claim("a").conflicts_with(&claim("a")));
        assert!(!claim("a").conflicts_with(&claim("b")));
        assert!(!claim("a").conflicts_with(&Claim::of_path("/a")));
    }

    #[test]
    fn a_route_lies_below_another_path_with_all_its_paths() {
        assert!(route("/a/b").is_below("/a"));
        assert!(route("/a/{b}").is_below("/a"));
        assert!(route("/a/{b}").is_below("/a/"));
        assert!(route("/a").is_below("/a"));
        assert!(route("/{a}").is_below("/"));
        assert!(!route("/ab").is_below("/a"));
        assert!(!route("/{a}").is_below("/a"));
        assert!(!route("/a").is_below("/a/b"));
    }

    #[test]
    fn of_the_root_only_itself_is_a_handlers_own() {
        assert!(route("/").is_own("/"));
        for other in ["/a", "/{a}", "/{*a}", "/a/{b}"] {
            assert!(!route(other).is_own("/"), "{other}");
        }
        assert!(route("/a").is_own("/a"));
        assert!(route("/a/{b}").is_own("/a"));
        assert!(!route("/ab").is_own("/a"));
    }

    #[test]
    fn a_host_has_neither_case_nor_port() {
        assert_eq!(host_of("Chat.Example.com:8443"), "chat.example.com");
        assert_eq!(host_of("chat.example.com."), "chat.example.com");
        assert_eq!(host_of("[::1]:80"), "[::1]");
        assert_eq!(host_of("[::1]"), "[::1]");
    }
}
