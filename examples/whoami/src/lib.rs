//! Tells each peer what a handler can see of its request, and again whenever the
//! peer sends a message. The README has the format.

use socklet_guest::prelude::*;

/// The answer, made once.
struct Whoami(String);

impl Handler for Whoami {
    fn on_ready(connection: &Connection, request: &Request) -> Self {
        let answer = describe(request);
        connection.write(&answer);
        Whoami(answer)
    }

    fn on_message(&mut self, connection: &Connection, _message: Message) {
        connection.write(&self.0);
    }
}

/// A line for each thing seen: `name: value`.
fn describe(request: &Request) -> String {
    let mut lines = String::new();
    let mut line = |name: &str, value: &str| {
        lines.extend(name.chars().chain(": ".chars()).chain(value.chars()).map(printable));
        lines.push('\n');
    };
    line("path", &request.path);
    if let Some(query) = &request.query_string {
        line("query", query);
    }
    for (name, value) in request.query_pairs() {
        line(&format!("query {name}"), &value);
    }
    line("remote address", &request.remote_address);
    if let Some(subprotocol) = &request.subprotocol {
        line("subprotocol", subprotocol);
    }
    for (name, value) in &request.header_fields {
        line(&format!("header {name}"), &String::from_utf8_lossy(value));
    }
    for (name, value) in request.cookies() {
        line(&format!("cookie {name}"), &value);
    }
    lines
}

/// What is decoded may hold line breaks, which would pass for further lines.
fn printable(character: char) -> char {
    if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }
}

socklet_guest::export!(Whoami);

#[cfg(test)]
mod tests {
    use super::{Request, describe};

    #[test]
    fn everything_that_was_sent_has_a_line() {
        let request = Request {
            path: "/whoami".to_owned(),
            query_string: Some("room=blue+room".to_owned()),
            header_fields: vec![
                ("x-id".to_owned(), b"1".to_vec()),
                ("x-id".to_owned(), b"2".to_vec()),
                ("cookie".to_owned(), b"theme=dark; name=Ada".to_vec()),
            ],
            remote_address: "192.0.2.1:50000".to_owned(),
            subprotocol: Some("chat".to_owned()),
        };
        let expected = "\
            path: /whoami\n\
            query: room=blue+room\n\
            query room: blue room\n\
            remote address: 192.0.2.1:50000\n\
            subprotocol: chat\n\
            header x-id: 1\n\
            header x-id: 2\n\
            header cookie: theme=dark; name=Ada\n\
            cookie theme: dark\n\
            cookie name: Ada\n";
        assert_eq!(describe(&request), expected);
    }

    #[test]
    fn what_was_not_sent_has_no_line() {
        let request = Request {
            path: "/whoami".to_owned(),
            remote_address: "[::1]:50000".to_owned(),
            ..Request::default()
        };
        assert_eq!(describe(&request), "path: /whoami\nremote address: [::1]:50000\n");
    }

    #[test]
    fn nothing_that_was_sent_can_add_a_line() {
        let request = Request {
            path: "/a\npath: /b".to_owned(),
            query_string: Some("c=%0Apath:+/d".to_owned()),
            ..Request::default()
        };
        let lines = describe(&request);
        let paths = lines.lines().filter(|line| line.starts_with("path: ")).count();
        assert_eq!(paths, 1, "{lines}");
    }
}
