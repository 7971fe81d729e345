//! A query as `application/x-www-form-urlencoded` (WHATWG URL, section 5.1).

use std::borrow::Cow;

pub(super) fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

fn decode(encoded: &str) -> Cow<'_, str> {
    if !encoded.bytes().any(|byte| matches!(byte, b'+' | b'%')) {
        return encoded.into();
    }
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        decoded.push(match (first, after) {
            (b'+', _) => b' ',
            (b'%', [high, low, after_escape @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    rest = after_escape;
                    high << 4 | low
                }
                _ => b'%',
            },
            (byte, _) => *byte,
        });
    }
    match String::from_utf8(decoded) {
        Ok(text) => text.into(),
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned().into(),
    }
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{decode, pairs};

    #[test]
    fn escapes_and_plus_signs_are_decoded() {
        assert_eq!(decode("a%20b+c"), "a b c");
        assert_eq!(decode("caf%C3%A9"), "café");
        assert_eq!(decode("%2b%2B"), "++");
        assert_eq!(decode("%2541"), "%41");
    }

    #[test]
    fn a_percent_sign_that_begins_no_escape_stands_for_itself() {
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%4"), "%4");
        assert_eq!(decode("%zz%41"), "%zzA");
    }

    #[test]
    fn what_decodes_to_no_utf8_is_replaced() {
        assert_eq!(decode("a%FFb"), "a\u{fffd}b");
    }

    #[test]
    fn what_needs_no_decoding_is_not_copied() {
        assert!(matches!(decode("plain"), Cow::Borrowed("plain")));
    }

    #[test]
    fn pairs_keep_their_order_and_their_repeats() {
        let found: Vec<_> = pairs("b=1&&a&b=2=3&%3D=x&").collect();
        let expected = [("b", "1"), ("a", ""), ("b", "2=3"), ("=", "x")];
        assert_eq!(found, expected.map(|(name, value)| (name.into(), value.into())));
    }
}
