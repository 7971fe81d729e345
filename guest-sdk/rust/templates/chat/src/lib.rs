//! A chat: what one says, everyone in the room reads.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use socklet_guest::prelude::*;

/// How many lines a joiner is told.
const KEPT_LINES: usize = 50;
/// In bytes. So all that is kept fits into a joiner's queue, which has 1 MiB.
const LONGEST_TEXT: usize = 4 * 1024;
/// In characters.
const LONGEST_NAME: usize = 32;

/// One room: the last lines that were said in it, oldest first.
#[derive(Serialize, Deserialize)]
struct Chat {
    lines: VecDeque<String>,
}

// When this file has changed and was built, the new version takes the room up as it was,
// with everyone in it. Where a new field has no `#[serde(default)]`, count SCHEMA up and
// write `upgrade`.
impl Snapshot for Chat {
    const SCHEMA: u32 = 1;
}

impl Room for Chat {
    /// What the room knows of each connection: the name.
    type Member = String;

    // The first one has come to this path.
    fn open(_connection: &Connection, _request: &Request) -> Self {
        Chat { lines: VecDeque::new() }
    }

    // Somebody has come; `members` are the others by now.
    fn on_ready(
        &mut self,
        members: &mut Members<Self>,
        connection: &Connection,
        request: &Request,
    ) -> String {
        for line in &self.lines {
            connection.write(line);
        }
        // Of `?name=Ada`.
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
                self.lines.push_back(line);
                if self.lines.len() > KEPT_LINES {
                    self.lines.pop_front();
                }
            }
            Some(_) => connection.write(format!("* a text may have {LONGEST_TEXT} bytes")),
            None => _ = connection.close(1003, "text only"),
        }
    }

    // Somebody has gone, and is no member any more.
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

/// The name that was asked for, without what could make a line look like another.
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

    use super::{Chat, KEPT_LINES, name};

    #[test]
    fn what_one_says_everyone_reads() {
        // A host without a socket: events run when the test says so.
        let chat = testing::room::<Chat>();
        let ada = chat.connect("/{{name}}/blue?name=Ada");
        let bob = chat.connect("/{{name}}/blue?name=Bob");
        ada.send("Hello!");
        bob.close(1000, "");
        let told = ["* Ada joined", "* Bob joined", "Ada: Hello!", "* Bob left"];
        assert_eq!(ada.texts(), told);
        assert_eq!(bob.texts(), ["* Bob joined", "Ada: Hello!"]);
    }

    #[test]
    fn the_room_goes_on_in_a_new_version() {
        let chat = testing::room::<Chat>();
        let ada = chat.connect("/{{name}}/blue?name=Ada");
        ada.send("Hello!");
        chat.swap().unwrap();
        ada.send("Anybody?");
        let bob = chat.connect("/{{name}}/blue");
        assert_eq!(bob.texts(), ["Ada: Hello!", "Ada: Anybody?", "* guest joined"]);
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let chat = testing::room::<Chat>();
        let ada = chat.connect("/{{name}}/blue?name=Ada");
        for number in 0..KEPT_LINES + 2 {
            ada.send(number.to_string());
        }
        assert_eq!(chat.connect("/{{name}}/blue").texts()[0], "Ada: 2");
    }

    #[test]
    fn a_name_can_look_like_no_line() {
        assert_eq!(name("* Ada: hi\n"), "Ada hi");
        assert_eq!(name(""), "guest");
    }
}
