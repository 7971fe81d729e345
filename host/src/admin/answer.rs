//! What answers look like: JSON, and problems as RFC 9457 has them.

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use serde::Serialize;

pub(super) type Response = hyper::Response<Full<Bytes>>;

/// Why a request is not done. Its type is `about:blank`: the status says what it is.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: Cow<'static, str>,
    /// What became of a write or a close, in the words of the WIT.
    outcome: Option<&'static str>,
    header: Option<(HeaderName, HeaderValue)>,
}

#[derive(Serialize)]
struct Body<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a str>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, detail: detail.into(), outcome: None, header: None }
    }

    pub(super) fn bad(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// What was asked for was not done, and may be done in a moment; the outcome is in the
    /// words of the WIT.
    pub(super) fn again(detail: impl Into<Cow<'static, str>>, outcome: &'static str) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).outcome(outcome);
        problem.with(RETRY_AFTER, HeaderValue::from_static("1"))
    }

    pub(super) fn outcome(mut self, outcome: &'static str) -> Self {
        self.outcome = Some(outcome);
        self
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    pub(super) fn into_response(self) -> Response {
        let Self { status, detail, outcome, header } = self;
        let title = status.canonical_reason().unwrap_or_default();
        let body = Body { title, status: status.as_u16(), detail: &detail, outcome };
        let mut response = of_type("application/problem+json", status, encode(&body));
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    of_type("application/json", status, encode(body))
}

pub(super) fn text(status: StatusCode, text: &'static str) -> Response {
    of_type("text/plain; charset=utf-8", status, text.into())
}

pub(super) fn of_type(content_type: &'static str, status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn encode(body: &impl Serialize) -> Bytes {
    // What is encoded here has keys that are text, and so can be.
    let mut json = serde_json::to_vec(body).unwrap_or_default();
    json.push(b'\n');
    json.into()
}
