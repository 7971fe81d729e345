//! How a connection ends: who ended it, and with which words.

use std::borrow::Cow;
use std::time::Duration;

use crate::bindings::{CloseEvent, CloseOrigin};
use crate::reader::Violation;

/// What `on-close` is told, and what the peer sees where the host closes.
#[derive(Clone, Debug)]
pub(crate) struct Closing {
    pub(crate) origin: CloseOrigin,
    pub(crate) code: u16,
    pub(crate) reason: Cow<'static, str>,
    /// A word of the list in `types.wit`.
    pub(crate) detail: &'static str,
}

impl Closing {
    pub(crate) fn host(
        code: u16,
        reason: impl Into<Cow<'static, str>>,
        detail: &'static str,
    ) -> Self {
        Self { origin: CloseOrigin::Host, code, reason: reason.into(), detail }
    }

    pub(crate) fn handler(code: u16, reason: String) -> Self {
        Self { origin: CloseOrigin::Handler, code, reason: reason.into(), detail: "" }
    }

    /// The instance has failed; the peer learns no more than this code and reason.
    pub(crate) fn failed((code, reason): (u16, String)) -> Self {
        Self::host(code, reason, "")
    }

    /// The peer's close frame; 1005 stands for one without a code.
    pub(crate) fn peer(frame: Option<(u16, String)>) -> Self {
        let (code, reason) = frame.unwrap_or((1005, String::new()));
        Self { origin: CloseOrigin::Peer, code, reason: reason.into(), detail: "" }
    }

    /// The socket ended without a close frame.
    pub(crate) fn network() -> Self {
        Self { origin: CloseOrigin::Network, code: 1006, reason: Cow::Borrowed(""), detail: "" }
    }

    /// What a violation of the protocol means (RFC 6455, section 7.1.7).
    pub(crate) fn violation(violation: Violation, max_message_size: usize) -> Self {
        match violation {
            Violation::Utf8 => {
                Self::host(1007, "a text message is not valid UTF-8", "invalid-utf8")
            }
            Violation::TooLong => Self::host(
                1009,
                format!("message over max-message-size ({max_message_size} bytes)"),
                "message-too-big",
            ),
            other => Self::host(1002, other.to_string(), "protocol-error"),
        }
    }

    /// The host closes, and for a reason that lies in this one connection: not
    /// because of a shutdown, a removal or a swap, which are told once for all,
    /// and not because of a failed instance or the operator's wish, which are told on
    /// their own.
    pub(crate) fn is_about_this_connection(&self) -> bool {
        self.origin == CloseOrigin::Host
            && !matches!(self.detail, "" | "admin" | "shutdown" | "removed" | "swap" | "takeover")
    }

    pub(crate) fn event(&self) -> CloseEvent<'_> {
        CloseEvent {
            origin: self.origin,
            code: self.code,
            reason: &self.reason,
            detail: self.detail,
        }
    }
}

/// The host wants a connection closed.
#[derive(Clone, Debug)]
pub(crate) struct HostClose {
    pub(crate) closing: Closing,
    pub(crate) when: When,
}

/// The more urgent, the less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum When {
    /// Without a closing handshake: what is queued is what must go.
    AtOnce,
    Now,
    /// Closing many at once is spread over this time, so that their peers do not
    /// all come back in the same instant.
    Spread(Duration),
}

impl HostClose {
    /// Whether nothing is to be waited for.
    pub(crate) fn is_now(&self) -> bool {
        self.when <= When::Now
    }

    pub(crate) fn shutdown(spread: Duration) -> Self {
        Self {
            closing: Closing::host(1001, "the host is shutting down", "shutdown"),
            when: When::Spread(spread),
        }
    }

    pub(crate) fn removed() -> Self {
        Self { closing: Closing::host(1001, "the handler was removed", "removed"), when: When::Now }
    }

    /// The operator wishes it.
    pub(crate) fn admin(code: u16, reason: String) -> Self {
        Self { closing: Closing::host(code, reason, "admin"), when: When::Now }
    }

    pub(crate) fn swapped() -> Self {
        Self {
            closing: Closing::host(1012, "the handler was replaced", "swap"),
            when: When::Spread(Duration::from_secs(3)),
        }
    }

    /// Another process serves in place of this one.
    pub(crate) fn taken_over(spread: Duration) -> Self {
        Self {
            closing: Closing::host(1012, "the host was replaced", "takeover"),
            when: When::Spread(spread),
        }
    }

    /// Its peer is too slow for a topic.
    pub(crate) fn topic_overflow(limit: &'static str) -> Self {
        let reason = format!("too slow for a topic ({limit})");
        Self { closing: Closing::host(1013, reason, "topic-overflow"), when: When::Now }
    }

    /// Nobody knows whose connection it is, and it was opened only to say so.
    pub(crate) fn no_session() -> Self {
        let reason = "a session is needed, and there is no token, or none that is good";
        Self { closing: Closing::host(1008, reason, "no-session"), when: When::Now }
    }

    /// It holds more than any other, where there is no more to be had. `limit` is what
    /// has come to its end.
    pub(crate) fn shed(limit: &'static str) -> Self {
        let reason = format!("more was held for it than for others ({limit})");
        Self { closing: Closing::host(1006, reason, "overload"), when: When::AtOnce }
    }
}
