//! Routes: from a file's path below the handlers' directory, and from the path
//! of a request. Both come to the same decoded form, `/games/chess`.

use std::path::{Component, Path};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Why a path of a request is refused with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadPath {
    #[error("the path has an encoded slash or backslash")]
    EncodedSlash,
    #[error("the path has a dot segment")]
    DotSegment,
    #[error("the path is not valid percent-encoded UTF-8 without control characters")]
    Encoding,
}

/// Why a file's name can't be a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadName {
    #[error("its name is not UTF-8")]
    NotUtf8,
    #[error("its name has a backslash or a control character")]
    Characters,
}

/// Decodes a request's path once. What routing or a handler could take for
/// another path after decoding it again is refused.
pub(crate) fn decode(path: &str) -> Result<String, BadPath> {
    let decoded =
        percent_decode_str(path).decode_utf8().map_err(|_| BadPath::Encoding)?.into_owned();
    // A decoder passes a `%` that begins no escape; here it is malformed.
    let malformed = path.split('%').skip(1).any(|rest| {
        !matches!(rest.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
    });
    if malformed || decoded.contains(char::is_control) {
        return Err(BadPath::Encoding);
    }
    if decoded.contains('\\') || decoded.matches('/').count() != path.matches('/').count() {
        return Err(BadPath::EncodedSlash);
    }
    if decoded.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(BadPath::DotSegment);
    }
    Ok(decoded)
}

/// A decoded path as routes are stored: without the slash at its end, so that a
/// folder's index is found with and without it.
pub(crate) fn normalize(path: &str) -> &str {
    match path.strip_suffix('/') {
        Some("") | None => path,
        Some(shorter) => shorter,
    }
}

/// The route of a `.wasm` file, by its path below the handlers' directory.
pub(crate) fn of_file(relative: &Path) -> Result<String, BadName> {
    let mut route = String::new();
    for component in relative.with_extension("").components() {
        let Component::Normal(name) = component else { continue };
        let name = name.to_str().ok_or(BadName::NotUtf8)?;
        if name.contains(|c: char| c == '\\' || c.is_control()) {
            return Err(BadName::Characters);
        }
        route.push('/');
        route.push_str(name);
    }
    match route.strip_suffix("/index") {
        Some("") => Ok("/".into()),
        Some(folder) => Ok(folder.into()),
        None => Ok(route),
    }
}

/// A route as it is written in a URL.
pub(crate) fn encode(route: &str) -> String {
    const KEPT: AsciiSet =
        NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(route, &KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_once() {
        assert_eq!(decode("/a%20b/%C3%A9"), Ok("/a b/é".into()));
        assert_eq!(decode("/%2541"), Ok("/%41".into()));
    }

    #[test]
    fn what_could_be_another_path_is_refused() {
        for path in ["/a%2Fb", "/a%2fb", "/a%5Cb", "/a\\b"] {
            assert_eq!(decode(path), Err(BadPath::EncodedSlash), "{path}");
        }
        for path in ["/../a", "/a/..", "/a/./b", "/%2e%2E/a", "/."] {
            assert_eq!(decode(path), Err(BadPath::DotSegment), "{path}");
        }
        for path in ["/%", "/%4", "/%zz", "/%ff", "/a%00", "/a%0Ab"] {
            assert_eq!(decode(path), Err(BadPath::Encoding), "{path}");
        }
    }

    #[test]
    fn a_file_below_the_directory_is_its_route() {
        let route = |path| of_file(Path::new(path)).unwrap();
        assert_eq!(route("chat.wasm"), "/chat");
        assert_eq!(route("games/chess.wasm"), "/games/chess");
        assert_eq!(route("index.wasm"), "/");
        assert_eq!(route("games/index.wasm"), "/games");
        assert_eq!(route("v1.2.wasm"), "/v1.2");
        assert_eq!(route("myindex.wasm"), "/myindex");
    }

    #[test]
    fn a_route_survives_its_url() {
        for route in ["/", "/a b", "/é", "/100%", "/a?b#c", "/games/chess"] {
            assert_eq!(decode(&encode(route)).as_deref(), Ok(route));
        }
    }

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        assert_eq!(normalize("/"), "/");
        assert_eq!(normalize("/games/"), "/games");
        assert_eq!(normalize("/games"), "/games");
    }
}
