//! The trait of handlers that decide who may connect.

use crate::{Connection, Request};

/// Decides about each handshake, before it is answered.
///
/// Name it to [`export!`](crate::export!) beside the handler's or the room's trait. The
/// host asks it once for each handshake that it would accept itself; it has checked the
/// origin, its limits and the session by then. It is asked in the instance that will
/// serve the connection, which has the limits of an event: a gate that panics answers
/// 500, one that takes too long 504.
///
/// ```
/// use socklet_guest::prelude::*;
///
/// struct Members;
///
/// impl Gate for Members {
///     fn on_request(_: &Connection, request: &Request) -> Result<Acceptance, Rejection> {
///         match request.query("invitation").as_deref() {
///             Some("xyzzy") => Ok(Acceptance::new()),
///             _ => Err(Rejection::new(403).body("by invitation only")),
///         }
///     }
/// }
///
/// impl Handler for Members {
///     fn on_ready(connection: &Connection, _request: &Request) -> Self {
///         connection.write("Welcome!");
///         Members
///     }
/// }
///
/// socklet_guest::export!(Members: Handler + Gate);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no gate",
    note = "implement `socklet_guest::Gate` for it, or leave `+ Gate` out of `export!`"
)]
pub trait Gate: 'static {
    /// A peer wants to connect.
    ///
    /// The captures and the session's claims can be asked for; the connection isn't open
    /// yet, so writes to it do nothing. Where it is accepted, `on_ready` follows, unless
    /// the peer is gone by then. After a rejection nothing does.
    ///
    /// # Errors
    ///
    /// The [`Rejection`] is what the peer is answered. A page in a browser sees none of
    /// it, only that the connection failed: what it has to know, tell it by accepting
    /// the connection and closing it with a code and a reason.
    fn on_request(connection: &Connection, request: &Request) -> Result<Acceptance, Rejection>;
}

/// How a handshake is accepted.
///
/// What it can't be answered with makes the answer 500, and a line in the log says why.
///
/// ```
/// use socklet_guest::prelude::*;
///
/// let _ = Acceptance::new()
///     .subprotocol("chat.v2")
///     .header("set-cookie", "seen=1; HttpOnly")
///     .attach("team 7");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Acceptance {
    pub(crate) subprotocol: Option<String>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) attachment: Option<Vec<u8>>,
}

impl Acceptance {
    /// As the host would answer without a gate.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn wave_through() -> Result<Acceptance, Rejection> {
    ///     Ok(Acceptance::new())
    /// }
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Agrees to a subprotocol, which has to be one that the peer has offered, in place
    /// of the one that the host has found in the handler's own list.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn newest(request: &Request) -> Acceptance {
    ///     let offered = request.header("sec-websocket-protocol").unwrap_or_default();
    ///     match offered.split(',').map(str::trim).filter(|name| name.starts_with("chat.")).max() {
    ///         Some(newest) => Acceptance::new().subprotocol(newest),
    ///         None => Acceptance::new(),
    ///     }
    /// }
    /// ```
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocol = Some(name.into());
        self
    }

    /// Adds a header field to the response; at most 32 with 8 KiB in all. Those of the
    /// handshake itself and of the body's length are the host's.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// let _ = Acceptance::new().header("x-served-by", "blue");
    /// ```
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// What [`Connection::attachment`] is to answer for this connection, at most 64 KiB.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn with_role(request: &Request) -> Acceptance {
    ///     let admin = request.query("key").as_deref() == Some("xyzzy");
    ///     Acceptance::new().attach(if admin { "admin" } else { "guest" })
    /// }
    /// ```
    pub fn attach(mut self, attachment: impl Into<Vec<u8>>) -> Self {
        self.attachment = Some(attachment.into());
        self
    }
}

/// How a handshake is rejected.
///
/// What it can't be answered with makes the answer 500, and a line in the log says why.
///
/// ```
/// use socklet_guest::prelude::*;
///
/// let _ = Rejection::new(429).header("retry-after", "60").body("one game a minute");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Rejection {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: String,
}

impl Rejection {
    /// With a status from 400 to 599, and nothing else.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn closed_for_today() -> Result<Acceptance, Rejection> {
    ///     Err(Rejection::new(503))
    /// }
    /// ```
    pub fn new(status: u16) -> Self {
        Rejection { status, headers: Vec::new(), body: String::new() }
    }

    /// Adds a header field to the response; at most 32 with 8 KiB in all. Those of the
    /// handshake itself and of the body's length are the host's.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// let _ = Rejection::new(401).header("www-authenticate", "Bearer");
    /// ```
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The response's body, at most 4 KiB; plain text, unless a `content-type` among the
    /// header fields says otherwise.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// let _ = Rejection::new(403).body("by invitation only");
    /// ```
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }
}
