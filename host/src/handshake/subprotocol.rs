//! The subprotocols that a peer offers, and the one that is agreed to (RFC 6455,
//! sections 4.1, 4.2.2 and 11.3.4).

use hyper::HeaderMap;
use hyper::header::SEC_WEBSOCKET_PROTOCOL;

use crate::written::is_token;

/// What a peer offers, in its order: tokens, each once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Offers<'a>(Vec<&'a str>);

/// Why an offer can't be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("Sec-WebSocket-Protocol is not a list of tokens")]
    NoToken,
    #[error("Sec-WebSocket-Protocol offers a subprotocol twice")]
    Twice,
}

impl<'a> Offers<'a> {
    /// Empty members of a list are passed over (RFC 9110, section 5.6.1.2).
    pub(super) fn of(headers: &'a HeaderMap) -> Result<Self, Malformed> {
        let mut offers = Vec::new();
        for value in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
            let value = value.to_str().map_err(|_| Malformed::NoToken)?;
            let members = value.split(',').map(|member| member.trim_matches([' ', '\t']));
            for offer in members.filter(|member| !member.is_empty()) {
                if !is_token(offer) {
                    return Err(Malformed::NoToken);
                }
                offers.push(offer);
            }
        }
        // By order and not one by one: there may be thousands in 32 KiB.
        let mut sorted = offers.clone();
        sorted.sort_unstable();
        match sorted.windows(2).any(|two| two[0] == two[1]) {
            true => Err(Malformed::Twice),
            false => Ok(Self(offers)),
        }
    }

    /// Whether this one is among them.
    pub(super) fn have(&self, name: &str) -> bool {
        self.0.contains(&name)
    }

    /// The one that the handler likes best of those offered. Where there is none, the
    /// connection opens without: whether to go on is up to the peer then.
    pub(super) fn agree<'s>(&self, spoken: &'s [String]) -> Option<&'s str> {
        spoken.iter().map(String::as_str).find(|spoken| self.0.contains(spoken))
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(SEC_WEBSOCKET_PROTOCOL, value);
        }
        headers
    }

    fn offers(values: &[&str]) -> Result<Vec<String>, Malformed> {
        let headers = headers(values);
        let offers = Offers::of(&headers)?;
        Ok(offers.0.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn offers_are_tokens_in_their_order() {
        assert_eq!(offers(&[]).unwrap(), [""; 0]);
        assert_eq!(offers(&["chat, v2.chat.example"]).unwrap(), ["chat", "v2.chat.example"]);
        assert_eq!(offers(&["b,a", "\tc "]).unwrap(), ["b", "a", "c"]);
        assert_eq!(offers(&["", ",a,, ,b,"]).unwrap(), ["a", "b"]);
        // Case tells them apart.
        assert_eq!(offers(&["chat, Chat"]).unwrap(), ["chat", "Chat"]);
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for value in ["a b", "a/b", "\"a\"", "a;q=1", "caf\u{e9}", "a\u{a0}", "a=b", "a, b@c"] {
            assert_eq!(offers(&[value]), Err(Malformed::NoToken), "{value:?}");
        }
    }

    #[test]
    fn an_offer_that_is_there_twice_is_refused() {
        assert_eq!(offers(&["a, b, a"]), Err(Malformed::Twice));
        assert_eq!(offers(&["a", "b, a"]), Err(Malformed::Twice));
    }

    #[test]
    fn the_handler_s_order_decides() {
        let agreed = |offered: &str, spoken: &[&str]| {
            let spoken: Vec<_> = spoken.iter().map(|&one| one.to_owned()).collect();
            let headers = headers(&[offered]);
            Offers::of(&headers).unwrap().agree(&spoken).map(str::to_owned)
        };
        assert_eq!(agreed("a, b, c", &["c", "b"]).as_deref(), Some("c"));
        assert_eq!(agreed("a, b", &["c", "b"]).as_deref(), Some("b"));
        assert_eq!(agreed("a, b", &["c"]), None);
        assert_eq!(agreed("A", &["a"]), None);
        assert_eq!(agreed("a", &[]), None);
        assert_eq!(agreed("", &["a"]), None);
    }
}
