//! What the `rings_…` guests have in common: they set timers as they are told, and say
//! which have gone off.
//!
//! | said | answered |
//! |---|---|
//! | `after MS NAME`, `every MS NAME` | `set NAME`, or `no NAME: …` with the reason |
//! | `cancel NAME` | `cancelled NAME`, or `no NAME` |
//! | `fill` | how many timers of an hour could be set, and why no more |
//! | `flood MS` | the same with timers that repeat; and each alarm counts to a million |
//! | `spin N` | `spun`, after counting to N million |
//! | `count` | how many have gone off |
//! | `wish fail`, `wish set` | `wish …`; what the next version does when it takes over: it cancels all timers, sets one named `new`, and fails in the first case |
//! | `close` | a close frame |
//!
//! An alarm is `VERSION rings NAME` to the peer and to the log, with what became of the
//! write. `stuff` writes 64 KiB again and again until it is refused; `trap` traps.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use socklet_guest::prelude::*;

/// What is kept.
#[derive(Default, Serialize, Deserialize)]
pub struct Rings {
    names: BTreeMap<Timer, String>,
    rung: u64,
    wish: String,
    floods: bool,
}

impl Rings {
    /// Does what it is told, and answers.
    pub fn obey(&mut self, text: &str) -> String {
        let words: Vec<_> = text.split(' ').collect();
        match words[..] {
            [how @ ("after" | "every"), milliseconds, name] => {
                let time = Duration::from_millis(milliseconds.parse().expect("a number"));
                let timer = if how == "after" { Timer::after(time) } else { Timer::every(time) };
                match timer {
                    Ok(timer) => {
                        self.names.insert(timer, name.to_owned());
                        format!("set {name}")
                    }
                    Err(why) => format!("no {name}: {why}"),
                }
            }
            ["cancel", name] => {
                let named = |(timer, known): (&Timer, &String)| (known == name).then_some(*timer);
                match self.names.iter().find_map(named).is_some_and(Timer::cancel) {
                    true => format!("cancelled {name}"),
                    false => format!("no {name}"),
                }
            }
            ["fill"] => self.fill(|| Timer::after(Duration::from_secs(3600))),
            ["flood", milliseconds] => {
                self.floods = true;
                let time = Duration::from_millis(milliseconds.parse().expect("a number"));
                self.fill(|| Timer::every(time))
            }
            ["spin", millions] => {
                spin(millions.parse().expect("a number"));
                "spun".to_owned()
            }
            ["count"] => format!("{} have gone off", self.rung),
            ["wish", wish] => {
                self.wish = wish.to_owned();
                text.to_owned()
            }
            _ => panic!("nobody knows how to {text}"),
        }
    }

    fn fill(&mut self, set: impl Fn() -> Result<Timer, TimerError>) -> String {
        let mut count = 0;
        loop {
            match set() {
                Ok(_) => count += 1,
                Err(why) => return format!("{count}, then {why}"),
            }
        }
    }

    /// A timer has gone off: its name.
    pub fn ring(&mut self, timer: Timer) -> String {
        self.rung += 1;
        if self.floods {
            spin(1);
            return "flood".to_owned();
        }
        let name = self.names.get(&timer).expect("a timer that was set").clone();
        if name == "trap" {
            panic!("as told");
        }
        name
    }

    /// Takes up the state of another version.
    pub fn upgrade(older: &Older<'_>) -> Result<Self, SnapshotError> {
        let mut kept: Self = older.read()?;
        if !kept.wish.is_empty() {
            for timer in kept.names.keys() {
                timer.cancel();
            }
            let timer = Timer::after(Duration::from_millis(10));
            kept.names
                .insert(timer.map_err(|why| SnapshotError::failed(why.to_string()))?, "new".into());
        }
        match &*kept.wish {
            "fail" => Err(SnapshotError::failed("as wished")),
            _ => Ok(kept),
        }
    }
}

fn spin(millions: u64) {
    for round in 0..millions * 1_000_000 {
        black_box(round);
    }
}

/// Tells a peer of an alarm.
pub fn tell(version: &str, connection: &Connection, name: &str) {
    if name == "stuff" {
        let large = [b'x'; 64 * 1024];
        let written = std::iter::repeat_with(|| connection.try_write(&large[..]));
        let written = written.take_while(Result::is_ok).count();
        info!("{version} rings {name}: {written} written");
    } else {
        let outcome = connection.try_write(format!("{version} rings {name}"));
        info!("{version} rings {name}: {outcome:?}");
    }
}

/// A handler with timers of each connection.
#[macro_export]
macro_rules! rings {
    ($version:literal, $schema:literal) => {
        use socklet_guest::prelude::*;
        use test_guests::rings::{Rings, tell};

        #[derive(serde::Serialize, serde::Deserialize)]
        struct Handles(Rings);

        impl Snapshot for Handles {
            const SCHEMA: u32 = $schema;

            fn upgrade(older: &Older<'_>) -> Result<Self, SnapshotError> {
                Rings::upgrade(older).map(Handles)
            }
        }

        impl Handler for Handles {
            fn on_ready(_: &Connection, _: &Request) -> Self {
                Handles(Rings::default())
            }

            fn on_message(&mut self, connection: &Connection, message: Message) {
                match message.as_text().unwrap_or_default() {
                    "close" => _ = connection.close(1000, "as told"),
                    text => connection.write(self.0.obey(text)),
                }
            }

            fn on_close(&mut self, connection: &Connection, _: CloseEvent) {
                let late = self.0.obey("after 10 late");
                info!("{} left {}: {late}", connection.id(), $version);
            }
        }

        impl Alarm for Handles {
            fn on_alarm(&mut self, connection: &Connection, timer: Timer) {
                tell($version, connection, &self.0.ring(timer));
            }
        }

        socklet_guest::export!(Handles: Handler + Alarm + Snapshot);
    };
}

/// A room with timers. All members hear of them.
#[macro_export]
macro_rules! rings_room {
    ($version:literal, $schema:literal) => {
        use socklet_guest::prelude::*;
        use test_guests::rings::{Rings, tell};

        #[derive(serde::Serialize, serde::Deserialize)]
        struct Handles(Rings);

        impl Snapshot for Handles {
            const SCHEMA: u32 = $schema;

            fn upgrade(older: &Older<'_>) -> Result<Self, SnapshotError> {
                Rings::upgrade(older).map(Handles)
            }
        }

        impl Room for Handles {
            type Member = ();

            fn open(_: &Connection, _: &Request) -> Self {
                Handles(Rings::default())
            }

            fn on_ready(&mut self, _: &mut Members<Self>, _: &Connection, _: &Request) {}

            fn on_message(
                &mut self,
                _: &mut Members<Self>,
                connection: &Connection,
                message: Message,
            ) {
                connection.write(self.0.obey(message.as_text().unwrap_or_default()));
            }
        }

        impl RoomAlarm for Handles {
            fn on_alarm(&mut self, members: &mut Members<Self>, timer: Timer) {
                let name = self.0.ring(timer);
                info!("{} rings {name} for {}", $version, members.len());
                for (connection, ()) in members.iter() {
                    tell($version, connection, &name);
                }
            }
        }

        socklet_guest::export!(Handles: Room + Snapshot + Alarm);
    };
}
