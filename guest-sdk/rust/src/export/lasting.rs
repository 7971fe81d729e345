//! How the state of an instance is written, for the next one to take up.
//!
//! `kind schema-of-members [length room] { id length member }*`, all numbers in little
//! endian; `saved.schema` is the handler's or the room's own. Where a handler's connections
//! have set timers, `kind count { timer connection repeats }* { id length member }*`.

use crate::bindings::lasting::exports::socklet::websocket::snapshot;
use crate::owners::{self, Owned};
use crate::snapshot::{encode, restore};
use crate::{Connection, Handler, Members, Room, Snapshot, SnapshotError, logging};

use super::{Events, Export, Shared, States};

/// What comes first: which of the two it is of, and in which form.
const OF_STATES: u8 = 1;
const OF_ROOM: u8 = 2;
/// Of a room that nobody has been in.
const OF_NOBODY: u8 = 3;
const OF_STATES_AND_TIMERS: u8 = 4;

/// Events whose state can be given to another instance.
pub trait Lasting: Events {
    /// The schema, and the state.
    fn suspend(&self) -> Result<(u32, Vec<u8>), SnapshotError>;

    /// Takes the state up, for these connections.
    fn resume(&self, connections: &[u64], schema: u32, state: &[u8]) -> Result<(), SnapshotError>;
}

/// What is exported beside the events.
pub trait ExportSnapshot: Export<Events: Lasting> {}

impl<E: ExportSnapshot> snapshot::Guest for E {
    fn suspend() -> Result<snapshot::Saved, snapshot::SnapshotError> {
        let (schema, state) = E::events().with(Lasting::suspend)?;
        Ok(snapshot::Saved { schema, state })
    }

    fn resume(
        connections: Vec<u64>,
        saved: snapshot::Saved,
    ) -> Result<(), snapshot::SnapshotError> {
        logging::install();
        let resume = |events: &E::Events| events.resume(&connections, saved.schema, &saved.state);
        Ok(E::events().with(resume)?)
    }
}

impl<H: Handler + Snapshot> Lasting for States<H> {
    fn suspend(&self) -> Result<(u32, Vec<u8>), SnapshotError> {
        let mut state = vec![OF_STATES];
        put_timers(&mut state);
        for (id, handler) in self.by_id.borrow().iter() {
            state.extend(id.to_le_bytes());
            put(&mut state, &encode(&**handler)?)?;
        }
        Ok((H::SCHEMA, state))
    }

    fn resume(&self, connections: &[u64], schema: u32, state: &[u8]) -> Result<(), SnapshotError> {
        let mut timers = Vec::new();
        let mut saved = match state.split_first() {
            Some((&OF_STATES_AND_TIMERS, rest)) => {
                let mut rest = Bytes(rest);
                for _ in 0..rest.u32()? {
                    let (timer, connection) = (rest.u64()?, rest.u64()?);
                    timers.push(Owned { timer, connection, repeats: rest.take(1)? == [1] });
                }
                rest
            }
            _ => Bytes::of(state, OF_STATES)?,
        };
        timers.retain(|owned| connections.binary_search(&owned.connection).is_ok());
        owners::restore(timers);
        let mut states = self.by_id.borrow_mut();
        while !saved.0.is_empty() {
            let (id, state) = (saved.u64()?, saved.block()?);
            if connections.binary_search(&id).is_ok() {
                // It may set timers.
                owners::begin(id);
                states.push((id, Box::new(restore(schema, state)?)));
            }
        }
        all_there(connections, states.iter().map(|(id, _)| *id))
    }
}

impl<R: Room<Member: Snapshot> + Snapshot> Lasting for Shared<R> {
    fn suspend(&self) -> Result<(u32, Vec<u8>), SnapshotError> {
        let (room, members) = &*self.inner.borrow();
        let Some(room) = room else { return Ok((R::SCHEMA, vec![OF_NOBODY])) };
        let mut state = vec![OF_ROOM];
        state.extend(<R::Member as Snapshot>::SCHEMA.to_le_bytes());
        put(&mut state, &encode(room)?)?;
        for (connection, member) in members.iter() {
            state.extend(connection.id().to_le_bytes());
            put(&mut state, &encode(member)?)?;
        }
        Ok((R::SCHEMA, state))
    }

    fn resume(&self, connections: &[u64], schema: u32, state: &[u8]) -> Result<(), SnapshotError> {
        if state == [OF_NOBODY] {
            return all_there(connections, std::iter::empty());
        }
        let mut saved = Bytes::of(state, OF_ROOM)?;
        let schema_of_members = saved.u32()?;
        let room = restore(schema, saved.block()?)?;
        let mut members = Members::empty();
        while !saved.0.is_empty() {
            let (id, member) = (saved.u64()?, saved.block()?);
            if connections.binary_search(&id).is_ok() {
                members.insert(Connection::new(id), restore(schema_of_members, member)?);
            }
        }
        all_there(connections, members.iter().map(|(connection, _)| connection.id()))?;
        *self.inner.borrow_mut() = (Some(room), members);
        Ok(())
    }
}

/// Compiles for events whose state can be kept only.
pub const fn check_snapshot<E: Lasting>() {}

/// Both are sorted.
fn all_there(connections: &[u64], states: impl Iterator<Item = u64>) -> Result<(), SnapshotError> {
    match states.eq(connections.iter().copied()) {
        true => Ok(()),
        false => Err(SnapshotError::failed("the state is not that of all connections")),
    }
}

/// Whose timers there are, where there are any.
fn put_timers(state: &mut Vec<u8>) {
    let timers = owners::all();
    if timers.is_empty() {
        return;
    }
    state[0] = OF_STATES_AND_TIMERS;
    // The host has no more than ten thousand of them.
    state.extend((timers.len() as u32).to_le_bytes());
    for Owned { timer, connection, repeats } in timers {
        state.extend(timer.to_le_bytes());
        state.extend(connection.to_le_bytes());
        state.push(u8::from(repeats));
    }
}

fn put(state: &mut Vec<u8>, block: &[u8]) -> Result<(), SnapshotError> {
    let length = u32::try_from(block.len());
    let length = length.map_err(|_| SnapshotError::failed("a state over 4 GiB"))?;
    state.extend(length.to_le_bytes());
    state.extend(block);
    Ok(())
}

/// What is left of a state to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn of(state: &'a [u8], kind: u8) -> Result<Self, SnapshotError> {
        match state.split_first() {
            Some((first, rest)) if *first == kind => Ok(Bytes(rest)),
            _ => Err(SnapshotError::failed("the state is that of a handler of another kind")),
        }
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], SnapshotError> {
        let too_short = || SnapshotError::failed("the state is cut short");
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or_else(too_short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u32(&mut self) -> Result<u32, SnapshotError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, SnapshotError> {
        self.array().map(u64::from_le_bytes)
    }

    fn block(&mut self) -> Result<&'a [u8], SnapshotError> {
        let length = self.u32()?;
        // Where a pointer has fewer bits, no slice is that long.
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }
}
