"""What a handler asks its host, answered for a test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import _host
from .._connection import CloseOutcome, Connection, Message, WriteOutcome
from .._events import CloseEvent, events_of
from ..http import Denied, Outgoing

if TYPE_CHECKING:
    from . import Host

_MAX_TIMERS = 256
_YEAR = 365 * 24 * 60 * 60 * 1000


class Closed(NamedTuple):
    """What a connection was closed with."""

    code: int
    reason: str


class Published(NamedTuple):
    """What was published to a topic."""

    topic: str
    message: Message


class Instance:
    def __init__(self, kind: Any) -> None:
        self.events = events_of(kind)
        self.connections: list[int] = []


class SetTimer(NamedTuple):
    due: int
    every: int | None
    instance: Instance


class Peer:
    """The other end of a connection."""

    def __init__(self, host: Host, instance: Instance, id: int) -> None:
        self.connection = Connection(id)
        """The connection as the handler knows it."""
        self.received: list[Message] = []
        """All that was written to it, in order: `str` for text, `bytes` for binary."""
        self.closed: Closed | None = None
        """The close frame of the handler, once there is one."""
        self.slow = False
        """Set it to have the connection's queue be full: writes are refused as `full`."""
        self.topics: set[str] = set()
        """The topics that it is subscribed to."""
        self.buffered = 0
        """What `connection.buffered_amount` answers."""
        self._host, self._instance = host, instance
        self._taken = 0
        self._open = False
        self._params: dict[str, str] = {}
        self._claims: str | None = None
        self._attachment: bytes | None = None

    def take(self) -> list[Message]:
        """What was written to it since the last time that this was called."""
        taken, self._taken = self.received[self._taken :], len(self.received)
        return taken

    def send(self, message: Message) -> None:
        """Sends a message, and returns when its event is over."""
        if not self._open:
            raise ConnectionError(f"{self.connection!r} is closed: {self.closed}")
        self._host._run(self._instance, "message", self.connection.id, message)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes the connection from this side, by a close frame."""
        self._host._end(self, CloseEvent("peer", code, reason))

    def drop(self, detail: str = "") -> None:
        """Has the socket fail: the handler is told 1006."""
        self._host._end(self, CloseEvent("network", 1006, "", detail))

    def __repr__(self) -> str:
        return f"<Peer {self.connection.id}>"


class Asked:
    """The part of `Host` that the SDK asks."""

    def __init__(self, max_message_size: int) -> None:
        self.logged: list[tuple[str, str]] = []
        """What the SDK itself has logged: the level (`error`, `warn`, …) and the line."""
        self.published: list[Published] = []
        """All that was published."""
        self.requests: list[Outgoing] = []
        """All HTTP requests that were sent; each has a method, a url, headers and a body."""
        self.now = 0.0
        """Seconds since it was made, as `advance` has it."""
        self._max_message_size = max_message_size
        self._peers: dict[int, Peer] = {}
        self._current: Instance | None = None
        self._closing: list[Peer] = []
        self._timers: dict[int, SetTimer] = {}
        self._last_timer = 0
        self._may_set_timers = False
        self._answers: dict[str, tuple[int, list[tuple[str, bytes]], list[bytes]]] = {}

    def _mine(self, id: int) -> Peer | None:
        """An open connection of the running instance."""
        peer = self._peers.get(id)
        return peer if peer and peer._open and peer._instance is self._current else None

    def write(self, connection: int, message: Message) -> WriteOutcome:
        peer = self._mine(connection)
        if peer is None:
            return WriteOutcome.CLOSED
        if self._size(message) > self._max_message_size:
            return WriteOutcome.TOO_LARGE
        if peer.slow:
            return WriteOutcome.FULL
        peer.received.append(message)
        return WriteOutcome.QUEUED

    def _size(self, message: Message) -> int:
        return len(message.encode() if isinstance(message, str) else message)

    def close(self, connection: int, code: int, reason: str) -> CloseOutcome:
        peer = self._mine(connection)
        if peer is None:
            return CloseOutcome.CLOSED
        known = code in (1000, 1001, 1003) or 1007 <= code <= 1014 or 3000 <= code <= 4999
        if not known or len(reason.encode()) > 123:
            return CloseOutcome.INVALID
        peer._open, peer.closed = False, Closed(code, reason)
        self._closing.append(peer)
        return CloseOutcome.CLOSING

    def buffered_amount(self, connection: int) -> int:
        peer = self._mine(connection)
        return peer.buffered if peer else 0

    def params(self, connection: int) -> list[tuple[str, str]]:
        return list(self._peers[connection]._params.items()) if connection in self._peers else []

    def claims(self, connection: int) -> str | None:
        return self._peers[connection]._claims if connection in self._peers else None

    def attachment(self, connection: int) -> bytes | None:
        return self._peers[connection]._attachment if connection in self._peers else None

    def log(self, level: str, message: str) -> None:
        self.logged.append((level, message))

    def subscribe(self, connection: int, topic: str) -> str:
        peer = self._mine(connection)
        if peer is None:
            return "closed"
        if not _is_topic(topic):
            return "invalid"
        peer.topics.add(topic)
        return "subscribed"

    def unsubscribe(self, connection: int, topic: str) -> bool:
        peer = self._mine(connection)
        if peer is None or topic not in peer.topics:
            return False
        peer.topics.remove(topic)
        return True

    def publish(self, topic: str, message: Message, exclude: int | None) -> str:
        if not _is_topic(topic):
            return "invalid"
        if self._size(message) > self._max_message_size:
            return "too-large"
        self.published.append(Published(topic, message))
        for id, peer in self._peers.items():
            if peer._open and topic in peer.topics and id != exclude:
                peer.received.append(message)
        return "published"

    def subscriber_count(self, topic: str) -> int:
        return sum(peer._open and topic in peer.topics for peer in self._peers.values())

    def set_timer(self, after: int, every: int | None) -> int | str:
        if self._current is None or not self._may_set_timers:
            return "unavailable"
        if any(not 10 <= time <= _YEAR for time in (after, every or after)):
            return "out-of-range"
        if sum(timer.instance is self._current for timer in self._timers.values()) >= _MAX_TIMERS:
            return "full"
        self._last_timer += 1
        due = round(self.now * 1000) + after
        self._timers[self._last_timer] = SetTimer(due, every, self._current)
        return self._last_timer

    def cancel_timer(self, timer: int) -> bool:
        return self._timers.pop(timer, None) is not None

    def send(self, request: _host.Exchange) -> _host.Answer:
        assert isinstance(request, Outgoing)
        self.requests.append(request)
        if request.url not in self._answers:
            raise Denied(f"the test answers no requests to {request.url}: see Host.answer")
        return _Answer(*self._answers[request.url])


class _Answer:
    def __init__(self, status: int, headers: list[tuple[str, bytes]], pieces: list[bytes]) -> None:
        self.status, self.headers = status, headers
        self.chunks: Iterator[bytes] = iter([piece for piece in pieces if piece])


def _is_topic(name: str) -> bool:
    return 1 <= len(name.encode()) <= 256 and not any(ord(c) < 32 or ord(c) == 127 for c in name)
