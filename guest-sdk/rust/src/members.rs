//! The connections of a room, and what it keeps for each of them.

use std::ops::{Index, IndexMut};

use log::error;

use crate::{AsMessage, Connection, MessageRef, Room, WriteError};

/// The members of a [`Room`]: its connections, in the order of their ids, each with
/// its [`Member`](Room::Member).
///
/// `members[connection]` is what is kept for one that is a member for certain, as the
/// sender of a message is; [`get`](Self::get) is for others.
///
/// ```
/// use socklet_guest::prelude::*;
///
/// struct Chat;
///
/// impl Room for Chat {
///     /// The name.
///     type Member = String;
///
///     fn open(_connection: &Connection, _request: &Request) -> Self {
///         Chat
///     }
///
///     fn on_ready(
///         &mut self,
///         _members: &mut Members<Self>,
///         _connection: &Connection,
///         request: &Request,
///     ) -> String {
///         request.query("name").unwrap_or("guest".into()).into_owned()
///     }
///
///     fn on_message(
///         &mut self,
///         members: &mut Members<Self>,
///         connection: &Connection,
///         message: Message,
///     ) {
///         let name = &members[connection];
///         members.broadcast(format!("{name}: {message}"));
///     }
/// }
/// ```
pub struct Members<R: Room> {
    // Sorted by id, which makes a room of a thousand ten steps to search. Ids grow, so
    // who joins goes to the end, or close to it. A map would be larger and slower to
    // walk, which is what a room does most.
    entries: Vec<(Connection, R::Member)>,
}

impl<R: Room> Members<R> {
    pub(crate) const fn empty() -> Self {
        Members { entries: Vec::new() }
    }

    /// Sends a message to every member.
    ///
    /// No member holds up another. One that reads more slowly than the room writes,
    /// so that its queue is full, is closed with 1013, "try again later", as
    /// [`Connection::write`] does, and its `on_close` follows later; the others get
    /// the message. One that is closing is passed over.
    ///
    /// A message over the host's `max-message-size` goes to nobody, which is logged,
    /// and closes nobody: else a member could end the room with a message that is
    /// just small enough to come in, and too large once its name is before it.
    ///
    /// Every member's queue gets its copy. Where thousands get each message and the
    /// room has nothing to say about it, a topic costs less.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn announce<R: Room>(members: &Members<R>, price: u32) {
    ///     members.broadcast(format!("the price is {price}"));
    /// }
    /// ```
    pub fn broadcast(&self, message: impl AsMessage) {
        self.write_to_all(None, message.as_message());
    }

    /// Sends a message to every member but one, as [`broadcast`](Self::broadcast)
    /// does.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn relay<R: Room>(members: &Members<R>, sender: &Connection, message: &Message) {
    ///     members.broadcast_except(sender, message);
    /// }
    /// ```
    pub fn broadcast_except(&self, connection: &Connection, message: impl AsMessage) {
        self.write_to_all(Some(connection), message.as_message());
    }

    /// Each connection with what is kept for it, in the order of their ids.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn names(members: &Members<impl Room<Member = String>>) -> Vec<&str> {
    ///     members.iter().map(|(_, name)| name.as_str()).collect()
    /// }
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (&Connection, &R::Member)> {
        self.entries.iter().map(|(connection, member)| (connection, member))
    }

    /// The same, to change what is kept.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn new_round(members: &mut Members<impl Room<Member = u32>>) {
    ///     for (connection, points) in members.iter_mut() {
    ///         *points = 0;
    ///         connection.write("a new round begins");
    ///     }
    /// }
    /// ```
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Connection, &mut R::Member)> {
        self.entries.iter_mut().map(|(connection, member)| (&*connection, member))
    }

    /// Each member but one, as [`iter`](Self::iter) has them.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn greet(members: &Members<impl Room<Member = String>>, newcomer: &Connection) {
    ///     for (_, name) in members.others(newcomer) {
    ///         newcomer.write(format!("{name} is here"));
    ///     }
    /// }
    /// ```
    pub fn others(
        &self,
        connection: &Connection,
    ) -> impl Iterator<Item = (&Connection, &R::Member)> {
        self.iter().filter(move |(other, _)| *other != connection)
    }

    /// What is kept for a connection; `None` where it is no member of this room.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// /// Whose turn it is may have left meanwhile.
    /// fn next_turn(members: &Members<impl Room<Member = String>>, turn: &Connection) {
    ///     match members.get(turn) {
    ///         Some(name) => members.broadcast(format!("{name} is next")),
    ///         None => members.broadcast("the game is over"),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn get(&self, connection: &Connection) -> Option<&R::Member> {
        let place = self.place(connection).ok()?;
        Some(&self.entries[place].1)
    }

    /// The same, to change it.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn award(members: &mut Members<impl Room<Member = u32>>, winner: &Connection) {
    ///     if let Some(points) = members.get_mut(winner) {
    ///         *points += 1;
    ///     }
    /// }
    /// ```
    pub fn get_mut(&mut self, connection: &Connection) -> Option<&mut R::Member> {
        let place = self.place(connection).ok()?;
        Some(&mut self.entries[place].1)
    }

    /// How many there are.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// const SEATS: usize = 4;
    ///
    /// fn seat<R: Room>(members: &Members<R>, newcomer: &Connection) {
    ///     if members.len() == SEATS {
    ///         newcomer.close(4001, "the table is full");
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    ///
    /// ```
    /// use socklet_guest::prelude::*;
    ///
    /// fn greeting<R: Room>(members: &Members<R>) -> &'static str {
    ///     if members.is_empty() { "you are the first" } else { "welcome" }
    /// }
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn insert(&mut self, connection: Connection, member: R::Member) {
        let Err(place) = self.place(&connection) else { called_twice() };
        self.entries.insert(place, (connection, member));
    }

    pub(crate) fn remove(&mut self, connection: &Connection) -> R::Member {
        let Ok(place) = self.place(connection) else { no_member(connection) };
        self.entries.remove(place).1
    }

    fn place(&self, connection: &Connection) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&connection.id(), |(other, _)| other.id())
    }

    fn write_to_all(&self, except: Option<&Connection>, message: MessageRef<'_>) {
        for (connection, _) in &self.entries {
            if Some(connection) == except {
                continue;
            }
            match connection.queue(message) {
                Ok(()) => {}
                // The bound is the same for all of them.
                Err(refusal @ WriteError::TooLarge) => {
                    return error!("a broadcast reaches nobody: {refusal}");
                }
                Err(refusal) => connection.close_for(refusal),
            }
        }
    }
}

impl<R: Room> Index<&Connection> for Members<R> {
    type Output = R::Member;

    fn index(&self, connection: &Connection) -> &R::Member {
        let Ok(place) = self.place(connection) else { no_member(connection) };
        &self.entries[place].1
    }
}

impl<R: Room> IndexMut<&Connection> for Members<R> {
    fn index_mut(&mut self, connection: &Connection) -> &mut R::Member {
        let Ok(place) = self.place(connection) else { no_member(connection) };
        &mut self.entries[place].1
    }
}

#[cold]
fn no_member(connection: &Connection) -> ! {
    panic!("connection {} is no member of this room", connection.id())
}

#[cold]
fn called_twice() -> ! {
    panic!("the host calls on-ready once for each connection")
}

#[cfg(test)]
mod tests {
    use super::Members;
    use crate::{Connection, Request, Room};

    /// Keeps a word for each member.
    struct Words;

    impl Room for Words {
        type Member = &'static str;

        fn open(_: &Connection, _: &Request) -> Self {
            Words
        }

        fn on_ready(&mut self, _: &mut Members<Self>, _: &Connection, _: &Request) -> &'static str {
            ""
        }
    }

    fn members(entries: &[(u64, &'static str)]) -> Members<Words> {
        let mut members = Members::empty();
        for (id, word) in entries {
            members.insert(Connection::new(*id), *word);
        }
        members
    }

    fn listed<'a>(
        members: impl Iterator<Item = (&'a Connection, &'a &'static str)>,
    ) -> Vec<(u64, &'static str)> {
        members.map(|(connection, word)| (connection.id(), *word)).collect()
    }

    #[test]
    fn members_are_listed_by_id_however_they_came() {
        let members = members(&[(5, "e"), (9, "i"), (2, "b"), (7, "g")]);
        assert_eq!(listed(members.iter()), [(2, "b"), (5, "e"), (7, "g"), (9, "i")]);
        assert_eq!(members.len(), 4);
    }

    #[test]
    fn others_are_all_but_one() {
        let members = members(&[(1, "a"), (2, "b"), (3, "c")]);
        assert_eq!(listed(members.others(&Connection::new(2))), [(1, "a"), (3, "c")]);
        assert_eq!(members.others(&Connection::new(4)).count(), 3);
    }

    #[test]
    fn each_is_found_by_its_connection() {
        let mut members = members(&[(1, "a"), (2, "b")]);
        assert_eq!(members[&Connection::new(2)], "b");
        members[&Connection::new(2)] = "B";
        assert_eq!(members.get(&Connection::new(2)), Some(&"B"));
        assert_eq!(members.get_mut(&Connection::new(3)), None);
        for (connection, word) in members.iter_mut() {
            if connection.id() == 1 {
                *word = "A";
            }
        }
        assert_eq!(listed(members.iter()), [(1, "A"), (2, "B")]);
    }

    #[test]
    fn who_is_removed_is_handed_back_and_the_others_stay() {
        let mut members = members(&[(1, "a"), (2, "b"), (3, "c")]);
        assert_eq!(members.remove(&Connection::new(2)), "b");
        assert_eq!(listed(members.iter()), [(1, "a"), (3, "c")]);
        members.remove(&Connection::new(1));
        members.remove(&Connection::new(3));
        assert!(members.is_empty());
    }

    #[test]
    #[should_panic(expected = "connection 4 is no member of this room")]
    fn a_stranger_is_not_found_in_silence() {
        let _ = members(&[(1, "a")])[&Connection::new(4)];
    }
}
