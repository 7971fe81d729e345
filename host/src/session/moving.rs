//! How a connection follows its handler to the next generation, its socket untouched.
//!
//! The session waits for its turn, has the instance asked for its state, and has one of
//! the next generation take that up. Until that is done, the old one is kept; frames wait
//! in the mailbox meanwhile, and what is queued is sent.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::guest::{Leaving, Moved, Own, State};
use super::phase::{Input, Phase};
use super::rate::Rate;
use super::{Guest, Session};
use crate::closing::Closing;
use crate::failure::Failure;
use crate::generation::Generation;
use crate::instances::{LONGEST_TURN, Turn};
use crate::snapshot::Suspended;
use crate::source::Source;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    /// Looks where the connection belongs: to its room's generation, or to the one that
    /// its own instance is to move to.
    pub(super) fn follow(&mut self) {
        match &mut self.guest {
            Guest::Seated(seat) => {
                let home = seat.room().home();
                if !Arc::ptr_eq(&home, &self.generation) {
                    self.belong_to(&home);
                }
            }
            Guest::Own(own) => {
                let next = self.generation.successor();
                let Some(next) = next.filter(|next| next.number != own.refused) else { return };
                if matches!(own.state, State::Parked(_)) {
                    // It is for the next one to take it up.
                    self.belong_to(&next);
                } else if matches!(self.phase, Phase::Open) && own.is_at_home() {
                    let instances = own.instances.clone();
                    let account = self.generation.account.clone();
                    let turn = async move { instances.turn_to_move(&account).await };
                    own.leaving = Leaving::Waits(Box::pin(turn));
                }
            }
            Guest::Gone => {}
        }
    }

    /// Has the instance asked for its state, once it is its turn.
    pub(super) fn poll_leaving(&mut self, cx: &mut Context<'_>) {
        let Guest::Own(own) = &mut self.guest else { return };
        if let Leaving::Waits(waits) = &mut own.leaving
            && let Poll::Ready(turn) = waits.as_mut().poll(cx)
        {
            let patience = Box::pin(sleep(LONGEST_TURN));
            own.leaving = Leaving::Asked { turn, patience };
            self.connection.shared().mailbox.suspend();
        }
        if let Leaving::Asked { turn: turn @ Some(_), patience } = &mut own.leaving
            && matches!(own.state, State::Serving(_))
            && patience.as_mut().poll(cx).is_ready()
        {
            *turn = None;
        }
    }

    /// The instance has been asked for its state.
    pub(super) fn suspended(&mut self, suspended: Suspended) {
        self.connection.shared().busy = false;
        self.look_at_alarms();
        let Guest::Own(own) = &mut self.guest else { return };
        own.parking = false;
        // It may have been asked for both.
        let Leaving::Asked { turn, .. } = &mut own.leaving else { return self.park(suspended) };
        match own.instances.turn_now(turn.take(), &self.generation.account) {
            Some(turn) => self.move_on(suspended, turn),
            None => {
                // Its event took so long that others have their turns. It serves on meanwhile.
                own.leaving = Leaving::No;
                let Suspended { instance, .. } = suspended;
                own.state = State::serving(instance, self.connection.clone(), &own.instances);
                self.follow();
            }
        }
    }

    /// The instance was asked for its state: one of the next generation takes it up.
    fn move_on(&mut self, suspended: Suspended, turn: Turn) {
        let Guest::Own(own) = &mut self.guest else { return };
        let Suspended { instance, saved } = suspended;
        // It was for a successor that it was asked.
        let generation = self.generation.clone();
        let next = generation.successor().unwrap_or_else(|| generation.clone());
        let source = Source::Own(self.connection.clone());
        let instances = own.instances.clone();
        own.state = State::Moving(Box::pin(async move {
            let _turn = turn;
            let resumed = match saved {
                Ok(saved) => {
                    let connections = instance.connections().clone();
                    next.take_over(&instances, saved, connections, source).await
                }
                Err(why) => Err(why),
            };
            Ok(match resumed {
                Ok(instance) => {
                    Moved { instance, generation: next.clone(), next, stays: None, slot: None }
                }
                Err(why) => Moved { instance, generation, next, stays: Some(why), slot: None },
            })
        }));
    }

    /// True where an instance serves again, and the failure where none does.
    pub(super) fn poll_moving(&mut self, cx: &mut Context<'_>) -> (bool, Option<Failure>) {
        let Guest::Own(own) = &mut self.guest else { return (false, None) };
        let State::Moving(moving) = &mut own.state else { return (false, None) };
        let moved = match moving.as_mut().poll(cx) {
            Poll::Pending => return (false, None),
            Poll::Ready(Ok(moved)) => moved,
            Poll::Ready(Err(failure)) => {
                self.guest = Guest::Gone;
                self.begin_closing(Closing::failed(failure.close_frame()), Input::Frames);
                return (true, Some(failure));
            }
        };
        let Moved { instance, generation, next, stays, slot } = moved;
        own.state = State::serving(instance, self.connection.clone(), &own.instances);
        own.leaving = Leaving::No;
        if let Some(slot) = slot {
            own.slot = Some(slot);
        }
        if let Some(why) = &stays {
            own.refused = next.number;
            generation.note_move(&next, 1, Err(why));
        } else if !Arc::ptr_eq(&next, &self.generation) {
            self.generation.note_move(&next, 1, Ok(()));
        }
        if !Arc::ptr_eq(&generation, &self.generation) {
            self.belong_to(&generation);
        }
        self.begun = self.connection.shared().events;
        self.look_at_alarms();
        // There may be a newer one by now, and nothing to do in this one.
        self.follow();
        self.stirs();
        (true, None)
    }

    /// What was called beside the events may have set timers. Another turn sees to them.
    fn look_at_alarms(&mut self) {
        let next = self.connection.shared().next_alarm();
        self.timers.ring_at(next);
    }

    /// Whether its state is on its way between two instances.
    pub(super) fn is_moving(&self) -> bool {
        matches!(&self.guest, Guest::Own(Own { state: State::Moving(_), .. }))
    }

    /// Has the connection be another generation's, and keep to what holds there.
    fn belong_to(&mut self, next: &Arc<Generation>) {
        self.membership.move_to(next, &self.connection);
        self.generation = next.clone();
        let settings = &next.settings;
        self.reader.hold_to(settings.limits.max_message_size);
        self.timers.hold_to(settings.timeouts.clone());
        self.rate = settings.limits.max_message_rate.map(Rate::new);
        if let Guest::Own(own) = &mut self.guest {
            own.wakeful = false;
        }
    }
}
