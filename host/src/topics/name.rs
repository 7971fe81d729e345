//! How topics are named.

use std::sync::Arc;

/// Bytes of a name, at most.
const MAX_LENGTH: usize = 256;
/// What the name of a shared topic begins with.
pub(crate) const SHARED: &str = "shared:";

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
}
