//! Takes tokens out of a request: out of every place that may hold one, so that
//! neither the handler nor its log sees any of them. Everything else stays as it was.

use std::borrow::Cow;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use percent_encoding::percent_decode;

use super::table::Place;

/// What a request held.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    One(Vec<u8>),
    /// More than one in the place that counts. Which of them a peer means, and who put
    /// the others there, can't be told.
    Several,
}

/// The token of the first place that holds one. All places are emptied.
pub(super) fn take(places: &[Place], headers: &mut HeaderMap, query: &mut Option<String>) -> Found {
    let mut found = Found::Nothing;
    for place in places {
        let mut tokens = match place {
            Place::Cookie(name) => cookies(headers, name),
            Place::Authorization => bearer(headers),
            Place::Query(name) => parameters(query, name),
            Place::Subprotocol(prefix) => subprotocols(headers, prefix),
        };
        if found == Found::Nothing {
            found = match (tokens.pop(), tokens.is_empty()) {
                (None, _) => Found::Nothing,
                (Some(token), true) => Found::One(token),
                (Some(_), false) => Found::Several,
            };
        }
    }
    found
}

/// RFC 6265, section 5.4. White space around a name is not the name's, as the SDKs
/// have it.
fn cookies(headers: &mut HeaderMap, name: &str) -> Vec<Vec<u8>> {
    strip(headers, &COOKIE, b';', |pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let value = pair[equals + 1..].trim_ascii();
        let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
        (pair[..equals].trim_ascii() == name.as_bytes()).then(|| quoted.unwrap_or(value).to_vec())
    })
}

fn subprotocols(headers: &mut HeaderMap, prefix: &str) -> Vec<Vec<u8>> {
    strip(headers, &SEC_WEBSOCKET_PROTOCOL, b',', |offer| {
        offer.trim_ascii().strip_prefix(prefix.as_bytes()).map(<[u8]>::to_vec)
    })
}

/// The members that `token` takes for one are taken out of all headers of this name.
fn strip(
    headers: &mut HeaderMap,
    name: &HeaderName,
    separator: u8,
    token: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Vec<Vec<u8>> {
    let has_any = |value: &HeaderValue| {
        value.as_bytes().split(|byte| *byte == separator).any(|member| token(member).is_some())
    };
    if !headers.get_all(name).iter().any(has_any) {
        return Vec::new();
    }
    let (mut tokens, mut left) = (Vec::new(), Vec::new());
    for value in headers.get_all(name) {
        if !has_any(value) {
            left.push(value.clone());
            continue;
        }
        let mut members = Vec::new();
        for member in value.as_bytes().split(|byte| *byte == separator) {
            match token(member) {
                Some(found) => tokens.push(found),
                None => members.push(member),
            }
        }
        let joined = members.join(&separator);
        // Only a part of what was a value, it is one still.
        match HeaderValue::from_bytes(joined.trim_ascii()) {
            Ok(value) if !value.is_empty() => left.push(value),
            _ => {}
        }
    }
    headers.remove(name);
    for value in left {
        headers.append(name, value);
    }
    tokens
}

/// RFC 6750, section 2.1. What is there for another scheme goes as well, and is no token.
fn bearer(headers: &mut HeaderMap) -> Vec<Vec<u8>> {
    let tokens = headers.get_all(AUTHORIZATION).iter().filter_map(|value| {
        let (scheme, token) = value.as_bytes().split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii().to_vec())
    });
    let tokens = tokens.collect();
    headers.remove(AUTHORIZATION);
    tokens
}

/// Names may be encoded, as the handler would decode them.
fn parameters(query: &mut Option<String>, name: &str) -> Vec<Vec<u8>> {
    let Some(text) = query else { return Vec::new() };
    let (mut tokens, mut left) = (Vec::new(), Vec::new());
    for pair in text.split('&') {
        let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
        match decode(found) == name.as_bytes() {
            true => tokens.push(decode(value)),
            false => left.push(pair),
        }
    }
    if !tokens.is_empty() {
        *query = (!left.is_empty()).then(|| left.join("&"));
    }
    tokens
}

fn decode(encoded: &str) -> Vec<u8> {
    let spaced = encoded.replace('+', " ");
    Cow::from(percent_decode(spaced.as_bytes())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for &(name, value) in lines {
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
        let values = headers.get_all(name).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }

    fn one(token: &str) -> Found {
        Found::One(token.as_bytes().to_vec())
    }

    #[track_caller]
    fn check_cookies(lines: &[&str], found: &Found, left: &[&str]) {
        let lines: Vec<_> = lines.iter().map(|&line| ("cookie", line)).collect();
        let mut headers = headers(&lines);
        let places = [Place::Cookie("session".to_owned())];
        assert_eq!(take(&places, &mut headers, &mut None), *found, "{lines:?}");
        assert_eq!(values(&headers, "cookie"), left, "{lines:?}");
    }

    #[test]
    fn a_cookie_is_taken_and_the_others_stay_byte_for_byte() {
        check_cookies(&["session=t"], &one("t"), &[]);
        check_cookies(&["a=1; session=t; b=2"], &one("t"), &["a=1; b=2"]);
        check_cookies(&["session=t; a=1;b=\"x\" ; c"], &one("t"), &["a=1;b=\"x\" ; c"]);
        check_cookies(&["a=1;  session=t"], &one("t"), &["a=1"]);
        check_cookies(&["a=1", "b=2; session=t", "c=\u{e9}"], &one("t"), &["a=1", "b=2", "c=é"]);
        check_cookies(&["session = \"t\" ;a=1"], &one("t"), &["a=1"]);
        check_cookies(&["session=a=b"], &one("a=b"), &[]);
    }

    #[test]
    fn what_only_looks_like_the_cookie_stays() {
        for line in ["Session=t", "xsession=t", "session2=t", "session", "a=session=t", ""] {
            check_cookies(&[line], &Found::Nothing, &[line]);
        }
    }

    #[test]
    fn two_cookies_of_the_name_are_one_too_many_and_both_go() {
        check_cookies(&["session=t; a=1; session=t"], &Found::Several, &["a=1"]);
        check_cookies(&["session=t", "a=1; session=u"], &Found::Several, &["a=1"]);
    }

    #[test]
    fn the_authorization_goes_whole() {
        let check = |lines: &[&str], expected: &Found| {
            let lines: Vec<_> = lines.iter().map(|&line| ("authorization", line)).collect();
            let mut headers = headers(&lines);
            let found = take(&[Place::Authorization], &mut headers, &mut None);
            assert_eq!(found, *expected, "{lines:?}");
            assert!(headers.is_empty(), "{lines:?}");
        };
        check(&["Bearer t"], &one("t"));
        check(&["bearer  t "], &one("t"));
        check(&["Bearer t", "Bearer u"], &Found::Several);
        check(&["Basic YTpi"], &Found::Nothing);
        check(&["Bearer"], &Found::Nothing);
        check(&["Bearer "], &one(""));
        check(&[], &Found::Nothing);
    }

    #[test]
    fn a_parameter_is_taken_and_the_others_stay() {
        let check = |query: Option<&str>, found: &Found, left: Option<&str>| {
            let mut text = query.map(str::to_owned);
            let places = [Place::Query("token".to_owned())];
            assert_eq!(take(&places, &mut HeaderMap::new(), &mut text), *found, "{query:?}");
            assert_eq!(text.as_deref(), left, "{query:?}");
        };
        check(None, &Found::Nothing, None);
        check(Some(""), &Found::Nothing, Some(""));
        check(Some("token=t"), &one("t"), None);
        check(Some("a=%20&token=t&&b"), &one("t"), Some("a=%20&&b"));
        check(Some("t%6Fken=%74"), &one("t"), None);
        check(Some("token=a.b-c_d"), &one("a.b-c_d"), None);
        check(Some("Token=t&mytoken=t"), &Found::Nothing, Some("Token=t&mytoken=t"));
        check(Some("token=t&a=1&token=t"), &Found::Several, Some("a=1"));
        check(Some("token"), &one(""), None);
    }

    #[test]
    fn a_subprotocol_entry_is_taken_and_the_others_stay() {
        let check = |lines: &[&str], expected: &Found, left: &[&str]| {
            let lines: Vec<_> =
                lines.iter().map(|&line| ("sec-websocket-protocol", line)).collect();
            let mut headers = headers(&lines);
            let places = [Place::Subprotocol("bearer.".to_owned())];
            assert_eq!(take(&places, &mut headers, &mut None), *expected, "{lines:?}");
            assert_eq!(values(&headers, "sec-websocket-protocol"), left, "{lines:?}");
        };
        check(&["chat, bearer.t, v2"], &one("t"), &["chat, v2"]);
        check(&["bearer.t,chat"], &one("t"), &["chat"]);
        check(&["bearer.t"], &one("t"), &[]);
        check(&["chat", "bearer.t"], &one("t"), &["chat"]);
        check(&["Bearer.t, bearer"], &Found::Nothing, &["Bearer.t, bearer"]);
        check(&["bearer.t, bearer.u, chat"], &Found::Several, &["chat"]);
    }

    #[test]
    fn the_first_place_that_holds_a_token_counts_and_all_are_emptied() {
        let all = [
            Place::Cookie("session".to_owned()),
            Place::Authorization,
            Place::Query("token".to_owned()),
            Place::Subprotocol("bearer.".to_owned()),
        ];
        let lines = [
            ("cookie", "session=a; session=b; theme=dark"),
            ("authorization", "Bearer c"),
            ("sec-websocket-protocol", "chat, bearer.d"),
        ];
        let (mut both, mut query) = (headers(&lines), Some("token=e&room=1".to_owned()));
        assert_eq!(take(&all, &mut both, &mut query), Found::Several);
        assert_eq!(values(&both, "cookie"), ["theme=dark"]);
        assert_eq!(values(&both, "authorization"), [""; 0]);
        assert_eq!(values(&both, "sec-websocket-protocol"), ["chat"]);
        assert_eq!(query.as_deref(), Some("room=1"));

        let mut rest = headers(&lines[1..]);
        assert_eq!(take(&all, &mut rest, &mut Some("token=e".to_owned())), one("c"));
        assert_eq!(values(&rest, "sec-websocket-protocol"), ["chat"]);
        let turned = [all[3].clone(), all[2].clone()];
        let mut rest = headers(&lines[2..]);
        assert_eq!(take(&turned, &mut rest, &mut Some("token=e".to_owned())), one("d"));
    }
}
