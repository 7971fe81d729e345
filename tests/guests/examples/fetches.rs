//! Sends requests to upstreams, and tells what came of them: `status N` and the pieces of
//! the answer, then `end` or `error E`.
//!
//! - `get URL`, `head URL` (tells `header NAME: VALUE` of each)
//! - `post URL SIZE`, of a body of x; what comes is told as one text
//! - `wait MILLISECONDS URL`, with a timeout of the guest's own
//! - `hold URL`: keeps the answer, and reads nothing of it; `release` lets go of all
//! - `flood URL COUNT`: as many at once, and waits for none
//! - `bye URL`: when the connection has ended
//!
//! The query's `gate=URL` is got before the handshake's answer, whose attachment it
//! becomes, and `ready=URL` before anything else.

use std::cell::RefCell;

use socklet_guest::bindings::http::wasi::http::outgoing_handler::handle;
use socklet_guest::bindings::http::wasi::http::types::{
    Fields, FutureIncomingResponse, OutgoingRequest, Scheme,
};
use socklet_guest::http::{self, Response};
use socklet_guest::prelude::*;

thread_local! {
    static FLOOD: RefCell<Vec<FutureIncomingResponse>> = const { RefCell::new(Vec::new()) };
}

#[derive(Default)]
struct Fetches {
    held: Vec<Response>,
    bye: Option<String>,
}

impl Gate for Fetches {
    fn on_request(_: &Connection, request: &Request) -> Result<Acceptance, Rejection> {
        match request.query("gate") {
            None => Ok(Acceptance::new()),
            Some(url) => match http::get(&url).and_then(|request| request.send()?.text()) {
                Ok(text) => Ok(Acceptance::new().attach(text)),
                Err(error) => Err(Rejection::new(502).body(error.to_string())),
            },
        }
    }
}

impl Handler for Fetches {
    fn on_ready(connection: &Connection, request: &Request) -> Self {
        if let Some(attachment) = connection.attachment() {
            connection.write(format!("gate {}", String::from_utf8_lossy(&attachment)));
        }
        if let Some(url) = request.query("ready") {
            tell(connection, get(connection, &url));
        }
        Fetches::default()
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        let text = message.as_text().unwrap_or_default();
        let words: Vec<_> = text.split(' ').collect();
        match words[..] {
            ["get", url] => tell(connection, get(connection, url)),
            ["head", url] => tell(connection, head(connection, url)),
            ["post", url, size] => tell(connection, post(connection, url, number(size))),
            ["wait", milliseconds, url] => {
                let timeout = std::time::Duration::from_millis(number(milliseconds) as u64);
                let sent = http::get(url).and_then(|request| request.timeout(timeout).send());
                tell(connection, sent.and_then(|response| pass(connection, response)));
            }
            ["hold", url] => {
                let sent = http::get(url).and_then(http::Request::send);
                tell(connection, sent.map(|response| self.held.push(response)));
            }
            ["release"] => {
                self.held.clear();
                FLOOD.take();
                connection.write("end");
            }
            ["flood", url, count] => {
                FLOOD.with_borrow_mut(|flood| {
                    flood.extend((0..number(count)).map(|_| start(url)));
                });
                connection.write("end");
            }
            ["bye", url] => {
                self.bye = Some(url.to_owned());
                connection.write("end");
            }
            _ => connection.write(message),
        }
    }

    fn on_close(&mut self, _: &Connection, _: CloseEvent) {
        if let Some(url) = &self.bye {
            let got = http::get(url).and_then(|request| request.send()?.text());
            info!("bye {got:?}");
        }
    }
}

fn number(word: &str) -> usize {
    word.parse().unwrap_or(0)
}

fn tell(connection: &Connection, outcome: Result<(), http::Error>) {
    match outcome {
        Ok(()) => connection.write("end"),
        Err(error) => connection.write(format!("error {error:?}")),
    }
}

fn get(connection: &Connection, url: &str) -> Result<(), http::Error> {
    pass(connection, http::get(url)?.send()?)
}

fn pass(connection: &Connection, mut response: Response) -> Result<(), http::Error> {
    connection.write(format!("status {}", response.status()));
    for chunk in response.chunks() {
        connection.write(String::from_utf8_lossy(&chunk?).into_owned());
    }
    Ok(())
}

fn head(connection: &Connection, url: &str) -> Result<(), http::Error> {
    let response = http::Request::new("HEAD", url)?.header("x-thing", "of the guest").send()?;
    for (name, value) in response.headers() {
        connection.write(format!("header {name}: {}", String::from_utf8_lossy(value)));
    }
    Ok(())
}

fn post(connection: &Connection, url: &str, size: usize) -> Result<(), http::Error> {
    connection.write(http::post(url, vec![b'x'; size])?.send()?.text()?);
    Ok(())
}

/// Waits for nothing.
fn start(url: &str) -> FutureIncomingResponse {
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    let authority = url.trim_start_matches("http://").trim_end_matches('/');
    request.set_authority(Some(authority)).expect("an authority");
    handle(request, None).expect("a request")
}

socklet_guest::export!(Fetches: Handler + Gate);
