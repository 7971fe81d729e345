//! How a connection follows its handler to the next generation, its socket untouched.
//!
//! The session waits for its turn, has the instance asked for its state, and has one of
//! the next generation take that up. Until that is done, the old one is kept; frames wait
//! in the mailbox meanwhile, and what is queued is sent.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};

use super::guest::{Moved, Own, State};
use super::phase::Phase;
use super::rate::Rate;
use super::{Guest, Session};
use crate::generation::Generation;
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
            Guest::Own(own) if matches!(self.phase, Phase::Open) => {
                let next = self.generation.successor();
                let offered = next.is_some_and(|next| next.number != own.refused);
                if offered && own.leaving.is_none() && own.turn.is_none() {
                    let instances = own.instances.clone();
                    let account = self.generation.account.clone();
                    let turn = async move { instances.turn_to_move(&account).await };
                    own.leaving = Some(Box::pin(turn));
                }
            }
            Guest::Own(_) | Guest::Gone => {}
        }
    }

    /// Has the instance asked for its state, once it is its turn.
    pub(super) fn poll_leaving(&mut self, cx: &mut Context<'_>) {
        let Guest::Own(own) = &mut self.guest else { return };
        let Some(leaving) = &mut own.leaving else { return };
        if let Poll::Ready(turn) = leaving.as_mut().poll(cx) {
            own.leaving = None;
            own.turn = turn;
            self.connection.shared().mailbox.suspend();
        }
    }

    /// The instance was asked for its state: one of the next generation takes it up.
    pub(super) fn move_on(&mut self, suspended: Suspended) {
        let Guest::Own(own) = &mut self.guest else { return };
        self.connection.shared().busy = false;
        let Suspended { instance, saved } = suspended;
        // It was for a successor that it was asked.
        let next = self.generation.successor().unwrap_or_else(|| self.generation.clone());
        let source = Source::Own(self.connection.clone());
        let instances = own.instances.clone();
        own.state = State::Moving(Box::pin(async move {
            let resumed = match saved {
                Ok(saved) => {
                    let connections = instance.connections().clone();
                    next.resume(&instances, Arc::new(saved), connections, source).await
                }
                Err(why) => Err(why),
            };
            match resumed {
                Ok(resumed) => Moved { instance: resumed, next, outcome: Ok(()) },
                Err(why) => Moved { instance, next, outcome: Err(why) },
            }
        }));
    }

    /// True where an instance serves again.
    pub(super) fn poll_moving(&mut self, cx: &mut Context<'_>) -> bool {
        let Guest::Own(own) = &mut self.guest else { return false };
        let State::Moving(moving) = &mut own.state else { return false };
        let Poll::Ready(Moved { instance, next, outcome }) = moving.as_mut().poll(cx) else {
            return false;
        };
        own.state = State::serving(instance, self.connection.clone(), &own.instances);
        own.turn = None;
        if outcome.is_err() {
            own.refused = next.number;
        }
        self.generation.note_move(&next, 1, outcome.as_ref().copied());
        if outcome.is_ok() {
            self.belong_to(&next);
        }
        // There may be a newer one by now.
        self.follow();
        true
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
        self.begun = self.connection.shared().events;
    }
}
