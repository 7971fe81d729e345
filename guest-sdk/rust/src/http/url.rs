//! The parts of a URL that a request is made of.

use super::Error;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) secure: bool,
    /// Host and maybe port.
    pub(super) authority: String,
    /// Path and query, without the fragment.
    pub(super) path: String,
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Url(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let secure = match () {
            () if scheme.eq_ignore_ascii_case("https") => true,
            () if scheme.eq_ignore_ascii_case("http") => false,
            () => return Err(wrong()),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.is_empty() || !text.is_ascii() || text.contains(|c: char| c <= ' ') {
            return Err(wrong());
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self { secure, authority: authority.to_owned(), path: format!("{slash}{path}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_scheme_a_host_and_a_path() {
        for (text, secure, authority, path) in [
            ("https://a.example", true, "a.example", "/"),
            ("HTTP://a.example:8080/b?c=d#e", false, "a.example:8080", "/b?c=d"),
            ("https://[::1]:1?q", true, "[::1]:1", "/?q"),
            ("https://a#b/c", true, "a", "/"),
        ] {
            let url = Url { secure, authority: authority.to_owned(), path: path.to_owned() };
            assert_eq!(Url::parse(text), Ok(url), "{text}");
        }
        for text in [
            "",
            "a.example",
            "//a",
            "ws://a",
            "https://",
            "https:///b",
            "https://a/ b",
            "https://é.example/",
        ] {
            assert_eq!(Url::parse(text), Err(Error::Url(text.to_owned())), "{text}");
        }
    }
}
