"""The host of a component: what the generated bindings import and export.

Only the entry module that the builder writes imports this, inside of a component. All of it
runs while that is built: its memory is what every instance starts with.
"""

from __future__ import annotations

import gc
import importlib
import linecache
import sys
from typing import Any

from componentize_py_types import Err
from wit_world.imports import socklet_websocket_connection_0_1_0 as connections
from wit_world.imports import socklet_websocket_log_0_1_0 as logs
from wit_world.imports import socklet_websocket_opening_0_1_0 as openings
from wit_world.imports import socklet_websocket_types_0_1_0 as types

from . import _host, _nesting, _timer
from ._connection import CloseOutcome, Connection, WriteOutcome
from ._events import CloseEvent, events_of
from ._gate import Rejection
from ._handler import Handler as UserHandler
from ._request import Request
from ._room import Room
from ._snapshot import SnapshotError, UnknownSchema


def _optional(name: str) -> Any:
    """A module that is there only in components that use it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


topics = _optional("wit_world.imports.socklet_websocket_topics_0_1_0")
timers = _optional("wit_world.imports.socklet_websocket_timers_0_1_0")
gate = _optional("wit_world.exports.socklet_websocket_gate_0_1_0")
snapshot = _optional("wit_world.exports.socklet_websocket_snapshot_0_1_0")
http = _optional("wit_world.imports.wasi_http_types_0_2_12") and importlib.import_module(
    "socklet_guest._wasi_http"
)

_text, _binary = types.Message_Text, types.Message_Binary
_write, _queued, _said = connections.write, types.WriteOutcome.QUEUED, WriteOutcome.QUEUED
_levels = {level.name.lower(): level for level in logs.Level}


def _word(outcome: Any) -> str:
    """`TOO_LARGE` is `too-large`."""
    name: str = outcome.name
    return name.lower().replace("_", "-")


def _message(message: str | bytes) -> Any:
    return _text(message) if isinstance(message, str) else _binary(message)


class ComponentHost:
    def write(self, connection: int, message: str | bytes) -> WriteOutcome:
        outcome = _write(
            connection, _text(message) if isinstance(message, str) else _binary(message)
        )
        return _said if outcome is _queued else WriteOutcome(_word(outcome))

    def close(self, connection: int, code: int, reason: str) -> CloseOutcome:
        return CloseOutcome(_word(connections.close(connection, code, reason)))

    def buffered_amount(self, connection: int) -> int:
        return connections.buffered_amount(connection)

    def params(self, connection: int) -> list[tuple[str, str]]:
        return openings.params(connection)

    def claims(self, connection: int) -> str | None:
        return openings.claims(connection)

    def attachment(self, connection: int) -> bytes | None:
        return openings.attachment(connection)

    def log(self, level: str, message: str) -> None:
        if not message.isascii():
            # Half of a surrogate pair ends the instance in the bindings.
            message = message.encode(errors="backslashreplace").decode()
        logs.log(_levels[level], message)

    def subscribe(self, connection: int, topic: str) -> str:
        return _word(topics.subscribe(connection, topic))

    def unsubscribe(self, connection: int, topic: str) -> bool:
        return topics.unsubscribe(connection, topic) is topics.UnsubscribeOutcome.UNSUBSCRIBED

    def publish(self, topic: str, message: str | bytes, exclude: int | None) -> str:
        return _word(topics.publish(topic, _message(message), exclude))

    def subscriber_count(self, topic: str) -> int:
        return topics.subscriber_count(topic)

    def set_timer(self, after: int, every: int | None) -> int | str:
        match timers.set(after, every):
            case timers.SetOutcome_Set(value):
                return value
            case timers.SetOutcome_Full():
                return "full"
            case timers.SetOutcome_OutOfRange():
                return "out-of-range"
            case _:
                return "unavailable"

    def cancel_timer(self, timer: int) -> bool:
        # A version that sets none may have taken up a state with some.
        return timers is not None and timers.cancel(timer) is timers.CancelOutcome.CANCELLED

    def send(self, request: _host.Exchange) -> _host.Answer:
        answer: _host.Answer = http.send(request)
        return answer


events: Any = None


def _request(request: Any) -> Request:
    return Request(
        request.path,
        request.query,
        request.headers,
        request.remote_address,
        request.subprotocol,
    )


class Handler:
    """The export `handler`."""

    def on_ready(self, connection: int, request: Any) -> None:
        events.ready(connection, _request(request))

    def on_message(self, connection: int, message: Any) -> None:
        events.message(connection, message.value)

    def on_close(self, connection: int, event: Any) -> None:
        said = CloseEvent(_word(event.origin), event.code, event.reason, event.detail)
        events.close(connection, said)


class Gate:
    """The export `gate`."""

    def on_request(self, connection: int, request: Any) -> Any:
        answer = events.request(connection, _request(request))
        if isinstance(answer, Rejection):
            raise Err(gate.Rejection(answer.status, answer.headers, answer.body))
        return gate.Acceptance(answer.subprotocol, answer.headers, answer.attachment)


class Alarm:
    """The export `alarm`."""

    def on_alarm(self, timer: int) -> None:
        events.alarm(timer)


class Snapshot:
    """The export `snapshot`."""

    def suspend(self) -> Any:
        try:
            return snapshot.Saved(*events.suspend())
        except SnapshotError as error:
            raise Err(_snapshot_error(error)) from None

    def resume(self, ids: list[int], saved: Any) -> None:
        try:
            events.resume(ids, saved.schema, saved.state)
        except SnapshotError as error:
            raise Err(_snapshot_error(error)) from None


def _snapshot_error(error: SnapshotError) -> Any:
    if isinstance(error, UnknownSchema):
        return snapshot.SnapshotError_UnknownSchema()
    return snapshot.SnapshotError_Failed(str(error))


def start(kind: type[UserHandler] | type[Room[Any]], later: list[str], own: list[str]) -> None:
    """Makes a class the handler of this component.

    `later` are modules that are imported inside of functions: there is no file system left
    when these run. `own` are the modules whose lines tracebacks are to show.
    """
    global events
    for name in later:
        try:
            importlib.import_module(name)
        except Exception:
            # Whoever imports it may be ready for that.
            pass
    if "logging" in sys.modules:
        from ._logging import install

        install()
    _nesting.install()
    _keep_sources(own)
    _warm_up()
    events = events_of(kind)
    _host.serve_by(ComponentHost())
    _timer.registry = events.timers
    # What is there by now is never garbage: looking at it would only touch its memory.
    gc.collect()
    gc.freeze()


def _warm_up() -> None:
    """Runs some events of nobody's.

    The interpreter adapts code to what it is used for, which writes to it. What is written
    here is shared by all instances; a tenth of an idle instance's memory is.
    """
    global events, _write

    class Echo(UserHandler):
        def on_message(self, connection: Connection, message: str | bytes) -> None:
            connection.write(message)

    write, _write = _write, lambda connection, message: _queued
    events, exported = events_of(Echo), Handler()
    _host.serve_by(ComponentHost())
    request = types.Request("/", None, [], "", None)
    for _ in range(20):
        exported.on_ready(1, request)
        for message in (_text(""), _binary(b"")) * 5:
            exported.on_message(1, message)
        exported.on_close(1, types.CloseEvent(types.CloseOrigin.PEER, 1000, "", ""))
    _write = write


def _keep_sources(own: list[str]) -> None:
    """Has tracebacks show lines of modules whose files are not there any more."""
    for name in own:
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if file is not None:
            lines = linecache.getlines(file)
            # Without a time, nobody looks whether the file has changed.
            linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
