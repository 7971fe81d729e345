//! The request that opened a connection.

mod cookies;
mod query;

use std::borrow::Cow;

/// The opening request of a connection: what the peer asked for in the handshake.
///
/// The fields are the request as it came; the methods look things up in it. They
/// answer text, in which bytes that are not UTF-8 are replaced by U+FFFD.
///
/// It may be a part of what a `Snapshot` keeps: nothing hands it over after a swap.
///
/// ```
/// use socklet_guest::Request;
///
/// let request = Request {
///     path: "/chat".to_owned(),
///     query_string: Some("room=blue+room".to_owned()),
///     header_fields: vec![("cookie".to_owned(), b"theme=dark; name=Ada".to_vec())],
///     ..Request::default()
/// };
/// assert_eq!(request.query("room").as_deref(), Some("blue room"));
/// assert_eq!(request.cookie("name").as_deref(), Some("Ada"));
/// assert_eq!(request.header("origin"), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub struct Request {
    /// The path, percent-decoded once, without the query. It begins with `/` and
    /// holds no dot segments.
    pub path: String,
    /// What followed the first `?`, not decoded, without the `?`; `None` where the
    /// request had no `?`.
    pub query_string: Option<String>,
    /// The header fields, names in lower case, values as raw bytes. A name that was
    /// sent more than once appears once for each time, in the order of the request
    /// within that name.
    pub header_fields: Vec<(String, Vec<u8>)>,
    /// The peer's address as `address:port`, IPv6 addresses in brackets; `unix` for
    /// a peer on a Unix socket, which has none.
    pub remote_address: String,
    /// The subprotocol that the host agreed to (RFC 6455, section 1.9); `None`
    /// where it agreed to none.
    pub subprotocol: Option<String>,
}

impl Request {
    /// The first value of a header field; the name in any case.
    ///
    /// ```
    /// # use socklet_guest::Request;
    /// let request = Request {
    ///     header_fields: vec![("user-agent".to_owned(), b"curl".to_vec())],
    ///     ..Request::default()
    /// };
    /// assert_eq!(request.header("User-Agent").as_deref(), Some("curl"));
    /// ```
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers(name).next()
    }

    /// Every value of a header field, in the order of the request; the name in any
    /// case.
    ///
    /// ```
    /// # use socklet_guest::Request;
    /// let request = Request {
    ///     header_fields: vec![
    ///         ("accept-language".to_owned(), b"de".to_vec()),
    ///         ("accept-language".to_owned(), b"en".to_vec()),
    ///     ],
    ///     ..Request::default()
    /// };
    /// assert_eq!(request.headers("Accept-Language").collect::<Vec<_>>(), ["de", "en"]);
    /// ```
    pub fn headers(&self, name: &str) -> impl Iterator<Item = Cow<'_, str>> {
        let named = move |field: &&(String, Vec<u8>)| field.0.eq_ignore_ascii_case(name);
        self.header_fields.iter().filter(named).map(|(_, value)| String::from_utf8_lossy(value))
    }

    /// The first cookie of that name. [`cookies`](Self::cookies) says how they are
    /// read.
    ///
    /// ```
    /// # use socklet_guest::Request;
    /// let request = Request {
    ///     header_fields: vec![("cookie".to_owned(), b"session=31d4".to_vec())],
    ///     ..Request::default()
    /// };
    /// assert_eq!(request.cookie("session").as_deref(), Some("31d4"));
    /// assert_eq!(request.cookie("Session"), None);
    /// ```
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<Cow<'_, str>> {
        self.cookies().find(|cookie| cookie.0 == name).map(|(_, value)| value)
    }

    /// Every cookie as (name, value), in the order of the request.
    ///
    /// Values are as they were sent: nothing is decoded, and quotes are kept. What
    /// has no `=` is left out.
    ///
    /// ```
    /// # use socklet_guest::Request;
    /// let request = Request {
    ///     header_fields: vec![("cookie".to_owned(), b"theme=dark; name=Ada".to_vec())],
    ///     ..Request::default()
    /// };
    /// let names: Vec<_> = request.cookies().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["theme", "name"]);
    /// ```
    pub fn cookies(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let fields = self.header_fields.iter().filter(|(name, _)| name == "cookie");
        fields.flat_map(|(_, value)| cookies::pairs(value))
    }

    /// The first value of that name in the query. [`query_pairs`](Self::query_pairs)
    /// says how it is read.
    ///
    /// ```
    /// # use socklet_guest::Request;
    /// let request =
    ///     Request { query_string: Some("room=caf%C3%A9&debug".to_owned()), ..Request::default() };
    /// assert_eq!(request.query("room").as_deref(), Some("café"));
    /// assert_eq!(request.query("debug").as_deref(), Some(""));
    /// assert_eq!(request.query("user"), None);
    /// ```
    #[must_use]
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query_pairs().find(|pair| pair.0 == name).map(|(_, value)| value)
    }

    /// Every pair of the query as (name, value), in the order of the request.
    ///
    /// Read as forms and `URLSearchParams` write it: pairs divided by `&`, `+` for
    /// a space, the rest percent-encoded. A name without `=` has an empty value,
    /// and a `%` that begins no escape stands for itself.
    ///
    /// ```
    /// # use socklet_guest::Request;
    /// let request = Request { query_string: Some("tag=a&tag=b".to_owned()), ..Request::default() };
    /// let tags: Vec<_> = request.query_pairs().map(|(_, value)| value).collect();
    /// assert_eq!(tags, ["a", "b"]);
    /// ```
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        query::pairs(self.query_string.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::Request;

    fn with_headers(fields: &[(&str, &[u8])]) -> Request {
        let field = |(name, value): &(&str, &[u8])| ((*name).to_owned(), value.to_vec());
        Request { header_fields: fields.iter().map(field).collect(), ..Request::default() }
    }

    #[test]
    fn a_header_is_found_in_any_case_and_answers_its_first_value() {
        let request = with_headers(&[("host", b"a"), ("x-id", b"1"), ("x-id", b"2")]);
        assert_eq!(request.header("X-Id").as_deref(), Some("1"));
        assert_eq!(request.headers("x-ID").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(request.header("x"), None);
        assert_eq!(request.headers("x").count(), 0);
    }

    #[test]
    fn a_header_that_is_not_utf8_is_not_hidden() {
        let request = with_headers(&[("x-name", b"Andr\xe9")]);
        assert_eq!(request.header("x-name").as_deref(), Some("Andr\u{fffd}"));
    }

    #[test]
    fn cookies_are_gathered_from_every_cookie_field() {
        // HTTP/2 lets a peer send one field for each cookie (RFC 9113, section 8.2.3).
        let request = with_headers(&[("cookie", b"a=1; b=2"), ("x", b"a=9"), ("cookie", b"b=3")]);
        let cookies: Vec<_> = request.cookies().map(|(name, value)| name + "=" + value).collect();
        assert_eq!(cookies, ["a=1", "b=2", "b=3"]);
        assert_eq!(request.cookie("b").as_deref(), Some("2"));
    }

    #[test]
    fn a_request_without_a_query_has_no_pairs() {
        assert_eq!(Request::default().query(""), None);
        assert_eq!(Request::default().query_pairs().count(), 0);
    }
}
