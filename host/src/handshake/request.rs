//! The opening request as a handler sees it.

use hyper::HeaderMap;

use super::subprotocol::Offers;
use crate::bindings;
use crate::peer::Peer;

/// Kept from the handshake until `on-ready` has it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) remote_address: Peer,
    pub(crate) subprotocol: Option<String>,
}

impl Request {
    /// Names in lower case, repeats in their order.
    pub(crate) fn headers(&self) -> Vec<(&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
    }

    /// Whether the peer has offered a subprotocol (RFC 6455, section 4.1).
    pub(crate) fn offers_subprotocol(&self, name: &str) -> bool {
        Offers::of(&self.headers).is_ok_and(|offers| offers.have(name))
    }

    pub(crate) fn param<'a>(
        &'a self,
        headers: &'a [(&'a str, &'a [u8])],
        remote_address: &'a str,
    ) -> bindings::Request<'a> {
        bindings::Request {
            path: &self.path,
            query: self.query.as_deref(),
            headers,
            remote_address,
            subprotocol: self.subprotocol.as_deref(),
        }
    }
}
