//! A room's task: its start, its events, and its end.

mod moving;
mod parking;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{Over, Room, Stage};
use crate::failure::Failure;
use crate::generation::Generation;
use crate::instance::{Instance, Served};
use crate::instances::{InstanceSlot, Instances, LONGEST_TURN, Turn};
use crate::snapshot::Suspended;
use crate::source::Source;

/// A room that is not there yet, under this key: the generation's task for it begins.
pub(crate) fn open(
    key: Arc<str>,
    generation: &Arc<Generation>,
    instances: &Arc<Instances>,
    slot: InstanceSlot,
) -> Arc<Room> {
    let room = Arc::new(Room::new(generation.clone()));
    let task = Task {
        key,
        room: room.clone(),
        generation: generation.clone(),
        refused: 0,
        wakeful: false,
        slot: Some(slot),
        instances: instances.clone(),
    };
    // Not in the task of whoever came first, who may be gone before the others.
    tokio::spawn(task.run());
    room
}

struct Task {
    key: Arc<str>,
    room: Arc<Room>,
    /// The one whose instance serves it.
    generation: Arc<Generation>,
    /// The number of the one that it could not move to, as of the last try.
    refused: u64,
    /// Its instance could not be parked, and is not asked again.
    wakeful: bool,
    /// None while there is no instance.
    slot: Option<InstanceSlot>,
    instances: Arc<Instances>,
}

/// What its instance is asked for its state for.
enum Why {
    /// An instance of another generation is to take it up.
    Move(Option<Turn>),
    /// It has nothing to do.
    Rest,
}

impl Task {
    async fn run(mut self) {
        let limit = self.generation.settings.timeouts.handshake;
        let started = timeout(limit, self.generation.clone().start(&self.instances.overtime)).await;
        let over = match started.unwrap_or(Err(Failure::Start(limit))) {
            Ok(instance) => {
                self.room.stage.send_replace(Stage::Serving);
                match self.serve(instance).await {
                    Ok(()) => Over::Empty,
                    Err(failure) => self.failed(&failure),
                }
            }
            Err(failure) => {
                self.generation.could_not_start(&failure, None, self.room.culprit());
                Over::Unstarted(Arc::new(failure))
            }
        };
        self.end(over);
    }

    /// Drives the instance, and those that take over from it, until one has failed or
    /// nobody has been there for long.
    async fn serve(&mut self, mut instance: Instance) -> Result<(), Failure> {
        while let Some((suspended, why)) = self.drive(instance).await? {
            instance = match why {
                Why::Move(turn) => {
                    match self.instances.turn_now(turn, &self.generation.account) {
                        Some(_turn) => self.move_on(*suspended).await,
                        // Its event took so long that others have their turns.
                        None => suspended.instance,
                    }
                }
                Why::Rest => match self.park(*suspended).await? {
                    Some(woken) => woken,
                    None => return Ok(()),
                },
            };
        }
        Ok(())
    }

    /// Drives one instance, until it is asked for its state. None where nobody is left.
    async fn drive(&self, instance: Instance) -> Result<Option<(Box<Suspended>, Why)>, Failure> {
        let source = Source::Room(self.room.clone());
        let mut work = self.instances.overtime.work(instance.meter(), instance.serve(source));
        let mut serving = pin!(poll_fn(|cx| {
            let polled = work.poll(cx);
            // It has ended, waits or has yielded: what it wrote leaves.
            self.room.wake_marked();
            if self.room.succeeded.swap(false, Relaxed) {
                self.generation.succeeded();
            }
            polled
        }));
        let mut why = None;
        let mut patience = pin!(sleep(LONGEST_TURN));
        loop {
            let holds_turn = matches!(why, Some(Why::Move(Some(_))));
            tokio::select! {
                biased;
                served = &mut serving => return Ok(match served? {
                    Served::Suspended(suspended) => Some(suspended).zip(why),
                    Served::Finished => None,
                }),
                () = self.deserted() => return Ok(None),
                turn = self.turn_to_move(), if why.is_none() => {
                    why = Some(Why::Move(turn));
                    patience.as_mut().reset(Instant::now() + LONGEST_TURN);
                }
                // Its event takes long: others may move meanwhile.
                () = &mut patience, if holds_turn => {
                    why = Some(Why::Move(None));
                    continue;
                }
                () = self.rests(), if why.is_none() => why = Some(Why::Rest),
                never = self.room.rings() => match never {},
            }
            self.room.suspend();
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
            let home = self.room.home();
            let lingers = self.room.used.load(Relaxed) && !home.is_retired();
            if lingers {
                let until = since + home.settings.linger;
                let needed = Arc::<Notify>::default();
                let _place =
                    self.instances.resting.begin(home.account.name.clone(), needed.clone());
                tokio::select! {
                    () = self.room.changed.notified() => continue,
                    () = sleep_until(until) => {}
                    () = needed.notified() => {}
                }
            }
            if self.room.remove(&self.key, true) {
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
        generation.failed(failure, self.room.culprit());
        Over::Failed(failure.close_frame())
    }

    /// Nobody finds the room any more, and who is in it hears of its end.
    fn end(&self, over: Over) {
        self.room.remove(&self.key, false);
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
