//! State that outlives its instance.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a [`Handler`](crate::Handler), a [`Room`](crate::Room) or a member of one
/// remembers when its component is replaced.
///
/// Name it to [`export!`](crate::export!) beside the handler's or the room's trait, and
/// derive serde's `Serialize` and `Deserialize`; of a room its
/// [`Member`](crate::Room::Member) needs all that as well. When the file of a running
/// handler is replaced by another one that is exported like that, the host asks the old
/// instance for its state, gives it to a new one, and has the live connections go on
/// there. No event tells of it: neither `on_ready` nor `on_close` is called.
///
/// The state is written as MessagePack with the names of its fields, so a field can be
/// added with `#[serde(default)]`, or removed, and older states are still read. For other
/// changes count [`SCHEMA`](Self::SCHEMA) up and write [`upgrade`](Self::upgrade).
///
/// Statics and thread-locals are not part of it: they begin anew.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use socklet_guest::prelude::*;
///
/// /// Counts the messages of one connection, over all its versions.
/// #[derive(Serialize, Deserialize)]
/// struct Counter {
///     messages: u64,
/// }
///
/// impl Snapshot for Counter {
///     const SCHEMA: u32 = 1;
/// }
///
/// impl Handler for Counter {
///     fn on_ready(_connection: &Connection, _request: &Request) -> Self {
///         Counter { messages: 0 }
///     }
///
///     fn on_message(&mut self, connection: &Connection, _message: Message) {
///         self.messages += 1;
///         connection.write(self.messages.to_string());
///     }
/// }
///
/// socklet_guest::export!(Counter: Handler + Snapshot);
/// ```
#[diagnostic::on_unimplemented(
    message = "the state of `{Self}` can't be kept",
    note = "implement `socklet_guest::Snapshot` for it, or leave `+ Snapshot` out of `export!`"
)]
pub trait Snapshot: Serialize + DeserializeOwned {
    /// Names the form in which the state is written.
    const SCHEMA: u32;

    /// Makes a state of one that was written in another form.
    ///
    /// Answers [`SnapshotError::UnknownSchema`] unless it is written. Then the connections
    /// go on in the old version, and the host's log says why.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use socklet_guest::prelude::*;
    ///
    /// /// Version 1 counted all messages as one.
    /// #[derive(Deserialize)]
    /// struct CounterV1 {
    ///     messages: u64,
    /// }
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Counter {
    ///     texts: u64,
    ///     binaries: u64,
    /// }
    ///
    /// impl Snapshot for Counter {
    ///     const SCHEMA: u32 = 2;
    ///
    ///     fn upgrade(older: &Older<'_>) -> Result<Self, SnapshotError> {
    ///         match older.schema() {
    ///             1 => {
    ///                 let CounterV1 { messages } = older.read()?;
    ///                 Ok(Counter { texts: messages, binaries: 0 })
    ///             }
    ///             _ => Err(SnapshotError::UnknownSchema),
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Says why the state can't be taken up.
    fn upgrade(older: &Older<'_>) -> Result<Self, SnapshotError> {
        let _ = older;
        Err(SnapshotError::UnknownSchema)
    }
}

/// A state in another form than [`Snapshot::SCHEMA`] names.
#[derive(Debug)]
pub struct Older<'a> {
    schema: u32,
    bytes: &'a [u8],
}

impl Older<'_> {
    /// The form in which it is written. It may be a newer one, where a version was
    /// rolled back.
    #[must_use]
    pub fn schema(&self) -> u32 {
        self.schema
    }

    /// Reads it as what it was.
    ///
    /// # Errors
    ///
    /// Where it was something else.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, SnapshotError> {
        decode(self.bytes)
    }
}

/// Why a state was not taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Its form is not known.
    UnknownSchema,
    /// For this reason, which the host logs.
    Failed(String),
}

impl SnapshotError {
    /// With a reason for the host's log.
    pub fn failed(why: impl Into<String>) -> Self {
        Self::Failed(why.into())
    }
}

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UnknownSchema => "the state is of an unknown schema",
            Self::Failed(why) => why,
        })
    }
}

impl std::error::Error for SnapshotError {}

/// States that need no versions, for members of rooms.
macro_rules! plain {
    ($($type:ty)*) => {$(
        impl Snapshot for $type {
            const SCHEMA: u32 = 0;
        }
    )*};
}

plain! { () bool char String u8 u16 u32 u64 i8 i16 i32 i64 f32 f64 }

pub(crate) fn encode<T: Serialize>(state: &T) -> Result<Vec<u8>, SnapshotError> {
    rmp_serde::to_vec_named(state).map_err(|error| SnapshotError::failed(error.to_string()))
}

/// Reads a state of whatever schema.
pub(crate) fn restore<T: Snapshot>(schema: u32, bytes: &[u8]) -> Result<T, SnapshotError> {
    match schema == T::SCHEMA {
        true => decode(bytes),
        false => T::upgrade(&Older { schema, bytes }),
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, SnapshotError> {
    rmp_serde::from_slice(bytes).map_err(|error| SnapshotError::failed(error.to_string()))
}
