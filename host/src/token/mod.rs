//! Sessions: a signed token that the host verifies before a connection opens.
//!
//! `table` is what a manifest says, `rules` what becomes of it when a generation is
//! loaded, with `key` and `jwks` for its keys. At a handshake `place` takes tokens out
//! of the request, the signature is verified by the `jsonwebtoken` crate, and `claims`
//! looks at what the token says.
//!
//! Invariants:
//! - A token is verified by the algorithm of the key, never by that of its header,
//!   which must be the same (RFC 8725, section 3.1). There is no `none`.
//! - No error, and so no log, quotes a token, a claim or a key.

mod claims;
mod jwks;
mod key;
mod place;
mod rules;
mod table;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

use hyper::HeaderMap;
use jsonwebtoken::{Header, Validation, decode, decode_header};
use serde_json::{Map, Value};

use claims::Expected;
use jwks::Named;
use key::Key;
use place::Found;
use rules::Material;
pub(crate) use rules::{SessionError, Sources};
use table::Place;
pub(crate) use table::{Reject, SessionTable};

/// A longer token is refused before it is looked at.
const MAX_TOKEN: usize = 8 * 1024;

/// What a handler's sessions have to be, for one generation.
#[derive(Debug)]
pub(crate) struct SessionRules {
    /// What they were made of, with the keys' material.
    table: SessionTable,
    material: Material,
    expected: Expected,
    keys: Keys,
    places: Vec<Place>,
    required: bool,
    reject: Reject,
    outlive: bool,
}

#[derive(Debug)]
enum Keys {
    One(Key),
    Set(Vec<Named>),
}

/// What a verified token says.
#[derive(Debug)]
pub(crate) struct Session {
    /// A JSON object, as text. Each member is there once.
    pub(crate) claims: String,
    /// When the connection is to be closed; none where it is not because of this.
    pub(crate) expires: Option<SystemTime>,
}

/// Why there is no session. For the log, since who has no token is told no more than
/// that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoSession {
    #[error("no token")]
    Missing,
    #[error("more than one token in the same place")]
    Several,
    #[error("the token is longer than {MAX_TOKEN} bytes")]
    TooLong,
    #[error("the token is no signed JWT")]
    Malformed,
    #[error("the token has header fields that must be understood and are not (crit)")]
    Critical,
    #[error("the token is of another type than JWT (typ)")]
    Type,
    #[error("the token is signed by another algorithm than the manifest allows")]
    Algorithm,
    #[error("the token names no key that is known (kid)")]
    UnknownKey,
    #[error("the token names no key, and several could be meant (kid)")]
    NoKey,
    #[error("the token's signature is not of this key")]
    Signature,
    #[error("the token has expired (exp)")]
    Expired,
    #[error("the token is not good yet (nbf)")]
    TooEarly,
    #[error("the token is of another issuer (iss)")]
    Issuer,
    #[error("the token is for another audience (aud)")]
    Audience,
    #[error("the token is for an audience (aud), and the manifest's [session] names none")]
    NoAudienceSet,
    #[error("the token lacks the claim {0}")]
    Lacks(&'static str),
    #[error("the token's claim {0} is of the wrong type, or out of bounds")]
    Claim(&'static str),
}

impl SessionRules {
    /// Takes every token out of a request and verifies the one that counts.
    pub(crate) fn verify(
        &self,
        headers: &mut HeaderMap,
        query: &mut Option<String>,
        now: SystemTime,
    ) -> Result<Session, NoSession> {
        match place::take(&self.places, headers, query) {
            Found::Nothing => Err(NoSession::Missing),
            Found::Several => Err(NoSession::Several),
            Found::One(token) => self.verify_token(&token, now),
        }
    }

    /// Whether there is no connection without a session.
    pub(crate) fn required(&self) -> bool {
        self.required
    }

    /// How it is refused then.
    pub(crate) fn reject(&self) -> Reject {
        self.reject
    }

    fn verify_token(&self, token: &[u8], now: SystemTime) -> Result<Session, NoSession> {
        if token.len() > MAX_TOKEN {
            return Err(NoSession::TooLong);
        }
        let header = decode_header(token).map_err(|_| NoSession::Malformed)?;
        check_header(&header)?;
        let key = self.keys.of(&header)?;
        let mut validation = Validation::new(key.algorithm.of_library());
        // All of this is done by `claims`, under a clock of our own.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        let decoded = decode::<Map<String, Value>>(token, &key.decoding, &validation);
        let claims = decoded.map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => NoSession::Signature,
            _ => NoSession::Malformed,
        })?;
        let claims = claims.claims;
        let expires = self.expected.check(&claims, now)?;
        Ok(Session {
            // Not the token's own text, in which a member may be there twice: what the
            // handler reads has to be what was checked.
            claims: Value::Object(claims).to_string(),
            expires: expires.filter(|_| !self.outlive),
        })
    }
}

/// RFC 7515, section 4.1.11, and RFC 8725, section 3.11: what is signed for another
/// purpose, such as a logout, is no session.
fn check_header(header: &Header) -> Result<(), NoSession> {
    if header.crit.is_some() {
        return Err(NoSession::Critical);
    }
    let Some(typ) = &header.typ else { return Ok(()) };
    let typ = typ.to_ascii_lowercase();
    match typ.strip_prefix("application/").unwrap_or(&typ) {
        "jwt" | "at+jwt" => Ok(()),
        _ => Err(NoSession::Type),
    }
}

impl Keys {
    /// The one that a token is to be verified by.
    fn of(&self, header: &Header) -> Result<&Key, NoSession> {
        let fits = |key: &Key| key.algorithm.of_library() == header.alg;
        match self {
            Self::One(key) if fits(key) => Ok(key),
            Self::One(_) => Err(NoSession::Algorithm),
            Self::Set(keys) => {
                let mut fitting = keys.iter().filter(|named| fits(&named.key)).peekable();
                if fitting.peek().is_none() {
                    return Err(NoSession::Algorithm);
                }
                if let Some(kid) = &header.kid {
                    let named = fitting.find(|named| named.kid.as_ref() == Some(kid));
                    return named.map(|named| &named.key).ok_or(NoSession::UnknownKey);
                }
                match (fitting.next(), fitting.next()) {
                    (Some(only), None) => Ok(&only.key),
                    _ => Err(NoSession::NoKey),
                }
            }
        }
    }
}
