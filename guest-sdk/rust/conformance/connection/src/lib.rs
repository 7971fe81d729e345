//! What docs/conformance.md says of `conformance`.

mod commands;

use std::collections::BTreeMap;

use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use socklet_guest::http;
use socklet_guest::prelude::*;

#[derive(Serialize, Deserialize)]
struct Conformance {
    request: Request,
    messages: u64,
    /// What each timer is to say.
    alarms: BTreeMap<Timer, String>,
    /// The timer that was set last.
    last: Option<Timer>,
    refuses: Refuses,
}

/// Whether this state is to be kept by nobody.
#[derive(Deserialize)]
struct Refuses(bool);

impl Serialize for Refuses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            true => Err(S::Error::custom("as asked")),
            false => serializer.serialize_bool(false),
        }
    }
}

impl Snapshot for Conformance {
    const SCHEMA: u32 = 1;
}

impl Gate for Conformance {
    fn on_request(_: &Connection, request: &Request) -> Result<Acceptance, Rejection> {
        if let Some(status) = request.query("refuse") {
            let status = status.parse().unwrap_or(400);
            return Err(Rejection::new(status).header("x-conformance", "refused").body("refused"));
        }
        let mut acceptance = Acceptance::new().header("x-conformance", "accepted");
        if let Some(text) = request.query("attach") {
            acceptance = acceptance.attach(text.as_bytes());
        }
        if let Some(url) = request.query("ask") {
            let sent = http::get(&url).and_then(http::Request::send);
            let status = sent.map_or("error".to_owned(), |answer| answer.status().to_string());
            acceptance = acceptance.attach(status);
        }
        if let Some(name) = request.query("agree") {
            acceptance = acceptance.subprotocol(name);
        }
        Ok(acceptance)
    }
}

impl Handler for Conformance {
    fn on_ready(connection: &Connection, request: &Request) -> Self {
        connection.write(format!("ready {}", request.path));
        Conformance {
            request: request.clone(),
            messages: 0,
            alarms: BTreeMap::new(),
            last: None,
            refuses: Refuses(false),
        }
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        self.messages += 1;
        match message.as_text() {
            Some(line) if line.starts_with('/') => {
                if let Some(answer) = self.answer(connection, line) {
                    connection.write(answer);
                }
            }
            _ => connection.write(message),
        }
    }

    fn on_close(&mut self, _connection: &Connection, event: CloseEvent) {
        let CloseEvent { origin, code, reason, detail } = event;
        let origin = commands::word(origin);
        info!("closed origin={origin} code={code} detail={detail} reason={reason}");
    }
}

impl Alarm for Conformance {
    fn on_alarm(&mut self, connection: &Connection, timer: Timer) {
        if let Some(text) = self.alarms.get(&timer) {
            connection.write(format!("alarm {text}"));
        }
    }
}

socklet_guest::export!(Conformance: Handler + Gate + Alarm + Snapshot);
