//! Upstreams: what they are asked, and what they answer.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::http::{Error, Request, Response};

/// A request to an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Such as `GET`.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The headers that the handler has added, as it has written them.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; empty where it has none.
    pub body: Vec<u8>,
}

/// An upstream's answer.
///
/// ```
/// use socklet_guest::testing::Answer;
///
/// let _ = Answer::new(200).header("content-type", "text/plain").piece("one, ").piece("two");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Answer {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: VecDeque<Vec<u8>>,
}

impl Answer {
    /// With a status, and nothing else.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: VecDeque::new() }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Adds to its body what the handler gets as one piece, unless it is empty.
    pub fn piece(mut self, piece: impl Into<Vec<u8>>) -> Self {
        let piece = piece.into();
        if !piece.is_empty() {
            self.body.push_back(piece);
        }
        self
    }
}

pub(super) type Upstream = Rc<dyn Fn(&Asked) -> Result<Answer, Error>>;

pub(super) fn answer(upstream: Option<&Upstream>, request: &Request) -> Result<Response, Error> {
    let upstream = upstream.ok_or(Error::Denied)?;
    let Answer { status, headers, body } = upstream(&request.asked())?;
    Ok(Response::told(status, headers, body))
}
