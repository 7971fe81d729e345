//! What the `keeps_…` guests have in common: a state, and a wish for what is to happen
//! when that is given away or taken up.
//!
//! A wish is `suspend HOW`, `resume HOW` (by another version) or `restore HOW` (by
//! whatever version), where `HOW` is `fail`, `trap`, `loop`, or for the first `large`.

use std::cell::Cell;
use std::hint::black_box;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use socklet_guest::prelude::*;

thread_local! {
    /// Something that no snapshot holds: whether this instance has taken up a state.
    static RESUMED: Cell<bool> = const { Cell::new(false) };
}

/// What is kept: a number that counts up, and the wish.
#[derive(Default, Serialize, Deserialize)]
pub struct Kept {
    /// How many messages there were.
    pub count: u64,
    #[serde(serialize_with = "suspend", deserialize_with = "restore")]
    /// What is to happen.
    pub wish: String,
}

fn suspend<S: Serializer>(wish: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match wish {
        "suspend fail" => return Err(serde::ser::Error::custom("not today")),
        "suspend large" => return serializer.serialize_str(&"x".repeat(5 << 20)),
        _ => obey(wish, "suspend").map_err(serde::ser::Error::custom)?,
    }
    serializer.serialize_str(wish)
}

fn restore<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let wish = String::deserialize(deserializer)?;
    obey(&wish, "restore").map_err(serde::de::Error::custom)?;
    Ok(wish)
}

fn obey(wish: &str, when: &str) -> Result<(), &'static str> {
    match wish.strip_prefix(when).unwrap_or_default().trim() {
        "fail" => return Err("not here"),
        "trap" => panic!("as wished"),
        "loop" => loop {
            black_box(());
        },
        _ => {}
    }
    Ok(())
}

impl Kept {
    /// Takes up the state of another version. The third one is broken, and traps.
    pub fn upgrade(older: &Older<'_>, by: u32) -> Result<Self, SnapshotError> {
        assert_ne!(by, 3, "broken");
        RESUMED.set(true);
        let kept: Self = older.read()?;
        obey(&kept.wish, "resume").map_err(SnapshotError::failed)?;
        Ok(kept)
    }

    /// Counts, and says so; `wish …` sets the wish, `trap` traps.
    pub fn answer(&mut self, version: &str, text: &str) -> String {
        if text == "trap" {
            panic!("as told");
        }
        if let Some(wish) = text.strip_prefix("wish ") {
            self.wish = wish.to_owned();
        }
        self.count += 1;
        let how = if RESUMED.get() { "kept" } else { "new" };
        format!("{version}:{} {how} {text}", self.count)
    }
}

/// A handler with a state for each connection.
#[macro_export]
macro_rules! keeps {
    ($version:literal, $schema:literal) => {
        use socklet_guest::prelude::*;
        use socklet_guest::topics::SubscribeOutcome;
        use test_guests::keeps::Kept;

        #[derive(serde::Serialize, serde::Deserialize)]
        struct Keeps(Kept);

        impl Snapshot for Keeps {
            const SCHEMA: u32 = $schema;

            fn upgrade(older: &Older<'_>) -> Result<Self, SnapshotError> {
                Kept::upgrade(older, $schema).map(Keeps)
            }
        }

        impl Handler for Keeps {
            fn on_ready(connection: &Connection, request: &Request) -> Self {
                info!("{} came to {} of {}", connection.id(), request.path, $version);
                Keeps(Kept::default())
            }

            fn on_message(&mut self, connection: &Connection, message: Message) {
                let text = message.as_text().unwrap_or_default();
                if let Some(topic) = text.strip_prefix("subscribe ") {
                    assert_eq!(connection.subscribe(topic), SubscribeOutcome::Subscribed);
                }
                connection.write(self.0.answer($version, text));
            }

            fn on_close(&mut self, connection: &Connection, event: CloseEvent) {
                let Kept { count, .. } = self.0;
                info!("{} left {} with {count}: {}", connection.id(), $version, event.code);
            }
        }

        socklet_guest::export!(Keeps: Handler + Snapshot);
    };
}

/// A room, in which everyone hears everything, and members have a number.
#[macro_export]
macro_rules! keeps_room {
    ($version:literal, $schema:literal) => {
        use socklet_guest::prelude::*;
        use test_guests::keeps::Kept;

        #[derive(serde::Serialize, serde::Deserialize)]
        struct Keeps(Kept);

        impl Snapshot for Keeps {
            const SCHEMA: u32 = $schema;

            fn upgrade(older: &Older<'_>) -> Result<Self, SnapshotError> {
                Kept::upgrade(older, $schema).map(Keeps)
            }
        }

        impl Room for Keeps {
            /// How many messages it has sent.
            type Member = u64;

            fn open(_: &Connection, _: &Request) -> Self {
                Keeps(Kept::default())
            }

            fn on_ready(&mut self, _: &mut Members<Self>, who: &Connection, _: &Request) -> u64 {
                info!("{} joined {}", who.id(), $version);
                0
            }

            fn on_message(
                &mut self,
                members: &mut Members<Self>,
                who: &Connection,
                message: Message,
            ) {
                let sender = members.get_mut(who).expect("the sender is a member");
                *sender += 1;
                let sent = *sender;
                let text = message.as_text().unwrap_or_default();
                let answer = self.0.answer($version, text);
                members.broadcast(format!("{answer} by {} as its {sent}", who.id()));
            }

            fn on_close(
                &mut self,
                members: &mut Members<Self>,
                who: &Connection,
                _: u64,
                event: CloseEvent,
            ) {
                info!("{} left {}: {}", who.id(), $version, event.code);
                let _ = members;
            }
        }

        socklet_guest::export!(Keeps: Room + Snapshot);
    };
}
