//! The value of a `cookie` header field (RFC 6265, section 4.2).

use std::borrow::Cow;

/// The pairs of one field. The name ends at the first `=`; the white space around
/// both is not theirs.
pub(super) fn pairs(field: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    field.split(|byte| *byte == b';').filter_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&pair[..equals], &pair[equals + 1..]);
        Some((text(name), text(value)))
    })
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[track_caller]
    fn check(field: &str, expected: &[(&str, &str)]) {
        let found: Vec<_> = pairs(field.as_bytes()).collect();
        let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
        assert_eq!(found, expected, "{field}");
    }

    #[test]
    fn pairs_are_divided_by_semicolons() {
        check("a=1; b=2", &[("a", "1"), ("b", "2")]);
        check("a=1;b=2 ; ", &[("a", "1"), ("b", "2")]);
    }

    #[test]
    fn values_are_as_they_were_sent() {
        check("a=b=c", &[("a", "b=c")]);
        check("a=", &[("a", "")]);
        check("a=\"1\"", &[("a", "\"1\"")]);
        check("a=%20+", &[("a", "%20+")]);
    }

    #[test]
    fn what_has_no_equals_sign_is_left_out() {
        check("", &[]);
        check("flag; a=1", &[("a", "1")]);
    }
}
