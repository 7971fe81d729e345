//! How topics are named, and the patterns by which shared ones are granted.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Bytes of a name, and of a pattern, at most.
const MAX_LENGTH: usize = 256;
/// What the name of a shared topic begins with.
const SHARED: &str = "shared:";

/// A topic among all that there are, on this host and on others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopicName {
    /// Whose own it is; none where handlers share it.
    pub(crate) handler: Option<Arc<str>>,
    /// What it is called: of a shared one, what follows the prefix.
    pub(crate) topic: Arc<str>,
}

/// A name as a guest writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written<'a> {
    Own(&'a str),
    Shared(&'a str),
}

impl<'a> Written<'a> {
    /// None where it can't be a name.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_LENGTH || text.contains(char::is_control) {
            return None;
        }
        let name = text.strip_prefix(SHARED).map_or(Self::Own(text), Self::Shared);
        let (Self::Own(rest) | Self::Shared(rest)) = name;
        (!rest.is_empty()).then_some(name)
    }
}

/// Stands for the names of shared topics: each `*` for any run of characters, none
/// among them. It is written without the prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Box<str>);

/// Why a text is no [`Pattern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write 1 to {MAX_LENGTH} bytes without control characters and without `{SHARED}`, such as \
     `news.*`"
)]
pub(crate) struct NotAPattern;

impl FromStr for Pattern {
    type Err = NotAPattern;

    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        match Written::parse(text) {
            Some(Written::Own(_)) => Ok(Self(text.into())),
            _ => Err(NotAPattern),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Pattern {
    /// Whether `name` is one of those it stands for. In the order of their lengths'
    /// product at most: whatever was tried of the last `*` need not be tried of one
    /// before.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let Some((start, rest)) = self.0.split_once('*') else { return *self.0 == *name };
        let Some(mut left) = name.strip_prefix(start) else { return false };
        let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        for part in middle.split('*') {
            let Some(at) = left.find(part) else { return false };
            left = &left[at + part.len()..];
        }
        left.ends_with(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_tells_a_shared_topic_from_an_own_one() {
        assert_eq!(Written::parse("news"), Some(Written::Own("news")));
        assert_eq!(Written::parse("shared:news"), Some(Written::Shared("news")));
        assert_eq!(Written::parse("shared:shared:x"), Some(Written::Shared("shared:x")));
        assert_eq!(Written::parse("shared"), Some(Written::Own("shared")));
        assert_eq!(Written::parse("Shared:x"), Some(Written::Own("Shared:x")));
    }

    #[test]
    fn names_are_bounded_and_printable() {
        let longest = "ü".repeat(128);
        assert_eq!(Written::parse(&longest), Some(Written::Own(&longest)));
        for bad in ["", "shared:", "a\nb", "\0", "\u{85}", &"x".repeat(257)] {
            assert_eq!(Written::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        let matches = |pattern: &str, name| pattern.parse::<Pattern>().unwrap().matches(name);
        for (pattern, name) in [
            ("news", "news"),
            ("*", "news"),
            ("news.*", "news."),
            ("news.*", "news.sport.rowing"),
            ("*.*", "a.b"),
            ("a*b*c", "abbc"),
            ("a*b*b", "abab"),
            ("a**c", "ac"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("news", "news.sport"),
            ("news.*", "news"),
            ("news.*", "old.news.x"),
            ("a*a", "a"),
            ("a*b*b", "ab"),
            ("*a", "ab"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        for bad in ["", "shared:x", "a\tb", &"x".repeat(257)] {
            assert_eq!(bad.parse::<Pattern>(), Err(NotAPattern), "{bad:?}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_long_time() {
        let pattern: Pattern = "a*".repeat(100).parse().unwrap();
        assert!(pattern.matches(&"a".repeat(256)));
        assert!(!pattern.matches(&"b".repeat(256)));
    }
}
