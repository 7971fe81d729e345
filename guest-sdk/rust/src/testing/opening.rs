//! What a peer connects with.

use crate::Request;

/// What a peer connects with, and what the host has learned of it.
///
/// ```
/// use socklet_guest::testing::Opening;
///
/// let _ = Opening::new("/chat/blue?name=Ada")
///     .header("cookie", "theme=dark")
///     .subprotocol("chat.v2")
///     .param("room", "blue")
///     .claims(r#"{"sub":"ada"}"#)
///     .attachment("team 7");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Opening {
    pub(super) request: Request,
    pub(super) params: Vec<(String, String)>,
    pub(super) claims: Option<String>,
    pub(super) attachment: Option<Vec<u8>>,
}

impl Opening {
    /// With a path as the handler sees it, decoded, and maybe a query, which is not, behind
    /// a `?`.
    pub fn new(target: &str) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        Request {
            path: path.to_owned(),
            query_string: query,
            remote_address: "127.0.0.1:50000".to_owned(),
            ..Request::default()
        }
        .into()
    }

    /// Adds a header field.
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.request.header_fields.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// The subprotocol that the host has agreed to.
    pub fn subprotocol(mut self, name: &str) -> Self {
        self.request.subprotocol = Some(name.to_owned());
        self
    }

    /// Where the peer is, in place of `127.0.0.1:50000`.
    pub fn remote_address(mut self, address: &str) -> Self {
        self.request.remote_address = address.to_owned();
        self
    }

    /// Adds what a capture of the route has taken from the path.
    pub fn param(mut self, name: &str, value: &str) -> Self {
        self.params.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The claims of the peer's session, a JSON object as text.
    pub fn claims(mut self, claims: &str) -> Self {
        self.claims = Some(claims.to_owned());
        self
    }

    /// What the handler's gate has attached.
    pub fn attachment(mut self, attachment: impl Into<Vec<u8>>) -> Self {
        self.attachment = Some(attachment.into());
        self
    }
}

impl From<&str> for Opening {
    fn from(target: &str) -> Self {
        Self::new(target)
    }
}

impl From<&String> for Opening {
    fn from(target: &String) -> Self {
        Self::new(target)
    }
}

impl From<String> for Opening {
    fn from(target: String) -> Self {
        Self::new(&target)
    }
}

impl From<Request> for Opening {
    fn from(request: Request) -> Self {
        Self { request, ..Self::default() }
    }
}
