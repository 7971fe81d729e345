//! What an operator publishes to a topic of a handler.

use bytes::Bytes;
use hyper::body::Body;
use hyper::{Request, StatusCode};

use super::answer::{Problem, Response, json};
use super::connections::{Outcome, is_text, read, too_large};
use super::handlers;
use super::query::Query;
use crate::frame::SharedFrame;
use crate::host::Host;
use crate::topics::PublishOutcome;

/// Publishes the request's content, as the handler itself would, and without asking for
/// a grant.
pub(super) async fn publish<B>(
    topic: &str,
    query: &Query,
    request: Request<B>,
    host: &Host,
) -> Result<Response, Problem>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let name = query.text("handler");
    let name =
        name.ok_or_else(|| Problem::bad("whose topic it is has to be said: ?handler=NAME"))?;
    let handler = handlers::find(name, host)?;
    let limits = handler.current().map(|current| current.settings.limits.clone());
    let max = limits.unwrap_or_else(|| host.config.limits.clone()).max_publication();
    let (parts, body) = request.into_parts();
    let text = is_text(&parts.headers);
    let payload = read(body, text, max).await?;
    let account = &handler.account;
    let frame = SharedFrame::new(text, &payload);
    answer(account.topics.publish(topic, None, frame, None, account).await, topic, max)
}

fn answer(outcome: PublishOutcome, topic: &str, max: usize) -> Result<Response, Problem> {
    match outcome {
        PublishOutcome::Published => {
            Ok(json(StatusCode::ACCEPTED, &Outcome { outcome: "published" }))
        }
        PublishOutcome::TooLarge => Err(too_large(max)),
        PublishOutcome::Invalid => Err(Problem::bad(format!("{topic:?} can't be a topic's name"))),
        // Nobody grants the operator anything.
        PublishOutcome::Denied => Err(Problem::new(StatusCode::FORBIDDEN, "it is not granted")),
        PublishOutcome::Full => {
            Err(Problem::again("more of what was published waits than may", "full"))
        }
        PublishOutcome::Unavailable => {
            Err(Problem::again("the broker can't be reached", "unavailable"))
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use hyper::header::RETRY_AFTER;
    use serde_json::Value;

    use super::super::OPENAPI;
    use super::*;

    /// Over sockets neither can be brought about with the broker that there is.
    #[tokio::test]
    async fn what_may_go_well_in_a_moment_is_a_503_as_described() {
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let described = &document["paths"]["/topics/{topic}"]["post"]["responses"]["503"];
        let body = &described["content"]["application/problem+json"]["schema"]["allOf"][1];
        let outcomes = body["properties"]["outcome"]["enum"].as_array().unwrap();
        assert!(described["headers"]["Retry-After"].is_object());
        let mut answered = Vec::new();
        for outcome in [PublishOutcome::Full, PublishOutcome::Unavailable] {
            let response = answer(outcome, "x", 1).unwrap_err().into_response();
            assert_eq!(response.status(), 503);
            assert_eq!(response.headers()[RETRY_AFTER], "1");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["status"], 503);
            answered.push(body["outcome"].clone());
        }
        assert_eq!(answered, *outcomes);
    }
}
