//! What a handler's generation asks of a handshake beyond the protocol: where it comes
//! from, whose it is, and which subprotocol is spoken.

use std::sync::Arc;
use std::time::SystemTime;

use hyper::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use hyper::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::origin::Origins;
use super::request::Request;
use super::response::{self, Response, refuse};
use super::subprotocol::Offers;
use crate::generation::Generation;
use crate::peer::Peer;
use crate::token::{NoSession, Reject, SessionRules};

/// A request as it came, tokens and all.
pub(super) struct Asked<'a> {
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) headers: &'a HeaderMap,
    pub(super) client: Peer,
    /// Who holds the socket, which may be a proxy.
    pub(super) peer: Peer,
    pub(super) origins: &'a Origins,
    /// Handlers may not see what their peers are known by elsewhere.
    pub(super) untrusted: bool,
}

/// A handshake that a generation agrees to.
pub(super) struct Terms {
    pub(super) generation: Arc<Generation>,
    /// The request as the handler may see it.
    pub(super) request: Box<Request>,
    pub(super) caller: Caller,
}

/// Whose connection it is going to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// The handler has no sessions, or needs none.
    Anybody,
    /// What is verified of it, and when that ends.
    Known { claims: String, expires: Option<Instant> },
    /// It is to be opened only to be closed.
    Refused,
}

impl Asked<'_> {
    /// The terms of this generation, or the response that refuses the request.
    pub(super) fn terms(&self, generation: Arc<Generation>) -> Result<Terms, Response> {
        let settings = &generation.settings;
        self.origins.check(self.headers, &settings.allow_origins).map_err(|why| {
            if generation.account.may_notice() {
                let handler = &*generation.account.name;
                tracing::warn!(peer = %self.peer, handler, "handshake refused: {why}");
            }
            refuse(StatusCode::FORBIDDEN, "this origin is not allowed")
        })?;
        let offers = Offers::of(self.headers);
        let offers = offers.map_err(|why| refuse(StatusCode::BAD_REQUEST, why))?;
        let subprotocol = offers.agree(&settings.subprotocols).map(str::to_owned);
        let mut headers = self.headers.clone();
        let mut query = self.query.map(str::to_owned);
        let caller = match &settings.session {
            None => Caller::Anybody,
            Some(rules) => self.caller(rules, &mut headers, &mut query, &generation)?,
        };
        if self.untrusted {
            // Whoever reads them can come as the user.
            for name in [COOKIE, AUTHORIZATION, PROXY_AUTHORIZATION] {
                headers.remove(name);
            }
        }
        let request = Box::new(Request {
            path: self.path.to_owned(),
            query,
            headers,
            remote_address: self.client,
            subprotocol,
        });
        Ok(Terms { generation, request, caller })
    }

    /// Takes the tokens out of what the handler is going to see, whatever comes of them.
    fn caller(
        &self,
        rules: &SessionRules,
        headers: &mut HeaderMap,
        query: &mut Option<String>,
        generation: &Generation,
    ) -> Result<Caller, Response> {
        let now = SystemTime::now();
        let why = match rules.verify(headers, query, now) {
            Ok(session) => {
                let left = session.expires.map(|end| end.duration_since(now).unwrap_or_default());
                return Ok(Caller::Known {
                    claims: session.claims,
                    // None where it is so far away that the clock can't say it.
                    expires: left.and_then(|left| Instant::now().checked_add(left)),
                });
            }
            Err(why) => why,
        };
        let required = rules.required();
        if (required || why != NoSession::Missing) && generation.account.may_notice() {
            let (peer, handler) = (self.peer, &*generation.account.name);
            match required {
                true => tracing::info!(%peer, handler, "handshake refused: no session: {why}"),
                false => tracing::info!(%peer, handler, "opened without a session: {why}"),
            }
        }
        match rules.reject() {
            _ if !required => Ok(Caller::Anybody),
            Reject::Close => Ok(Caller::Refused),
            Reject::Status => Err(response::unauthorized(why == NoSession::Missing)),
        }
    }
}
