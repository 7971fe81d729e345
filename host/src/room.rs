//! An instance that many connections share, and the turns that they take.
//!
//! A connection with events for its instance stands in the room's line once, and for
//! each turn one of them is taken: whoever sends faster than others waits longer, and
//! is read from no faster than its mailbox is emptied. The room's own task drives the
//! instance; sessions put connections into the line, and are woken when an event has
//! written to them.
//!
//! A room begins with its first connection and ends some time after its last, or with
//! a failure of its instance, which ends its connections as well.

mod alarms;
mod task;

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use futures_util::task::AtomicWaker;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

use crate::alarms::Alarms;
use crate::connection::{Connection, ConnectionId, NOBODY};
use crate::failure::Failure;
use crate::gate::{Decision, NoDecision, Question};
use crate::generation::{Generation, Hold};
use crate::mailbox::Event;
use crate::messages::Incoming;
use crate::trial::Culprit;

pub(crate) use task::open;

pub(crate) struct Room {
    inner: Mutex<Inner>,
    /// The task that waits for the next event.
    task: AtomicWaker,
    /// Somebody has come or gone, or nobody new will come.
    changed: Notify,
    stage: watch::Sender<Stage>,
    /// An event has gone well since the task last looked.
    succeeded: AtomicBool,
    /// Somebody has been in it, and not only asked to.
    used: AtomicBool,
    /// The generation in which it is found.
    home: ArcSwap<Generation>,
    /// It has another home than before.
    moved: Notify,
    /// Its task wants to hear of the next event.
    resting: AtomicBool,
    stirred: Notify,
    /// Its instance has set timers.
    timed: AtomicBool,
}

#[derive(Default)]
struct Inner {
    members: HashMap<ConnectionId, Arc<Connection>>,
    /// Connections with events, each once, and handshakes, in the order of their turns.
    line: VecDeque<Turn>,
    /// The one whose event is under way, and whether that is its last one.
    current: Option<(Arc<Connection>, bool)>,
    /// Those whose sessions have something to do since events wrote to them.
    marked: Vec<Arc<Connection>>,
    /// Before anybody else has a turn, the instance is asked for its state.
    suspending: bool,
    /// Of the generation whose instance serves, while the room has another home.
    hold: Option<Hold>,
    /// When the last event has ended; none before the first.
    last_event: Option<Instant>,
    /// Nothing stands in line any more.
    over: bool,
    /// The timers of its instance. None where that has never set any.
    alarms: Option<Box<Alarms>>,
    /// One of them stands in line.
    ringing: bool,
}

/// Whose turn it is.
enum Turn {
    Connection(Arc<Connection>),
    Handshake(Question),
    /// That of the timer that has gone off first.
    Alarm,
}

/// How far a room has come.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    Starting,
    Serving,
    /// Its instance never was, or is no more. The peers' close reason where it failed.
    Over(Over),
}

/// Why a room has ended.
#[derive(Clone, Debug)]
pub(crate) enum Over {
    /// Nobody was in it.
    Empty,
    /// Its instance could not start.
    Unstarted(Arc<Failure>),
    /// Its instance has failed, for this reason.
    Failed((u16, String)),
}

impl Room {
    fn new(home: Arc<Generation>) -> Self {
        Self {
            inner: Mutex::default(),
            task: AtomicWaker::new(),
            changed: Notify::new(),
            stage: watch::Sender::new(Stage::Starting),
            succeeded: AtomicBool::new(false),
            used: AtomicBool::new(false),
            home: ArcSwap::new(home),
            moved: Notify::new(),
            resting: AtomicBool::new(false),
            stirred: Notify::new(),
            timed: AtomicBool::new(false),
        }
    }

    /// The generation in which it is found, and which those who are in it belong to.
    pub(crate) fn home(&self) -> Arc<Generation> {
        self.home.load_full()
    }

    /// It is found in another generation from now on. Whoever locks that one's rooms calls
    /// this.
    pub(crate) fn set_home(&self, home: &Arc<Generation>) {
        self.home.store(home.clone());
        self.moved.notify_one();
        for member in self.inner().members.values() {
            member.look_again();
        }
    }

    /// Its instance is still of this generation, unless it was of an older one already.
    pub(crate) fn hold(&self, of: &Arc<Generation>) {
        self.inner().hold.get_or_insert_with(|| Hold::new(of));
    }

    /// Its instance is of its home.
    pub(crate) fn let_go(&self) {
        let hold = self.inner().hold.take();
        drop(hold);
    }

    /// Has nobody find it any more; where it has to be empty for that, unless it is not.
    fn remove(self: &Arc<Self>, key: &str, only_empty: bool) -> bool {
        loop {
            let home = self.home();
            if home.remove_room(key, self, || !only_empty || self.is_empty()) {
                return true;
            }
            // It may have moved just now.
            if Arc::ptr_eq(&home, &self.home()) {
                return false;
            }
        }
    }

    /// Waits until an event has ended.
    async fn stirred(&self) {
        self.resting.store(true, Relaxed);
        self.stirred.notified().await;
    }

    fn last_event(&self) -> Option<Instant> {
        self.inner().last_event
    }

    fn has_turns(&self) -> bool {
        !self.inner().line.is_empty()
    }

    /// Waits until somebody's turn has come.
    async fn has_turn(&self) {
        poll_fn(|cx| {
            self.task.register(cx.waker());
            match self.inner().line.is_empty() {
                true => Poll::Pending,
                false => Poll::Ready(()),
            }
        })
        .await;
    }

    /// Has the instance asked for its state, before anybody else has a turn.
    fn suspend(&self) {
        self.inner().suspending = true;
        self.task.wake();
    }

    /// Waits until its instance serves. The error says why it does not.
    pub(crate) async fn started(&self) -> Result<(), Over> {
        let mut stage = self.stage.subscribe();
        let stage = stage.wait_for(|stage| !matches!(stage, Stage::Starting)).await;
        match stage.as_deref() {
            Ok(Stage::Over(why)) => Err(why.clone()),
            // The sender is this room's own.
            Ok(Stage::Serving | Stage::Starting) | Err(_) => Ok(()),
        }
    }

    /// Why its instance is no more, once it is not.
    fn failure(&self) -> Option<(u16, String)> {
        match &*self.stage.borrow() {
            Stage::Over(Over::Failed(reason)) => Some(reason.clone()),
            _ => None,
        }
    }

    /// A connection is its instance's from now on.
    fn enter(&self, connection: &Arc<Connection>) {
        self.inner().members.insert(connection.id(), connection.clone());
        self.changed.notify_one();
    }

    fn leave(&self, connection: &Connection) {
        self.inner().members.remove(&connection.id());
        self.changed.notify_one();
    }

    pub(crate) fn is_empty(&self) -> bool {
        let inner = self.inner();
        // A timer goes off for nobody.
        let nobody = |turn: &Turn| matches!(turn, Turn::Alarm);
        inner.members.is_empty() && inner.line.iter().all(nobody) && inner.current.is_none()
    }

    /// Nobody will come any more: it need not wait for anybody.
    pub(crate) fn look(&self) {
        self.changed.notify_one();
    }

    /// Puts a connection into the line, where it has events and does not stand yet.
    fn offer(&self, connection: &Arc<Connection>) {
        if connection.shared().stand_in_line() {
            self.inner().line.push_back(Turn::Connection(connection.clone()));
            self.task.wake();
        }
    }

    /// Asks its gate about a handshake. Where the room ends before the answer, that is
    /// told as an error.
    pub(crate) fn ask(
        &self,
        connection: &Arc<Connection>,
    ) -> oneshot::Receiver<Result<Decision, NoDecision>> {
        let (answer, answered) = oneshot::channel();
        let question = Question { connection: connection.clone(), answer };
        let mut inner = self.inner();
        if !inner.over {
            inner.line.push_back(Turn::Handshake(question));
            drop(inner);
            self.task.wake();
        }
        answered
    }

    /// The next event, of whoever's turn it is.
    pub(crate) fn poll_event(&self, cx: &mut Context<'_>) -> Poll<(ConnectionId, Event)> {
        self.task.register(cx.waker());
        if std::mem::take(&mut self.inner().suspending) {
            return Poll::Ready((NOBODY, Event::Suspend));
        }
        while let Some(turn) = self.next_in_line() {
            let connection = match turn {
                Turn::Connection(connection) => connection,
                Turn::Handshake(question) => {
                    return Poll::Ready((question.connection.id(), Event::Gate(question)));
                }
                Turn::Alarm => match self.take_alarm() {
                    Some(timer) => return Poll::Ready((NOBODY, Event::Alarm(timer))),
                    None => continue,
                },
            };
            let (event, again) = connection.shared().take_turn();
            let taken = event.map(|event| (connection.id(), event));
            let last = matches!(taken, Some((_, Event::Close(_))));
            let mut inner = self.inner();
            if again {
                inner.line.push_back(Turn::Connection(connection.clone()));
            }
            if let Some(taken) = taken {
                inner.current = Some((connection, last));
                return Poll::Ready(taken);
            }
            drop(inner);
            // Its session sees to it that what is held back stands in line again.
            connection.wake();
        }
        self.look_whether_deserted();
        Poll::Pending
    }

    /// The next event where it is a message; none where another one is next.
    pub(crate) fn poll_message(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(ConnectionId, Incoming)>> {
        self.task.register(cx.waker());
        if self.inner().suspending {
            return Poll::Ready(None);
        }
        while let Some(turn) = self.next_in_line() {
            let connection = match turn {
                Turn::Connection(connection) => connection,
                other @ (Turn::Handshake(_) | Turn::Alarm) => {
                    self.inner().line.push_front(other);
                    return Poll::Ready(None);
                }
            };
            let (message, again) = connection.shared().take_turn_for_message();
            let mut inner = self.inner();
            match message {
                Ok(Some(message)) => {
                    if again {
                        inner.line.push_back(Turn::Connection(connection.clone()));
                    }
                    let id = connection.id();
                    inner.current = Some((connection, false));
                    return Poll::Ready(Some((id, message)));
                }
                Ok(None) => {
                    drop(inner);
                    connection.wake();
                }
                Err(Another) => {
                    inner.line.push_front(Turn::Connection(connection));
                    return Poll::Ready(None);
                }
            }
        }
        Poll::Pending
    }

    /// The last event may have been of one whose session is gone.
    fn look_whether_deserted(&self) {
        if self.inner().members.is_empty() {
            self.changed.notify_one();
        }
    }

    fn next_in_line(&self) -> Option<Turn> {
        self.inner().line.pop_front()
    }

    /// The connection whose event is under way.
    pub(crate) fn current(&self) -> Option<Arc<Connection>> {
        self.inner().current.as_ref().map(|(connection, _)| connection.clone())
    }

    /// On whose behalf its instance is at work: whose event is under way, and where there
    /// is none, as at its start, whoever came first of those who are there.
    fn culprit(&self) -> Culprit {
        let inner = self.inner();
        let current = inner.current.as_ref().map(|(connection, _)| connection);
        let first = || inner.members.values().min_by_key(|member| member.id());
        current.or_else(first).map_or(Culprit::Unknown, |one| Culprit::of(one))
    }

    /// The event that was under way has ended well, if there was one, at this time.
    pub(crate) fn event_ended(&self, at: Instant) {
        let ended = {
            let mut inner = self.inner();
            inner.last_event = Some(at);
            inner.current.take()
        };
        if self.resting.load(Relaxed) && self.resting.swap(false, Relaxed) {
            self.stirred.notify_one();
        }
        if let Some((connection, last)) = ended {
            self.used.store(true, Relaxed);
            if connection.shared().end_turn(last) {
                self.succeeded.store(true, Relaxed);
            }
            self.mark(&connection);
        }
        self.wake_marked();
        self.look_whether_deserted();
    }

    /// The session has something to do: its connection was written to, or its event
    /// has ended.
    pub(crate) fn mark(&self, connection: &Arc<Connection>) {
        if connection.mark() {
            self.inner().marked.push(connection.clone());
        }
    }

    /// Wakes the sessions that have something to do.
    fn wake_marked(&self) {
        let mut marked = std::mem::take(&mut self.inner().marked);
        for connection in marked.drain(..) {
            connection.wake_marked();
        }
        let mut inner = self.inner();
        if inner.marked.is_empty() {
            // Its room is used again.
            inner.marked = marked;
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next event is no message.
pub(crate) struct Another;

/// A connection's place in a room, given up when dropped.
pub(crate) struct Seat {
    room: Arc<Room>,
    connection: Arc<Connection>,
}

/// What has become of a connection's events in a room.
pub(crate) enum Seated {
    /// They are being taken; so many have been begun.
    Serving(u64),
    /// `on-close` has returned.
    Finished,
    /// The instance has failed, and the peer is told this.
    Failed((u16, String)),
}

impl Seat {
    pub(crate) fn new(room: Arc<Room>, connection: Arc<Connection>) -> Self {
        room.enter(&connection);
        Self { room, connection }
    }

    /// Puts the connection into the line if it has events, and says how things are. Its
    /// session is woken when that changes.
    pub(crate) fn look(&self) -> Seated {
        if let Some(reason) = self.room.failure() {
            return Seated::Failed(reason);
        }
        let (begun, finished) = self.connection.shared().progress();
        if finished {
            return Seated::Finished;
        }
        self.room.offer(&self.connection);
        Seated::Serving(begun)
    }

    pub(crate) fn room(&self) -> &Arc<Room> {
        &self.room
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Where its session was dropped before its end, the instance hears of it too.
        if self.connection.shared().abandon() {
            self.room.offer(&self.connection);
        }
        self.room.leave(&self.connection);
    }
}
