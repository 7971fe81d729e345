//! The commands, and what they are answered with.

use std::fmt::Debug;
use std::time::Duration;

use socklet_guest::bindings::socklet::websocket::connection as raw;
use socklet_guest::bindings::socklet::websocket::types::MessageParam;
use socklet_guest::log::{self, Level};
use socklet_guest::prelude::*;
use socklet_guest::{CloseOutcome, WriteError, env, http, topics};

use crate::{Conformance, Refuses};

const ONE_MIB: usize = 1024 * 1024;

impl Conformance {
    /// None where there is nothing to say.
    pub(crate) fn answer(&mut self, connection: &Connection, line: &str) -> Option<String> {
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (first, after) = rest.split_once(' ').unwrap_or((rest, ""));
        let request = &self.request;
        Some(match command {
            "/path" => request.path.clone(),
            "/query" => or_none(request.query_string.as_deref()),
            "/header" => {
                let values: Vec<_> = request.headers(rest).collect();
                or_none((!values.is_empty()).then(|| values.join("|")))
            }
            "/cookie" => or_none(request.cookie(rest)),
            "/parameter" => or_none(request.query(rest)),
            "/address" => request.remote_address.clone(),
            "/subprotocol" => or_none(request.subprotocol.as_deref()),
            "/capture" => or_none(connection.param(rest)),
            "/claims" => or_none(connection.claims()),
            "/attachment" => {
                let attachment = connection.attachment();
                or_none(attachment.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
            }
            "/id" => connection.id().to_string(),
            "/count" => self.messages.to_string(),
            "/write" => {
                for number in 0..number(first) {
                    connection.write(vec![number as u8; number_of_bytes(after)]);
                }
                "written".to_owned()
            }
            "/buffered" => {
                let before = connection.buffered_amount();
                connection.write([0; 1000]);
                format!("buffered {before} {}", connection.buffered_amount())
            }
            "/too-large" => written(connection.try_write(vec![0; ONE_MIB + 1])),
            "/stranger" => stranger(),
            "/close" if rest.is_empty() => return closed(connection.close(1000, "")),
            "/close" => return closed(connection.close(first.parse().ok()?, after)),
            "/after-close" => {
                connection.close(1000, "");
                let write = written(connection.try_write("too late"));
                let close = word(connection.close(1000, ""));
                info!("after close write={write} close={close}");
                return None;
            }
            "/log" => {
                let level: Level = first.parse().unwrap_or(Level::Error);
                log::log!(level, "{after}");
                "logged".to_owned()
            }
            // Where there is no standard output nobody would see it.
            "/print" if cfg!(not(target_os = "unknown")) => {
                println!("{rest}");
                "printed".to_owned()
            }
            "/fail" => panic!("{rest}"),
            "/subscribe" => word(connection.subscribe(rest)),
            "/unsubscribe" => match connection.unsubscribe(rest) {
                true => "unsubscribed".to_owned(),
                false => "not-subscribed".to_owned(),
            },
            "/publish" => word(topics::publish(first, after)),
            "/publish-others" => word(topics::publish_except(first, after, connection)),
            "/subscribers" => topics::subscriber_count(rest).to_string(),
            "/after" => self.set(Timer::after(milliseconds(first)), after),
            "/every" => self.set(Timer::every(milliseconds(first)), after),
            "/cancel" => match self.last.is_some_and(Timer::cancel) {
                true => "cancelled".to_owned(),
                false => "not-set".to_owned(),
            },
            "/refuse-suspend" => {
                self.refuses = Refuses(true);
                "refusing".to_owned()
            }
            "/fetch" => fetch(rest).unwrap_or("error".to_owned()),
            "/stream" => stream(connection, rest).map_or("error", |()| "end").to_owned(),
            "/environment" => or_none(env::var(rest)),
            _ => "unknown".to_owned(),
        })
    }

    fn set(&mut self, timer: Result<Timer, TimerError>, text: &str) -> String {
        match timer {
            Ok(timer) => {
                self.alarms.insert(timer, text.to_owned());
                self.last = Some(timer);
                "set".to_owned()
            }
            Err(why) => word(why),
        }
    }
}

/// A case of an enum as the WIT has it: `TooLarge` is `too-large`.
pub(crate) fn word(case: impl Debug) -> String {
    let mut word = String::new();
    for character in format!("{case:?}").chars() {
        if character.is_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(character.to_ascii_lowercase());
    }
    word
}

fn written(outcome: Result<(), WriteError>) -> String {
    outcome.map_or_else(word, |()| "queued".to_owned())
}

fn closed(outcome: CloseOutcome) -> Option<String> {
    (outcome != CloseOutcome::Closing).then(|| format!("close {}", word(outcome)))
}

/// By the raw bindings: a `Connection` can't be made of a number.
fn stranger() -> String {
    let nobody = u64::MAX;
    let write = written(raw::write(nobody, MessageParam::Text("who is there?")).into());
    let close = word(CloseOutcome::from(raw::close(nobody, 1000, "")));
    format!("write {write} close {close} buffered {}", raw::buffered_amount(nobody))
}

fn fetch(url: &str) -> Result<String, http::Error> {
    let response = http::get(url)?.send()?;
    Ok(format!("{} {}", response.status(), response.text()?))
}

fn stream(connection: &Connection, url: &str) -> Result<(), http::Error> {
    let mut response = http::get(url)?.send()?;
    for piece in response.chunks() {
        connection.write(String::from_utf8_lossy(&piece?).as_ref());
    }
    Ok(())
}

fn or_none(text: Option<impl Into<String>>) -> String {
    text.map_or("none".to_owned(), Into::into)
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or(0)
}

fn number_of_bytes(word: &str) -> usize {
    word.parse().unwrap_or(0)
}

fn milliseconds(word: &str) -> Duration {
    Duration::from_millis(number(word))
}
