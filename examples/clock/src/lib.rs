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

    use socklet_guest::testing;

    use super::{Clock, LONGEST_TEXT, MOST_REMINDERS, read};

    const SECOND: Duration = Duration::from_secs(1);
    const TAKEN: &str = "* you will be reminded";

    #[test]
    fn it_ticks_for_everybody_while_somebody_is_there() {
        let clock = testing::room::<Clock>();
        let ada = clock.connect("/clock");
        clock.advance(2 * SECOND);
        let bob = clock.connect("/clock");
        clock.advance(SECOND);
        assert_eq!(ada.texts(), ["1", "2", "3"]);
        ada.close(1000, "");
        bob.close(1000, "");
        assert_eq!(clock.timers(), []);
        // And goes on from there.
        let eve = clock.connect("/clock");
        clock.advance(SECOND);
        assert_eq!((bob.texts(), eve.texts()), (vec!["3".to_owned()], vec!["4".to_owned()]));
    }

    #[test]
    fn who_asks_is_reminded_and_nobody_else() {
        let clock = testing::room::<Clock>();
        let (ada, bob) = (clock.connect("/clock"), clock.connect("/clock"));
        ada.send("remind 0.5 the tea");
        bob.send("remind 0.01 nobody");
        bob.close(1000, "");
        clock.advance(SECOND / 2);
        assert_eq!(ada.texts(), [TAKEN, "! the tea"]);
    }

    #[test]
    fn reminders_last_over_a_swap() {
        let clock = testing::room::<Clock>();
        let ada = clock.connect("/clock");
        ada.send("remind 1.5 the tea");
        clock.advance(SECOND);
        clock.swap().unwrap();
        clock.advance(SECOND);
        assert_eq!(ada.texts(), [TAKEN, "1", "! the tea", "2"]);
    }

    #[test]
    fn what_is_asked_of_it_has_bounds() {
        let clock = testing::room::<Clock>();
        let ada = clock.connect("/clock");
        ada.send("what time is it?");
        ada.send("remind 0.001 too soon");
        assert_eq!(
            ada.texts(),
            ["* say remind SECONDS TEXT", "* not this time: a timer takes 10 ms to 365 days"]
        );
        for _ in 0..MOST_REMINDERS {
            ada.send("remind 60 x");
        }
        ada.send("remind 60 one more");
        assert_eq!(ada.texts().pop().as_deref(), Some("* you have 8 reminders already"));
    }

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
