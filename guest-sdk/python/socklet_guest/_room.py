"""The base class of handlers whose connections share an instance."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import _host
from ._connection import Connection, Message, WriteOutcome, plain
from ._gate import Acceptance, Rejection
from ._lasting import Lasting

if TYPE_CHECKING:
    from typing import Self

    from ._events import CloseEvent
    from ._request import Request
    from .timers import Timer

Member = TypeVar("Member")
"""What a room keeps for each of its connections."""


class Members(Mapping[Connection, Member]):
    """The members of a `Room`: its connections, in the order of their ids, each with what
    the room keeps for it.

    A mapping: `members[connection]` is what is kept for one, and `members[connection] = …`
    changes that; `len(members)`, `connection in members` and `members.items()` are as those
    of a dict. Members come and go by themselves.
    """

    __slots__ = ("_ids", "_members")

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._members: dict[Connection, Member] = {}

    def broadcast(self, message: Message, exclude: Connection | None = None) -> None:
        """Sends a message to every member, or to every one but `exclude`.

        A member that reads too slowly is closed with 1013 and holds up nobody. A message
        over the host's `max-message-size` goes to nobody, which is logged, and closes
        nobody: else a member could end the room with a message that is just small enough
        to come in, and too large once its name is before it.

        Every member's queue gets its copy. Where thousands get each message and the room
        has nothing to say about it, a topic costs less.
        """
        message = plain(message)
        excluded = None if exclude is None else exclude.id
        write = _host.host.write
        for id in self._ids:
            if id == excluded:
                continue
            outcome = write(id, message)
            if outcome is WriteOutcome.TOO_LARGE:
                # The bound is the same for all of them.
                why = "a message was over max-message-size: split it"
                _host.host.log("error", f"a broadcast reaches nobody: {why}")
                return
            if outcome is not WriteOutcome.QUEUED:
                Connection(id)._close_for(outcome)

    def others(self, connection: Connection) -> Iterator[tuple[Connection, Member]]:
        """Each member but one, with what is kept for it."""
        return ((other, kept) for other, kept in self.items() if other != connection)

    def __getitem__(self, connection: Connection) -> Member:
        return self._members[connection]

    def __setitem__(self, connection: Connection, member: Member) -> None:
        if connection not in self._members:
            raise KeyError(f"{connection!r} is no member: on_ready returns what is kept for it")
        self._members[connection] = member

    def __contains__(self, connection: object) -> bool:
        return connection in self._members

    def __iter__(self) -> Iterator[Connection]:
        return (Connection(id) for id in self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def __repr__(self) -> str:
        return f"<Members {self._members!r}>"

    def _insert(self, connection: Connection, member: Member) -> None:
        insort(self._ids, connection.id)
        self._members[connection] = member

    def _remove(self, connection: Connection) -> Member:
        self._ids.remove(connection.id)
        return self._members.pop(connection)


class Room(Lasting, Generic[Member]):
    """A handler of many connections at once; its object is what they share.

    It is for a handler whose manifest says `scope = "path"`, where each distinct path has a
    room of its own, or `scope = "handler"`, where one room has them all. One event runs at a
    time for the whole room, so nothing needs a lock. While one runs, all of the room waits:
    return soon.

    `self.members` holds the connections. `on_ready` returns what the room keeps for one: a
    name, a seat, `None`. Name its type in brackets::

        class Chat(Room[str]):
            def on_ready(self, connection: Connection, request: Request) -> str:
                return request.query("name", "guest")

            def on_message(self, connection: Connection, message: Message) -> None:
                self.broadcast(f"{self.members[connection]}: {message}")

    A connection is a member from the end of its `on_ready` to the beginning of its
    `on_close`, so in these two events `members` are the others. The room lives on for
    `linger` (30 s by default) when its last member has left.

    An exception that nobody catches is logged with its traceback and closes the connection
    of its event with 1011; the room and its other members go on.
    """

    # Not an attribute in `vars`, which are the state.
    __slots__ = ("__dict__", "__weakref__", "_members")

    _members: Members[Member]

    def __new__(cls, *arguments: object, **keywords: object) -> Self:
        room = super().__new__(cls)
        room._members = Members()
        return room

    @property
    def members(self) -> Members[Member]:
        """Who is in the room."""
        return self._members

    def broadcast(self, message: Message, exclude: Connection | None = None) -> None:
        """Sends a message to every member, as `Members.broadcast` does."""
        self._members.broadcast(message, exclude)

    @classmethod
    def on_request(cls, connection: Connection, request: Request) -> Acceptance | Rejection:
        """The gate: decides about a handshake before it is answered. See
        `Handler.on_request`."""
        return Acceptance()

    def open(self, connection: Connection, request: Request) -> None:
        """The room has its first connection, whose `on_ready` follows.

        With `scope = "path"` the path is the same for all who come later, and so are the
        route's captures; the rest of the request is that of the first connection alone.
        Not called where a state is taken up.
        """

    def on_ready(self, connection: Connection, request: Request) -> Member:
        """A connection is open: the handshake is done, and writes reach the peer. Returns
        what the room keeps for it. To turn the peer away, close the connection here."""
        return None  # type: ignore[return-value]

    def on_message(self, connection: Connection, message: Message) -> None:
        """The peer of a member sent a message: `str` for text, `bytes` for binary."""

    def on_close(self, connection: Connection, member: Member, event: CloseEvent) -> None:
        """A connection has ended; writes to it do nothing. `member` is what was kept for
        it."""

    def on_alarm(self, timer: Timer) -> None:
        """A timer of the room has gone off. There may be nobody in it: while it lingers its
        timers go off as ever."""

    def suspend(self) -> Any:
        return self._suspend()

    def resume(self, state: Any) -> None:
        """Takes up the state of a room, in place of `open`, on an object that has just been
        made; its members are there by now. It need not be written: what `suspend` returned
        as a dict of attributes is set again. Whatever is raised keeps the room where it was.
        """
        self._resume(state)
