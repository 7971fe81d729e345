//! What an operator publishes to a topic of a handler.

use bytes::Bytes;
use hyper::body::Body;
use hyper::header::{HeaderValue, RETRY_AFTER};
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
    let again = |why, outcome| {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, why).outcome(outcome);
        Err(problem.with(RETRY_AFTER, HeaderValue::from_static("1")))
    };
    match account.topics.publish(topic, None, frame, None, account).await {
        PublishOutcome::Published => {
            Ok(json(StatusCode::ACCEPTED, &Outcome { outcome: "published" }))
        }
        PublishOutcome::TooLarge => Err(too_large(max)),
        PublishOutcome::Invalid => Err(Problem::bad(format!("{topic:?} can't be a topic's name"))),
        // Nobody grants the operator anything.
        PublishOutcome::Denied => Err(Problem::new(StatusCode::FORBIDDEN, "it is not granted")),
        PublishOutcome::Full => again("more of what was published waits than may", "full"),
        PublishOutcome::Unavailable => again("the broker can't be reached", "unavailable"),
    }
}
