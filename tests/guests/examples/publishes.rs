//! Does with topics what it is told: `subscribe TOPIC`, `unsubscribe TOPIC`,
//! `count TOPIC`, `publish TOPIC TEXT`, `except TOPIC TEXT` (to all but this
//! connection), `burst TOPIC COUNT` (`ID NUMBER` from 0 on), `binary TOPIC SIZE`,
//! `flood TOPIC COUNT SIZE`, `write TEXT`, `close`. It answers each but the last two
//! with the outcome, or with the last one that was not `Published`. Its raw forms name
//! a connection: `raw-subscribe ID TOPIC`, `raw-unsubscribe ID TOPIC`,
//! `raw-except ID TOPIC TEXT`. With a topic as its query it is subscribed from the start.
//! A binary message is published to `binary`.

use socklet_guest::bindings::socklet::websocket::types::MessageParam;
use socklet_guest::bindings::topical::socklet::websocket::topics as raw;
use socklet_guest::prelude::*;
use socklet_guest::topics::{self, PublishOutcome};

struct Publishes;

impl Handler for Publishes {
    fn on_ready(connection: &Connection, request: &Request) -> Self {
        if let Some(topic) = &request.query_string {
            connection.subscribe(topic);
        }
        Publishes
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        let Some(text) = message.as_text() else {
            topics::publish("binary", message);
            return;
        };
        let (command, rest) = text.split_once(' ').unwrap_or((text, ""));
        let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
        let answer = match command {
            "id" => connection.id().to_string(),
            "subscribe" => format!("{:?}", connection.subscribe(rest)),
            "unsubscribe" => connection.unsubscribe(rest).to_string(),
            "count" => topics::subscriber_count(rest).to_string(),
            "publish" => format!("{:?}", topics::publish(first, second)),
            "except" => format!("{:?}", topics::publish_except(first, second, connection)),
            "burst" => {
                let message = |n| format!("{} {n}", connection.id());
                all((0..number(second)).map(|n| topics::publish(first, message(n))))
            }
            "binary" => format!("{:?}", topics::publish(first, vec![7; number(second)])),
            "flood" => {
                let (count, size) = second.split_once(' ').unwrap_or_default();
                let message = vec![7; number(size)];
                all((0..number(count)).map(|_| topics::publish(first, &message)))
            }
            "raw-subscribe" => format!("{:?}", raw::subscribe(id(first), second)),
            "raw-unsubscribe" => format!("{:?}", raw::unsubscribe(id(first), second)),
            "raw-except" => {
                let (topic, text) = second.split_once(' ').unwrap_or_default();
                format!("{:?}", raw::publish(topic, MessageParam::Text(text), Some(id(first))))
            }
            "close" => {
                connection.close(1000, "");
                info!("after its close: {:?}", connection.subscribe("late"));
                return;
            }
            "write" => rest.to_owned(),
            _ => "unknown".to_owned(),
        };
        connection.write(answer);
    }

    fn on_close(&mut self, connection: &Connection, event: CloseEvent) {
        let CloseEvent { origin, code, detail, .. } = event;
        let count = topics::subscriber_count("all");
        info!("closed: {origin:?} {code} {detail:?}, {count} left");
        info!("after its end: {:?}", connection.subscribe("late"));
    }
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or(0)
}

fn id(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

/// The last outcome that was no success, or a success.
fn all(outcomes: impl Iterator<Item = PublishOutcome>) -> String {
    let failed = outcomes.filter(|outcome| *outcome != PublishOutcome::Published).last();
    format!("{:?}", failed.unwrap_or(PublishOutcome::Published))
}

socklet_guest::export!(Publishes);
