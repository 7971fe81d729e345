"""What a handler can do to a connection, and ask about it."""

from __future__ import annotations

import json
from enum import StrEnum
from operator import index
from typing import Any, TypeAlias

from . import _host

Message: TypeAlias = str | bytes
"""A whole WebSocket message: `str` for text, `bytes` for binary."""


class WriteOutcome(StrEnum):
    """What became of a `try_write`. It is true where the message was queued::

    if not connection.try_write(price):
        ...
    """

    QUEUED = "queued"
    """It will be sent after all that was queued before it."""
    FULL = "full"
    """The connection's queue holds `max-backpressure` bytes or more (1 MiB by default),
    because the peer reads too slowly. Try again later."""
    CLOSED = "closed"
    """The connection is closing or closed. No attempt will succeed."""
    TOO_LARGE = "too-large"
    """The message is larger than `max-message-size` (1 MiB by default). Split it."""

    def __bool__(self) -> bool:
        return self is WriteOutcome.QUEUED


class CloseOutcome(StrEnum):
    """What became of a `close`. It is true where the connection closes by it."""

    CLOSING = "closing"
    """The close frame follows what was queued before; `on_close` is called later."""
    CLOSED = "closed"
    """The connection was closing or closed already."""
    INVALID = "invalid"
    """The code or the reason can't be sent, and the connection stays open."""

    def __bool__(self) -> bool:
        return self is CloseOutcome.CLOSING


_QUEUED = WriteOutcome.QUEUED

# With what `write` answers a refusal. That a message is too large is the handler's mistake,
# and the peer would read 1009 as its own.
_REFUSALS = {
    WriteOutcome.FULL: (
        1013,
        "max-backpressure",
        "its queue is at max-backpressure: write less, or keep what try_write refuses",
    ),
    WriteOutcome.TOO_LARGE: (
        1011,
        "max-message-size",
        "a message was over max-message-size: split it",
    ),
}


class Connection:
    """One open WebSocket.

    An object is a name, not the socket: it may be kept, and dropping it closes nothing. Two
    of them are equal where they name the same connection, and it may be a key of a dict. It
    reaches the connection in every event of the instance that the connection belongs to.
    No method waits.
    """

    __slots__ = ("id",)

    id: int
    """The connection's number, never given to a second one while the host runs."""

    def __init__(self, id: int) -> None:
        self.id = id

    def write(self, message: Message) -> None:
        """Sends a message, `str` as text and `bytes` as binary, or closes the connection
        where it can't: nothing is lost in silence.

        Messages leave in the order in which they were written. Where the connection's queue
        is full, because the peer reads more slowly than the handler writes, the connection
        is closed with 1013. A message over the host's `max-message-size` closes it with
        1011. Both are logged. On a connection that is closing or closed nothing happens:
        `on_close` tells.

        A handler that writes one message for each that it gets never fills the queue. One
        that writes more, and would rather skip a message than lose a slow peer, uses
        `try_write`.

        Raises `TypeError` for anything but a string and bytes, and `UnicodeEncodeError` for a
        string with half of a surrogate pair.
        """
        outcome = _host.host.write(self.id, plain(message))
        if outcome is not _QUEUED:
            self._close_for(outcome)

    def try_write(self, message: Message) -> WriteOutcome:
        """Sends a message, or says why it was refused. Then nothing of it was queued::

            connection.try_write(price)  # who is too slow for this price gets the next one

        Raises `TypeError` for anything but a string and bytes, and `UnicodeEncodeError` for a
        string with half of a surrogate pair.
        """
        return _host.host.write(self.id, plain(message))

    def close(self, code: int = 1000, reason: str = "") -> CloseOutcome:
        """Closes the connection with a close frame that carries `code` and `reason`.

        What was written before is sent first. From here on writes do nothing and no more
        messages arrive; `on_close` is called once, later. Allowed are the codes 1000, 1001,
        1003, 1007 to 1014 and 3000 to 4999, and reasons of up to 123 bytes. Others leave
        the connection open, which is logged, and answer `CloseOutcome.INVALID`.
        """
        code, reason = index(code), text(reason, "a reason")
        fits = 0 <= code <= 0xFFFF
        outcome = _host.host.close(self.id, code, reason) if fits else CloseOutcome.INVALID
        if outcome is CloseOutcome.INVALID:
            _host.host.log(
                "error",
                f"connection {self.id} stays open: a close frame can't carry code {code} with a"
                f" reason of {len(reason.encode())} bytes: use 1000 or 3000 to 4999, and at most"
                " 123 bytes",
            )
        return outcome

    @property
    def buffered_amount(self) -> int:
        """The bytes that were written and not yet handed to the operating system, frame
        headers included; 0 once the connection is closed. Slow down before it comes to
        `max-backpressure` (1 MiB by default)."""
        return _host.host.buffered_amount(self.id)

    @property
    def params(self) -> dict[str, str]:
        """The values that the route's captures took from the path, decoded once, in the
        order of the route. Empty where the route has none."""
        return dict(_host.host.params(self.id))

    def param(self, name: str, default: str | None = None) -> str | None:
        """The value that the route's capture of this name took from the path; `default`
        where the route has no such capture. With the route `/chat/{room}`::

            room = connection.param("room")
        """
        return self.params.get(name, default)

    @property
    def claims(self) -> dict[str, Any] | None:
        """The verified claims of the connection's session; `None` where there is no
        session."""
        text = self.claims_json
        return None if text is None else json.loads(text)

    @property
    def claims_json(self) -> str | None:
        """The same as the text that the session's token has."""
        return _host.host.claims(self.id)

    @property
    def attachment(self) -> bytes | None:
        """The bytes that the handler's own gate attached when it let the connection in;
        `None` where there is no gate, or where it attached nothing."""
        return _host.host.attachment(self.id)

    def _close_for(self, outcome: WriteOutcome) -> None:
        """Ends a connection that a message was refused for, unless it has ended."""
        if outcome in _REFUSALS:
            code, reason, why = _REFUSALS[outcome]
            # Named, since the event that is running may be another connection's.
            _host.host.log("warn", f"connection {self.id} is closed with {code}: {why}")
            self.close(code, reason)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Connection) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<Connection {self.id}>"


# The bindings trap where an argument is of another type than theirs, or a string is no Unicode:
# that would end an instance, where an exception ends a connection at most. A peer can bring
# half of a surrogate pair about, as JSON's "\\ud800".


def plain(message: object) -> str | bytes:
    """A message as the bindings take it."""
    kind = type(message)
    if kind is bytes:
        return message  # type: ignore[return-value]
    if isinstance(message, str):
        if not message.isascii():
            message.encode()
        return message
    if isinstance(message, (bytes, bytearray, memoryview)):
        return bytes(message)
    raise TypeError(
        f"a message is a str or bytes, not {kind.__name__}: write str(…) or json.dumps(…)"
    )


def text(value: object, what: str) -> str:
    """A string as the bindings take it; `what` it is, for the error."""
    if not isinstance(value, str):
        raise TypeError(f"{what} is a str, not {type(value).__name__}")
    value.encode()
    return value
