"""The base class of handlers that have an object for each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ._gate import Acceptance, Rejection
from ._lasting import Lasting

if TYPE_CHECKING:
    from ._connection import Connection, Message
    from ._events import CloseEvent
    from ._request import Request
    from .timers import Timer


class Handler(Lasting):
    """A handler; an object of it is one connection's state.

    The host calls `on_ready` first, once; then `on_message` for each message, in the order
    in which the peer sent them; then `on_close`, once. None begins before the one before it
    has returned. Write the methods that you need; what a component exports, and so what the
    host calls, is what the class has: `on_request`, `on_alarm` and `schema` turn on the
    gate, timers and snapshots.

    An exception that nobody catches is logged with its traceback and closes the connection
    of its event with 1011; the others of the instance go on.

    The object is made without arguments, before `on_ready`::

        class Counter(Handler):
            def __init__(self) -> None:
                self.messages = 0

            def on_message(self, connection: Connection, message: Message) -> None:
                self.messages += 1
                connection.write(f"{self.messages}: {message!r}")
    """

    schema: ClassVar[int | None] = None

    @classmethod
    def on_request(cls, connection: Connection, request: Request) -> Acceptance | Rejection:
        """The gate: decides about a handshake before it is answered. A class that has it is
        asked about each one that the host would accept itself.

        A class method, since there is no object yet: `on_ready` of one follows an
        acceptance, unless the peer is gone by then. `connection` can be asked for the
        captures and the claims; writes to it do nothing yet. An exception answers 500.
        """
        return Acceptance()

    def on_ready(self, connection: Connection, request: Request) -> None:
        """The connection is open: the handshake is done, and writes reach the peer."""

    def on_message(self, connection: Connection, message: Message) -> None:
        """The peer sent a message: `str` for text, `bytes` for binary. Not called after the
        connection was closed from here."""

    def on_close(self, connection: Connection, event: CloseEvent) -> None:
        """The connection has ended; writes to it do nothing. Called once, last."""

    def on_alarm(self, connection: Connection, timer: Timer) -> None:
        """A timer has gone off that was set in an event of this connection. The connection
        may be closing by now; once it has ended, its timers are cancelled."""

    def suspend(self) -> Any:
        return self._suspend()

    def resume(self, connection: Connection, state: Any) -> None:
        """Takes up the state of a connection, in place of `on_ready`, on an object that has
        just been made. It need not be written: what `suspend` returned as a dict of
        attributes is set again. Whatever is raised keeps the connection where it was."""
        self._resume(state)
