//! Hands its peers a language model's answer while it is being written. The README has the
//! format of both sides.

use serde::{Deserialize, Serialize};
use socklet_guest::http;
use socklet_guest::prelude::*;

/// Turns of a conversation that the model is told of.
const REMEMBERED: usize = 20;

struct Assistant {
    conversation: Vec<Turn>,
}

/// What one of the two has said.
#[derive(Clone, Serialize)]
struct Turn {
    role: &'static str,
    content: String,
}

/// What the peer gets.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Told<'a> {
    Piece(&'a str),
    Done(bool),
    Error(&'a str),
}

impl Handler for Assistant {
    fn on_ready(_: &Connection, _: &Request) -> Self {
        Assistant { conversation: Vec::new() }
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        let Some(question) = message.as_text() else {
            connection.close(1003, "ask in text");
            return;
        };
        self.conversation.push(Turn { role: "user", content: question.to_owned() });
        match answer(&self.conversation, |piece| tell(connection, &Told::Piece(piece))) {
            Ok(content) => {
                self.conversation.push(Turn { role: "assistant", content });
                tell(connection, &Told::Done(true));
            }
            Err(error) => {
                // As if it had not been asked.
                self.conversation.pop();
                error!("no answer: {error}");
                tell(connection, &Told::Error("the assistant can't answer now"));
            }
        }
        let forgotten = self.conversation.len().saturating_sub(REMEMBERED);
        self.conversation.drain(..forgotten);
    }
}

fn tell(connection: &Connection, what: &Told<'_>) {
    // There is nothing in it that JSON can't say.
    connection.write(serde_json::to_string(what).unwrap_or_default());
}

/// Asks the model, and hands each piece of its answer on as it comes. Returns all of it.
fn answer(conversation: &[Turn], mut piece: impl FnMut(&str)) -> Result<String, http::Error> {
    let variable = |name| socklet_guest::env::var(name).unwrap_or_default();
    let body = serde_json::json!({
        "model": variable("MODEL"),
        "stream": true,
        "messages": conversation,
    });
    let mut request = http::post(&variable("UPSTREAM"), body.to_string())?
        .header("content-type", "application/json")
        .header("accept", "text/event-stream");
    if let Some(key) = socklet_guest::env::var("API_KEY") {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let mut response = request.send()?;
    if !response.is_success() {
        return Err(http::Error::Connection(format!("status {}", response.status())));
    }
    let mut whole = String::new();
    for line in response.lines() {
        match Event::read(&line?) {
            Event::Piece(text) => {
                piece(&text);
                whole.push_str(&text);
            }
            Event::Done => break,
            Event::Other => {}
        }
    }
    Ok(whole)
}

/// A line of the model's answer, which is a stream of server-sent events.
#[derive(Debug, PartialEq)]
enum Event {
    Piece(String),
    Done,
    Other,
}

impl Event {
    fn read(line: &str) -> Self {
        #[derive(Deserialize)]
        struct Data {
            choices: Vec<Choice>,
        }
        #[derive(Deserialize)]
        struct Choice {
            delta: Delta,
        }
        #[derive(Deserialize)]
        struct Delta {
            content: Option<String>,
        }
        let Some(data) = line.strip_prefix("data:").map(str::trim) else { return Self::Other };
        if data == "[DONE]" {
            return Self::Done;
        }
        let data = serde_json::from_str::<Data>(data).ok();
        let content = data.and_then(|data| data.choices.into_iter().next()?.delta.content);
        match content.filter(|content| !content.is_empty()) {
            Some(content) => Self::Piece(content),
            None => Self::Other,
        }
    }
}

socklet_guest::export!(Assistant);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_pieces_or_the_end() {
        let piece = |text: &str| Event::Piece(text.to_owned());
        for (line, event) in [
            (r#"data: {"choices":[{"delta":{"content":"Hel"}}]}"#, piece("Hel")),
            (
                r#"data:{"choices":[{"delta":{"role":"assistant","content":"l"}}],"x":1}"#,
                piece("l"),
            ),
            (r#"data: {"choices":[{"delta":{"role":"assistant"}}]}"#, Event::Other),
            (r#"data: {"choices":[{"delta":{"content":""}}]}"#, Event::Other),
            (r#"data: {"choices":[]}"#, Event::Other),
            ("data: [DONE]", Event::Done),
            ("data: nonsense", Event::Other),
            (": keep-alive", Event::Other),
            ("", Event::Other),
        ] {
            assert_eq!(Event::read(line), event, "{line}");
        }
    }

    #[test]
    fn a_peer_is_told_in_json() {
        let told = |what| serde_json::to_string(&what).unwrap();
        assert_eq!(told(Told::Piece("a\"b")), r#"{"piece":"a\"b"}"#);
        assert_eq!(told(Told::Done(true)), r#"{"done":true}"#);
        assert_eq!(told(Told::Error("no")), r#"{"error":"no"}"#);
    }
}
