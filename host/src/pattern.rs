//! Patterns of names, in which `*` stands for any run of characters, slashes too.

use std::fmt;

/// A pattern, `news/*`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    /// The longest that there is, in bytes.
    pub(crate) const LONGEST: usize = 256;

    /// None where it is empty, longer than [`Self::LONGEST`], or has control characters.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let fits = (1..=Self::LONGEST).contains(&text.len()) && !text.contains(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }

    /// Whether a name is one of those that the pattern stands for.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        // There is always a first part.
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        // Of each part in between the first place is as good as any.
        for part in parts {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }

    /// Whether all that `other` stands for is among what this one stands for: where
    /// `other` as a text matches, each `*` of it lies within one of this one's.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.matches(&other.0)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).unwrap()
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (of, name) in [
            ("news", "news"),
            ("news/*", "news/"),
            ("news/*", "news/a/b"),
            ("*", ""),
            ("*", "a/b"),
            ("a*b*c", "abc"),
            ("a*b*c", "a1b2b3c"),
            ("*.example.com", "chat.example.com"),
            ("a**b", "ab"),
        ] {
            assert!(pattern(of).matches(name), "{of} {name}");
        }
        for (of, name) in [
            ("news", "news/a"),
            ("news/*", "news"),
            ("a*b", "a"),
            ("ab*ba", "aba"),
            ("a*b*c", "acb"),
            ("*.example.com", "example.com"),
        ] {
            assert!(!pattern(of).matches(name), "{of} {name}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_long_time() {
        let many = pattern(&"a*".repeat(100));
        assert!(many.matches(&"a".repeat(256)));
        assert!(!many.matches(&"b".repeat(256)));
    }

    #[test]
    fn a_pattern_covers_no_more_than_it_stands_for() {
        for (wide, narrow) in [("*", "a*"), ("news/*", "news/*"), ("a*", "a*b"), ("a*", "ab")] {
            assert!(pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
        }
        for (wide, narrow) in [("a*", "*"), ("news/*", "*/a"), ("a", "a*"), ("a*b", "a*")] {
            assert!(!pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
        }
    }

    #[test]
    fn no_pattern_is_empty_long_or_unprintable() {
        for text in ["", "a\n", &"x".repeat(257)] {
            assert_eq!(Pattern::new(text), None);
        }
    }
}
