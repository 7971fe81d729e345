//! How a room rests without an instance while nothing happens in it.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::Task;
use crate::failure::Failure;
use crate::instance::Instance;
use crate::parking::{Parked, Woken};
use crate::snapshot::{Stays, Suspended};
use crate::source::Source;

impl Task {
    /// Waits until the instance is to be parked: until it has had no event for long
    /// enough, or until instances run short and it has rested for longest.
    pub(super) async fn rests(&self) {
        let generation = &self.generation;
        if !generation.prepared.has_snapshot() || self.wakeful {
            return pending().await;
        }
        loop {
            let last = self.room.last_event();
            let Some(last) = last.filter(|_| !self.room.is_empty()) else {
                self.room.stirred().await;
                continue;
            };
            let quiet = self.instances.quiet(&generation.account);
            if Instant::now() < last + quiet {
                sleep_until(last + quiet).await;
                continue;
            }
            let needed = Arc::<Notify>::default();
            let name = generation.account.name.clone();
            let _place = self.instances.resting.begin(name, needed.clone());
            let park_at = generation.settings.park_after.map(|after| last + after);
            let parks = async {
                match park_at {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = self.room.stirred() => continue,
                () = parks => {}
                () = needed.notified() => {}
            }
            if self.room.last_event() == Some(last) {
                return;
            }
        }
    }

    /// Keeps the state until there is another event, and has an instance take it up then.
    /// Where it can't be kept, the instance goes on. None where nobody is left.
    pub(super) async fn park(&mut self, suspended: Suspended) -> Result<Option<Instance>, Failure> {
        let Suspended { instance, saved } = suspended;
        if self.room.has_turns() {
            // Somebody has come meanwhile.
            return Ok(Some(instance));
        }
        let generation = self.generation.clone();
        let connections = instance.connections().clone();
        let members = connections.len();
        let parked = saved.and_then(|saved| {
            Parked::new(saved, connections, generation.clone()).map_err(Stays::Memory)
        });
        let parked = match parked {
            Ok(parked) => parked,
            Err(why) => {
                generation.can_not_park(members, &why);
                self.wakeful = true;
                return Ok(Some(instance));
            }
        };
        drop(instance);
        self.slot = None;
        tokio::select! {
            () = self.room.has_turn() => {}
            () = self.deserted() => return Ok(None),
            never = self.room.rings() => match never {},
        }
        let home = self.room.home();
        let source = Source::Room(self.room.clone());
        let Woken { instance, generation, slot, stays } =
            parked.wake(home.clone(), &self.instances, source).await?;
        self.slot = Some(slot);
        self.generation = generation;
        self.settle();
        if let Some(why) = stays {
            self.generation.note_move(&home, members, Err(&why));
            self.refused = home.number;
            self.generation.take_back(&home, &self.key, &self.room);
        }
        Ok(Some(instance))
    }
}
