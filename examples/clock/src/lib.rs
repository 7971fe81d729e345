//! A clock that ticks for everybody, and reminds those who asked for it. The README has
//! the format.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use socklet_guest::prelude::*;

/// Of one peer's.
const MOST_REMINDERS: usize = 8;
const LONGEST_TEXT: usize = 256;

/// All of it lasts when the clock is replaced, and the timers go on.
#[derive(Serialize, Deserialize)]
struct Clock {
    /// None while nobody is there.
    tick: Option<Timer>,
    seconds: u64,
    reminders: BTreeMap<Timer, Reminder>,
}

#[derive(Serialize, Deserialize)]
struct Reminder {
    /// Whose it is, by its connection's number.
    of: u64,
    text: String,
}

impl Snapshot for Clock {
    const SCHEMA: u32 = 1;
}

impl Room for Clock {
    type Member = ();

    fn open(_connection: &Connection, _request: &Request) -> Self {
        Clock { tick: None, seconds: 0, reminders: BTreeMap::new() }
    }

    fn on_ready(
        &mut self,
        _members: &mut Members<Self>,
        _connection: &Connection,
        _request: &Request,
    ) {
        if self.tick.is_none() {
            self.tick = Timer::every(Duration::from_secs(1)).ok();
        }
    }

    fn on_message(
        &mut self,
        _members: &mut Members<Self>,
        connection: &Connection,
        message: Message,
    ) {
        connection.write(match message.as_text().and_then(read) {
            Some((delay, text)) => self.remind(connection, delay, text),
            None => "* say remind SECONDS TEXT".to_owned(),
        });
    }

    fn on_close(
        &mut self,
        members: &mut Members<Self>,
        connection: &Connection,
        _member: (),
        _event: CloseEvent,
    ) {
        self.reminders.retain(|timer, reminder| {
            let stays = reminder.of != connection.id();
            if !stays {
                timer.cancel();
            }
            stays
        });
        if members.is_empty()
            && let Some(tick) = self.tick.take()
        {
            tick.cancel();
        }
    }
}

impl RoomAlarm for Clock {
    fn on_alarm(&mut self, members: &mut Members<Self>, timer: Timer) {
        if let Some(Reminder { of, text }) = self.reminders.remove(&timer) {
            let them = members.iter().find(|(connection, ())| connection.id() == of);
            if let Some((connection, ())) = them {
                connection.write(format!("! {text}"));
            }
        } else {
            self.seconds += 1;
            members.broadcast(self.seconds.to_string());
        }
    }
}

impl Clock {
    /// Answers what has become of it.
    fn remind(&mut self, connection: &Connection, delay: Duration, text: &str) -> String {
        let of = connection.id();
        let theirs = self.reminders.values().filter(|reminder| reminder.of == of).count();
        if theirs >= MOST_REMINDERS {
            return format!("* you have {MOST_REMINDERS} reminders already");
        }
        match Timer::after(delay) {
            Ok(timer) => {
                self.reminders.insert(timer, Reminder { of, text: text.to_owned() });
                "* you will be reminded".to_owned()
            }
            Err(why) => format!("* not this time: {why}"),
        }
    }
}

/// `remind SECONDS TEXT`
fn read(text: &str) -> Option<(Duration, &str)> {
    let (seconds, text) = text.strip_prefix("remind ")?.split_once(' ')?;
    let delay = Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?;
    (text.len() <= LONGEST_TEXT).then_some((delay, text))
}

socklet_guest::export!(Clock: Room + Alarm + Snapshot);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LONGEST_TEXT, read};

    #[test]
    fn a_reminder_is_a_time_and_a_text() {
        assert_eq!(read("remind 5 the tea"), Some((Duration::from_secs(5), "the tea")));
        assert_eq!(read("remind 0.5 x"), Some((Duration::from_millis(500), "x")));
        let long = format!("remind 5 {}", "x".repeat(LONGEST_TEXT + 1));
        for nonsense in
            ["", "remind", "remind 5", "remind -1 x", "remind NaN x", "remind x y", &long]
        {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }
}
