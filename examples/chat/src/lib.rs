//! A chat: what one says, everyone in the room reads. The README has the format.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use socklet_guest::prelude::*;

/// How many lines a joiner is told, and how many bytes they may be together: few enough
/// for the joiner's queue.
const KEPT_LINES: usize = 50;
const KEPT_BYTES: usize = 256 * 1024;
/// With a name before it, well below `max-message-size`.
const LONGEST_TEXT: usize = 64 * 1024;
const LONGEST_NAME: usize = 32;

/// One room: the last lines said in it, oldest first.
#[derive(Default, Serialize, Deserialize)]
struct Chat {
    lines: VecDeque<String>,
}

/// A new version of this file takes the room up as it was, with everyone in it.
impl Snapshot for Chat {
    const SCHEMA: u32 = 1;
}

impl Room for Chat {
    /// The name.
    type Member = String;

    fn open(_connection: &Connection, _request: &Request) -> Self {
        Chat::default()
    }

    fn on_ready(
        &mut self,
        members: &mut Members<Self>,
        connection: &Connection,
        request: &Request,
    ) -> String {
        for line in &self.lines {
            connection.write(line);
        }
        let name = name(&request.query("name").unwrap_or_default());
        let joined = format!("* {name} joined");
        connection.write(&joined);
        members.broadcast(&joined);
        name
    }

    fn on_message(
        &mut self,
        members: &mut Members<Self>,
        connection: &Connection,
        message: Message,
    ) {
        match message.as_text() {
            Some(text) if text.len() <= LONGEST_TEXT => {
                let line = format!("{}: {text}", members[connection]);
                members.broadcast(&line);
                self.keep(line);
            }
            Some(_) => connection.write(format!("* a text may have {LONGEST_TEXT} bytes")),
            None => _ = connection.close(1003, "text only"),
        }
    }

    fn on_close(
        &mut self,
        members: &mut Members<Self>,
        _connection: &Connection,
        name: String,
        _event: CloseEvent,
    ) {
        members.broadcast(format!("* {name} left"));
    }
}

impl Chat {
    fn keep(&mut self, line: String) {
        self.lines.push_back(line);
        let bytes = |lines: &VecDeque<String>| lines.iter().map(String::len).sum::<usize>();
        while self.lines.len() > KEPT_LINES || bytes(&self.lines) > KEPT_BYTES {
            self.lines.pop_front();
        }
    }
}

/// The name that was asked for, without what could make a line look like another:
/// letters and digits of any script, spaces, and `-_.'` are left.
fn name(asked: &str) -> String {
    let fits = |character: &char| character.is_alphanumeric() || " -_.'".contains(*character);
    let name: String = asked.trim().chars().filter(fits).take(LONGEST_NAME).collect();
    match name.trim() {
        "" => "guest".to_owned(),
        name => name.to_owned(),
    }
}

socklet_guest::export!(Chat: Room + Snapshot);

#[cfg(test)]
mod tests {
    use socklet_guest::testing;

    use super::{Chat, KEPT_BYTES, KEPT_LINES, LONGEST_NAME, LONGEST_TEXT, name};

    #[test]
    fn what_one_says_everyone_in_the_room_reads() {
        let chat = testing::room::<Chat>();
        let ada = chat.connect("/chat/blue?name=Ada");
        let bob = chat.connect("/chat/blue?name=Bob");
        ada.send("Hello!");
        bob.close(1000, "");
        let joined = ["* Ada joined", "* Bob joined", "Ada: Hello!", "* Bob left"];
        assert_eq!(ada.texts(), joined);
        assert_eq!(bob.texts(), ["* Bob joined", "Ada: Hello!"]);
    }

    #[test]
    fn who_joins_is_told_what_was_said_even_before_a_swap() {
        let chat = testing::room::<Chat>();
        let ada = chat.connect("/chat/blue?name=Ada");
        ada.send("Hello!");
        chat.swap().unwrap();
        ada.send("Anybody?");
        let bob = chat.connect("/chat/blue");
        assert_eq!(bob.texts(), ["Ada: Hello!", "Ada: Anybody?", "* guest joined"]);
    }

    #[test]
    fn what_is_no_text_or_too_long_is_not_said() {
        let chat = testing::room::<Chat>();
        let [ada, bob] = ["Ada", "Bob"].map(|name| chat.connect(format!("/chat/x?name={name}")));
        let _ = bob.texts();
        bob.send("x".repeat(LONGEST_TEXT + 1));
        assert_eq!(bob.texts(), ["* a text may have 65536 bytes"]);
        bob.send(vec![0]);
        assert_eq!(bob.closed(), Some((1003, "text only".to_owned())));
        assert_eq!(ada.texts(), ["* Ada joined", "* Bob joined", "* Bob left"]);
    }

    #[test]
    fn names_are_kept_as_they_are_where_they_fit() {
        for asked in ["Ada", "Jürgen", "李小龙", "Mary-Ann O'Neil_2.", "عمر"] {
            assert_eq!(name(asked), asked);
        }
    }

    #[test]
    fn a_name_can_look_like_no_line() {
        assert_eq!(name("* Ada: hi\n"), "Ada hi");
        assert_eq!(name("\u{202e}adA\u{200b}"), "adA");
    }

    #[test]
    fn a_name_has_a_length() {
        assert_eq!(name(""), "guest");
        assert_eq!(name(" :* "), "guest");
        assert_eq!(name(&"é".repeat(1000)), "é".repeat(LONGEST_NAME));
    }

    /// What somebody is told who joins after these lines.
    fn told(lines: impl Iterator<Item = String>) -> Vec<String> {
        let chat = testing::room::<Chat>();
        let ada = chat.connect("/chat/x?name=Ada");
        lines.for_each(|line| ada.send(line));
        let mut told = chat.connect("/chat/x").texts();
        assert_eq!(told.pop().as_deref(), Some("* guest joined"));
        told
    }

    #[test]
    fn the_last_lines_are_told_oldest_first() {
        let told = told((0..KEPT_LINES + 2).map(|number| number.to_string()));
        assert_eq!((told.len(), &*told[0]), (KEPT_LINES, "Ada: 2"));
    }

    #[test]
    fn long_lines_are_kept_within_a_bound() {
        let longest = "x".repeat(LONGEST_TEXT);
        let told = told((0..KEPT_LINES).map(|_| longest.clone()));
        assert_eq!(told.len(), KEPT_BYTES / (LONGEST_TEXT + "Ada: ".len()));
    }
}
