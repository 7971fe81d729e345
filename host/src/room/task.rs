//! A room's task: its start, its events, and its end.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tokio::time::{Instant, sleep_until, timeout};

use super::{Lingering, Over, Room, Stage};
use crate::failure::Failure;
use crate::generation::Generation;
use crate::host::{Host, InstanceSlot};
use crate::instance::Instance;
use crate::overtime::Overtime;
use crate::source::Source;

/// A room that is not there yet, under this key: the generation's task for it begins.
pub(crate) fn open(
    key: Arc<str>,
    generation: &Arc<Generation>,
    host: &Host,
    slot: InstanceSlot,
) -> Arc<Room> {
    let room = Arc::new(Room::new());
    let task = Task {
        key,
        room: room.clone(),
        generation: generation.clone(),
        overtime: host.overtime.clone(),
        lingering: host.lingering.clone(),
    };
    // Not in the task of whoever came first, who may be gone before the others.
    tokio::spawn(async move {
        task.run().await;
        drop(slot);
    });
    room
}

struct Task {
    key: Arc<str>,
    room: Arc<Room>,
    generation: Arc<Generation>,
    overtime: Arc<Overtime>,
    lingering: Arc<Lingering>,
}

impl Task {
    async fn run(self) {
        let limit = self.generation.settings.timeouts.handshake;
        let started = timeout(limit, self.generation.clone().start(&self.overtime)).await;
        let over = match started.unwrap_or(Err(Failure::Start(limit))) {
            Ok(instance) => {
                self.room.stage.send_replace(Stage::Serving);
                match self.serve(instance).await {
                    Ok(()) => Over::Empty,
                    Err(failure) => self.failed(&failure),
                }
            }
            Err(failure) => {
                self.generation.could_not_start(&failure, None);
                Over::Unstarted(Arc::new(failure))
            }
        };
        self.end(over);
    }

    /// Drives the instance until it has failed, or nobody has been there for long.
    async fn serve(&self, instance: Instance) -> Result<(), Failure> {
        let source = Source::Room(self.room.clone());
        let mut work = self.overtime.work(instance.meter(), instance.serve(source));
        let serving = poll_fn(|cx| {
            let polled = work.poll(cx);
            // It has ended, waits or has yielded: what it wrote leaves.
            self.room.wake_marked();
            if self.room.succeeded.swap(false, Relaxed) {
                self.generation.succeeded();
            }
            polled
        });
        tokio::select! {
            biased;
            ended = serving => ended,
            () = self.deserted() => Ok(()),
        }
    }

    /// Waits until nobody has been in the room for as long as it lingers, or until
    /// instances run short meanwhile.
    async fn deserted(&self) {
        let mut since = Instant::now();
        loop {
            let empty = self.room.is_empty();
            if !empty {
                self.room.changed.notified().await;
                since = Instant::now();
                continue;
            }
            // Who has only knocked leaves nothing that could be wiped.
            let lingers = self.room.used.load(Relaxed) && !self.generation.is_retired();
            if lingers {
                let until = since + self.generation.settings.linger;
                let place = self.lingering.begin(self.generation.account.name.clone());
                tokio::select! {
                    () = self.room.changed.notified() => continue,
                    () = sleep_until(until) => {}
                    () = place.is_needed() => {}
                }
            }
            if self.generation.close_room(&self.key, &self.room) {
                return;
            }
        }
    }

    fn failed(&self, failure: &Failure) -> Over {
        let generation = &self.generation;
        let connections = self.room.inner().members.len();
        if generation.account.may_notice() {
            tracing::error!(
                handler = &*generation.account.name,
                generation = generation.number,
                connections,
                "the instance failed, and its connections end with it: {failure}"
            );
        }
        generation.failed(failure);
        Over::Failed(failure.close_reason())
    }

    /// Nobody finds the room any more, and who is in it hears of its end.
    fn end(&self, over: Over) {
        self.generation.remove_room(&self.key, &self.room);
        self.room.stage.send_replace(Stage::Over(over));
        let (members, line) = {
            let mut inner = self.room.inner();
            inner.over = true;
            let members: Vec<_> = inner.members.values().cloned().collect();
            (members, std::mem::take(&mut inner.line))
        };
        // The handshakes among these hear that nobody will answer.
        drop(line);
        for member in members {
            member.wake();
        }
    }
}
