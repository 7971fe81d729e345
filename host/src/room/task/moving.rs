//! How a room follows its handler to the next generation.

use std::sync::Arc;

use super::Task;
use crate::instance::Instance;
use crate::instances::Turn;
use crate::snapshot::Suspended;
use crate::source::Source;

impl Task {
    /// Waits until the room has another home, and until it may follow there.
    pub(super) async fn turn_to_move(&self) -> Option<Turn> {
        loop {
            let home = self.room.home();
            if !Arc::ptr_eq(&home, &self.generation) && home.number != self.refused {
                return self.instances.turn_to_move(&self.generation.account).await;
            }
            self.room.moved.notified().await;
        }
    }

    /// Has an instance of the room's new home take over. Where it can't, the old one goes
    /// on, and the room comes back to it.
    pub(super) async fn move_on(&mut self, suspended: Suspended) -> Instance {
        let Suspended { instance, saved } = suspended;
        let next = self.room.home();
        let connections = instance.connections().clone();
        let count = connections.len();
        let moved = match saved {
            Ok(saved) => {
                let source = Source::Room(self.room.clone());
                next.take_over(&self.instances, saved, connections, source).await
            }
            Err(why) => Err(why),
        };
        self.generation.note_move(&next, count, moved.as_ref().map(|_| ()));
        if let Ok(moved) = moved {
            self.generation = next;
            self.wakeful = false;
            self.settle();
            return moved;
        }
        self.refused = next.number;
        self.generation.take_back(&next, &self.key, &self.room);
        instance
    }

    /// The instance is of the room's home, unless that is another one again: then it is
    /// this one's generation that may have the room back.
    pub(super) fn settle(&self) {
        self.room.let_go();
        if !Arc::ptr_eq(&self.room.home(), &self.generation) {
            self.room.hold(&self.generation);
        }
    }
}
