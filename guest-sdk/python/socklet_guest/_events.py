"""From the host's events to the methods of a handler or a room, and back.

This is the same in a component and in a test: it asks the host by `_host` alone.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import AsyncGenerator, Awaitable, Coroutine
from dataclasses import dataclass
from typing import Any, NoReturn

from . import _host, _timer
from ._connection import Connection, Message
from ._gate import Acceptance, Rejection
from ._handler import Handler
from ._request import Request
from ._room import Room
from ._snapshot import SnapshotError, UnknownSchema, decode, encode

# The host cuts a line at 8 KiB, and a peer's message may be in an error's text.
_LONGEST_LINE = 8 * 1024

# What reading a state that is none raises.
_GARBLED = (ValueError, LookupError, TypeError, AttributeError, RecursionError)

# In a component the folders of modules have numbers: /1/app.py.
_FOLDERS = re.compile(r'File "/\d+/')


_HERE = (lambda: None).__code__.co_filename


@dataclass(slots=True)
class CloseEvent:
    """How a connection ended."""

    origin: str = "peer"
    """Who ended it: `peer` or `handler` by a close frame, `host` for a limit, a violation of
    the protocol, a swap or a shutdown, `network` where the socket failed."""
    code: int = 1000
    """The code of the close frame of that side. 1005 where it carried none, 1006 where there
    was no close frame."""
    reason: str = ""
    """The reason of that close frame; empty where it had none."""
    detail: str = ""
    """One lower-case word that says more, such as `pong-timeout` or `shutdown`, or nothing.
    The list grows: treat a word that you do not know like none."""


class Events:
    """The events of one instance. What both kinds of handlers have in common."""

    called: str

    def __init__(self, kind: type[Handler] | type[Room[Any]]) -> None:
        self.kind: Any = kind
        self.timers = _timer.Registry()
        # A test wants to see what was raised.
        self.raises = False

    def request(self, id: int, request: Request) -> Acceptance | Rejection:
        try:
            answer = self.call(self.kind, "on_request", Connection(id), request)
            if not isinstance(answer, (Acceptance, Rejection)):
                raise TypeError(
                    f"on_request returned {answer!r}: return Acceptance() or Rejection()"
                )
            return answer
        except BaseException as error:
            self.failed("on_request", None, error)
            return Rejection(500)

    def call(self, owner: Any, name: str, *arguments: object) -> Any:
        """Calls a method of the user's.

        Raises `TypeError` where somebody would have to await what it returns: then nothing of
        it has run. The builder does not see through every decorator.
        """
        answer = getattr(owner, name)(*arguments)
        if answer is None or not isinstance(answer, (Awaitable, AsyncGenerator)):
            return answer
        if isinstance(answer, Coroutine):
            # Without this, Python warns of it where it is freed: in a line of the SDK's.
            answer.close()
        raise TypeError(
            f"{self.kind.__name__}.{name} is async (it returned an object of the type"
            f" {type(answer).__name__}), and nothing here awaits: write def; what waits is called"
            " as it is, as socklet_guest.http is"
        )

    def failed(self, where: str, connection: Connection | None, error: BaseException) -> None:
        """An exception that nobody has caught ends its connection, and not the instance."""
        if self.raises:
            raise error
        log_traceback(f"{self.kind.__name__}.{where} failed.", error)
        if connection is not None:
            connection.close(1011, "uncaught exception")

    def suspend(self) -> tuple[int, bytes]:
        try:
            kept = {"timers": self.timers.rows(), **self.kept()}
            return self.kind.schema, encode(kept, self.kind.__name__)
        except BaseException as error:
            self.no_snapshot("suspend", error)

    def resume(self, ids: list[int], schema: int, saved: bytes) -> None:
        try:
            known = schema == self.kind.schema
            try:
                kept = decode(saved, self.timers)
                self.check(kept)
            except (*_GARBLED, SnapshotError):
                # Whoever has another schema may write in another way.
                if not known:
                    raise UnknownSchema from None
                raise SnapshotError(f"the state is not that of a {self.called} in Python") from None
            if not known and self.has_state(kept):
                kept = self.upgraded(schema, kept)
            self.take(ids, kept)
        except BaseException as error:
            self.no_snapshot("resume", error)

    def no_snapshot(self, where: str, error: BaseException) -> NoReturn:
        if self.raises or isinstance(error, SnapshotError):
            raise error
        log_traceback(f"{self.kind.__name__}.{where} failed.", error)
        raise SnapshotError(f"{type(error).__name__}: {error}") from error

    def kept(self) -> dict[str, Any]:
        raise NotImplementedError

    def check(self, kept: dict[str, Any]) -> None:
        """Raises `LookupError` for what this kind of events has not kept."""
        raise NotImplementedError

    def has_state(self, kept: dict[str, Any]) -> bool:
        raise NotImplementedError

    def upgraded(self, schema: int, kept: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def take(self, ids: list[int], kept: dict[str, Any]) -> None:
        raise NotImplementedError


def all_there(ids: list[int], found: list[int]) -> None:
    if ids != found:
        raise SnapshotError("the state is not that of all connections")


class HandlerEvents(Events):
    """Each connection has an object of its own, be they of one instance or not."""

    called = "Handler"

    def __init__(self, kind: type[Handler]) -> None:
        super().__init__(kind)
        self.entries: dict[int, tuple[Connection, Handler]] = {}

    def ready(self, id: int, request: Request) -> None:
        connection = Connection(id)
        self.timers.owner = id
        try:
            handler = self.kind()
            self.entries[id] = (connection, handler)
            self.call(handler, "on_ready", connection, request)
        except BaseException as error:
            self.failed("on_ready", connection, error)

    def message(self, id: int, message: Message) -> None:
        entry = self.entries.get(id)
        if entry is None:
            return
        self.timers.owner = id
        try:
            self.call(entry[1], "on_message", entry[0], message)
        except BaseException as error:
            self.failed("on_message", entry[0], error)

    def close(self, id: int, event: CloseEvent) -> None:
        entry = self.entries.pop(id, None)
        if entry is None:
            return
        self.timers.owner = id
        try:
            self.call(entry[1], "on_close", entry[0], event)
        except BaseException as error:
            self.failed("on_close", None, error)
        finally:
            self.timers.cancel_all_of(id)

    def alarm(self, id: int) -> None:
        timer = self.timers.goes_off(id)
        entry = None if timer is None else self.entries.get(timer._owner)  # type: ignore[arg-type]
        if timer is None or entry is None:
            # Its connection was gone when the state was taken up.
            _host.host.cancel_timer(id)
            return
        self.timers.owner = entry[0].id
        try:
            self.call(entry[1], "on_alarm", entry[0], timer)
        except BaseException as error:
            self.failed("on_alarm", entry[0], error)

    def kept(self) -> dict[str, Any]:
        entries = self.entries.items()
        return {"connections": [[id, self.call(entry[1], "suspend")] for id, entry in entries]}

    def check(self, kept: dict[str, Any]) -> None:
        dict(kept["connections"])

    def has_state(self, kept: dict[str, Any]) -> bool:
        return bool(kept["connections"])

    def upgraded(self, schema: int, kept: dict[str, Any]) -> dict[str, Any]:
        states = [
            [id, self.call(self.kind, "upgrade", schema, state)]
            for id, state in kept["connections"]
        ]
        return {**kept, "connections": states}

    def take(self, ids: list[int], kept: dict[str, Any]) -> None:
        states = dict(kept["connections"])
        all_there(ids, [id for id in ids if id in states])
        for id in ids:
            connection, handler = Connection(id), self.kind()
            # It may set timers.
            self.timers.owner = id
            self.call(handler, "resume", connection, states[id])
            self.entries[id] = (connection, handler)


class RoomEvents(Events):
    """All connections of an instance have one object."""

    called = "Room"

    def __init__(self, kind: type[Room[Any]]) -> None:
        super().__init__(kind)
        self.room: Room[Any] | None = None

    def ready(self, id: int, request: Request) -> None:
        connection = Connection(id)
        try:
            if self.room is None:
                room = self.kind()
                self.call(room, "open", connection, request)
                # Not before: who comes next opens the room if this one could not.
                self.room = room
            member = self.call(self.room, "on_ready", connection, request)
            self.room._members._insert(connection, member)
        except BaseException as error:
            self.failed("on_ready", connection, error)

    def message(self, id: int, message: Message) -> None:
        connection = Connection(id)
        if self.room is None or connection not in self.room._members:
            return
        try:
            self.call(self.room, "on_message", connection, message)
        except BaseException as error:
            self.failed("on_message", connection, error)

    def close(self, id: int, event: CloseEvent) -> None:
        connection = Connection(id)
        # Whose on_ready has failed was never a member.
        if self.room is None or connection not in self.room._members:
            return
        member = self.room._members._remove(connection)
        try:
            self.call(self.room, "on_close", connection, member, event)
        except BaseException as error:
            self.failed("on_close", None, error)

    def alarm(self, id: int) -> None:
        timer = self.timers.goes_off(id) or self.timers.named(id)
        if self.room is None:
            return
        try:
            self.call(self.room, "on_alarm", timer)
        except BaseException as error:
            self.failed("on_alarm", None, error)

    def kept(self) -> dict[str, Any]:
        if self.room is None:
            return {"room": None, "members": []}
        members = [[connection.id, kept] for connection, kept in self.room._members.items()]
        # In a list, so that a state may be None.
        return {"room": [self.call(self.room, "suspend")], "members": members}

    def check(self, kept: dict[str, Any]) -> None:
        dict(kept["members"])
        if kept["room"] is not None:
            kept["room"][0]

    def has_state(self, kept: dict[str, Any]) -> bool:
        return kept["room"] is not None

    def upgraded(self, schema: int, kept: dict[str, Any]) -> dict[str, Any]:
        members = [
            [id, self.call(self.kind, "upgrade_member", schema, old)]
            for id, old in kept["members"]
        ]
        room = self.call(self.kind, "upgrade", schema, kept["room"][0])
        return {**kept, "room": [room], "members": members}

    def take(self, ids: list[int], kept: dict[str, Any]) -> None:
        members = dict(kept["members"])
        all_there(ids, [id for id in ids if id in members])
        if kept["room"] is None:
            return
        room: Room[Any] = self.kind()
        for id in ids:
            room._members._insert(Connection(id), members[id])
        self.call(room, "resume", kept["room"][0])
        self.room = room


def events_of(kind: type[Handler] | type[Room[Any]]) -> HandlerEvents | RoomEvents:
    """The events of a new instance."""
    return RoomEvents(kind) if issubclass(kind, Room) else HandlerEvents(kind)


def log_traceback(what: str, error: BaseException) -> None:
    """Logs an exception at level error, a line for each of its traceback's, since the host
    escapes line breaks within one."""
    frames = error.__traceback__
    # The first ones are this file's.
    while frames is not None and frames.tb_frame.f_code.co_filename == _HERE:
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames))
    text = _FOLDERS.sub('File "', text)
    first, *others = text.rstrip("\n").split("\n")
    for line in [f"{what} {first}", *others]:
        _host.host.log("error", line[:_LONGEST_LINE])
