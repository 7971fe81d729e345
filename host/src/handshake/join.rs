//! What a handshake joins: a generation of the handler, and an instance of that, one of
//! the connection's own or one that it shares.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::HeaderValue;
use tokio::time::timeout;

use super::response::{self, Response, refuse, unavailable};
use super::terms::{Asked, Caller};
use crate::closing::HostClose;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::gate::{Accepted, Decision, NoDecision};
use crate::generation::{Generation, Membership};
use crate::host::Host;
use crate::instances::InstanceSlot;
use crate::registry::{Absence, Handler};
use crate::room::{self, Over};
use crate::session::Guest;
use crate::trial::Culprit;

/// How often a room is looked for that ends just when it is found.
const TRIES: usize = 4;

/// A connection's place in a generation, what will serve its events, and what that has
/// to say to the peer.
pub(super) struct Joined {
    pub(super) membership: Membership,
    pub(super) guest: Guest,
    /// The one that the host agrees to.
    pub(super) subprotocol: Option<HeaderValue>,
    pub(super) accepted: Accepted,
}

/// Who joins what.
pub(super) struct Candidate<'a> {
    pub(super) handler: &'a Handler,
    pub(super) asked: Asked<'a>,
    pub(super) connection: &'a Arc<Connection>,
    pub(super) host: &'a Host,
}

impl Candidate<'_> {
    /// Joins, once the instance has started. `caller` is who the one generation `told`
    /// takes it for. The error is the response that says why not.
    pub(super) async fn join(
        &self,
        mut told: Arc<Generation>,
        mut caller: Caller,
    ) -> Result<Joined, Response> {
        for _ in 0..TRIES {
            let membership = self.take_place()?;
            let generation = membership.generation();
            if !Arc::ptr_eq(generation, &told) {
                // A swap came between: what the old one agreed to binds the new one not.
                let terms = self.asked.terms(generation.clone())?;
                self.connection.shared().mailbox.return_request(terms.request);
                (told, caller) = (terms.generation, terms.caller);
                self.connection.hold_to(&generation.settings.limits);
            }
            let subprotocol = self.connection.shared().mailbox.subprotocol();
            if caller == Caller::Refused {
                // For nobody knows whom, no instance is entered, or even started.
                self.connection.close_by_host(HostClose::no_session());
                let (guest, accepted) = (Guest::Gone, Accepted::default());
                return Ok(Joined { membership, guest, subprotocol, accepted });
            }
            self.introduce(&caller);
            let joined = match generation.room_key(self.asked.path) {
                None => Some(self.start_own(generation).await?),
                Some(key) => self.take_seat(generation, key).await?,
            };
            if let Some((guest, accepted)) = joined {
                return Ok(Joined { membership, guest, subprotocol, accepted });
            }
        }
        Err(unavailable("the handler is being replaced"))
    }

    /// Has the handler know who connects; and forget what another generation was told,
    /// which may have been by another key.
    fn introduce(&self, caller: &Caller) {
        let (claims, expires) = match caller {
            Caller::Known { claims, expires } => (Some(claims.clone()), *expires),
            Caller::Anybody | Caller::Refused => (None, None),
        };
        if claims.is_some() || self.connection.opening(|_| ()).is_some() {
            self.connection.learn(|opening| {
                opening.claims = claims;
                opening.expires = expires;
            });
        }
    }

    /// Takes a place in the generation that the path leads to. A swap may come between
    /// looking and taking the place, and then would not know of this connection: look
    /// again.
    fn take_place(&self) -> Result<Membership, Response> {
        loop {
            let generation = generation(self.handler, self.asked.path)?;
            // What another one has asked of it before it ended is not for this one.
            self.connection.forget_host_close();
            let membership = generation.join(self.connection);
            let now = self.handler.generation_for(self.asked.path);
            if now.is_some_and(|now| Arc::ptr_eq(&now, &generation)) {
                return Ok(membership);
            }
        }
    }

    async fn start_own(&self, generation: &Arc<Generation>) -> Result<(Guest, Accepted), Response> {
        let slot = self.may_start(generation).await?;
        let overtime = &self.host.instances.overtime;
        let limit = generation.settings.timeouts.handshake;
        // A peer waits for a start no longer than it may let others wait.
        let started = timeout(limit, generation.clone().start(overtime)).await;
        let mut instance = started.unwrap_or(Err(Failure::Start(limit))).map_err(|failure| {
            generation.could_not_start(
                &failure,
                Some(self.asked.peer),
                Culprit::of(self.connection),
            );
            cannot_start(&failure)
        })?;
        let mut accepted = Accepted::default();
        if generation.prepared.has_gate() {
            let (meter, connection) = (instance.meter(), self.connection.clone());
            let asked = overtime.work(meter, async move {
                let decided = instance.on_request(&connection).await;
                (instance, decided)
            });
            let (asked, decided) =
                timeout(limit, asked.run()).await.map_err(|_| undecided(NoDecision::TooSlow))?;
            instance = asked;
            let decided = decided.map_err(|failure| {
                generation.gate_failed(&failure, self.connection);
                undecided((&failure).into())
            });
            if let Some(decision) = decided? {
                accepted = self.obey(decision, generation)?;
            }
        }
        Ok((
            Guest::own(instance, self.connection.clone(), &self.host.instances, Some(slot)),
            accepted,
        ))
    }

    /// None where there is no such room any more.
    async fn take_seat(
        &self,
        generation: &Arc<Generation>,
        key: &str,
    ) -> Result<Option<(Guest, Accepted)>, Response> {
        // A place is waited for before the rooms are locked.
        let mut slot = match generation.has_room_for(self.asked.path) {
            true => None,
            false => Some(self.may_start(generation).await?),
        };
        let seat = generation.seat(key, self.connection, |key| {
            // None where the room has ended just now: then it is looked for again.
            slot.take().map(|slot| room::open(key, generation, &self.host.instances, slot))
        });
        let Some(seat) = seat else { return Ok(None) };
        // It starts, or does not, within its own bounds.
        match seat.room().started().await {
            Ok(()) => {}
            Err(Over::Unstarted(failure)) => return Err(cannot_start(&failure)),
            Err(Over::Empty | Over::Failed(_)) => return Ok(None),
        }
        let mut accepted = Accepted::default();
        if generation.prepared.has_gate() {
            let limit = generation.settings.timeouts.handshake;
            let answer = timeout(limit, seat.room().ask(self.connection)).await;
            let answer = answer.map_err(|_| undecided(NoDecision::TooSlow))?;
            // Where nobody answers, the instance has failed on somebody else's event.
            let Ok(decision) = answer else { return Ok(None) };
            let decision = decision.map_err(undecided)?;
            accepted = self.obey(decision, generation)?;
        }
        Ok(Some((Guest::Seated(seat), accepted)))
    }

    /// Does what the gate has decided, if that can be done.
    fn obey(&self, decision: Decision, generation: &Generation) -> Result<Accepted, Response> {
        let offers = |name: &str| self.connection.shared().mailbox.offers_subprotocol(name);
        let checked = match decision {
            Ok(acceptance) => acceptance.check(offers).map(Ok),
            Err(rejection) => rejection.check().map(Err),
        };
        match checked {
            Ok(Ok(mut accepted)) => {
                if let Some(attachment) = accepted.attachment.take() {
                    self.connection.learn(|opening| opening.attachment = Some(attachment));
                }
                if let Some(subprotocol) = &accepted.subprotocol {
                    self.connection.shared().mailbox.agree_to(subprotocol);
                }
                Ok(accepted)
            }
            Ok(Err(rejected)) => Err(response::rejected(rejected)),
            Err(why) => {
                if generation.account.may_notice() {
                    tracing::error!(
                        peer = %self.asked.peer,
                        handler = &*generation.account.name,
                        generation = generation.number,
                        "handshake refused: the gate's answer has {why}"
                    );
                }
                Err(undecided(NoDecision::Failed))
            }
        }
    }

    /// Whether another instance may be started: the slot for it, or the refusal.
    async fn may_start(&self, generation: &Generation) -> Result<InstanceSlot, Response> {
        if let Some(left) = generation.pause_left() {
            return Err(response::unavailable_for(left, "the handler fails again and again"));
        }
        let may_rest = generation.prepared.has_snapshot();
        let slot = self.host.instances.reserve_soon(&generation.account, may_rest).await;
        slot.map_err(|limit| super::check::full(limit, self.asked.peer, &generation.account))
    }
}

/// The generation that a path leads to, or the refusal where there is none yet.
pub(super) fn generation(handler: &Handler, path: &str) -> Result<Arc<Generation>, Response> {
    handler.generation_for(path).ok_or_else(|| match **handler.absence.load() {
        Absence::Compiling => unavailable("the handler is being compiled"),
        Absence::Failed => refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the handler could not be loaded; the server's log says why",
        ),
    })
}

fn undecided(why: NoDecision) -> Response {
    match why {
        NoDecision::TooSlow => {
            refuse(StatusCode::GATEWAY_TIMEOUT, "the handler took too long to decide")
        }
        NoDecision::Failed => {
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "the handler failed to decide")
        }
    }
}

fn cannot_start(failure: &Failure) -> Response {
    if failure.is_of_the_host() {
        let limit = failure.cause();
        return unavailable(format_args!("the server is full: {limit}"));
    }
    refuse(StatusCode::INTERNAL_SERVER_ERROR, "the handler could not be started")
}
