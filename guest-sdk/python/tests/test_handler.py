"""What a handler of connections of their own sees and does."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from socklet_guest import (
    Acceptance,
    CloseEvent,
    Connection,
    Handler,
    Message,
    Rejection,
    Request,
    WriteOutcome,
    timers,
)
from socklet_guest.testing import Closed, Host, Rejected


class Recorder(Handler):
    """Echoes, does what it is told as `!expression`, and keeps how it ended."""

    ended: ClassVar[list[tuple[int, CloseEvent]]] = []

    def __init__(self) -> None:
        self.answers: list[Any] = []

    def on_message(self, connection: Connection, message: Message) -> None:
        if isinstance(message, str) and message.startswith("!"):
            self.answers.append(eval(message[1:], {"connection": connection}))
            connection.write(repr(self.answers[-1]))
        else:
            connection.write(message)

    def on_close(self, connection: Connection, event: CloseEvent) -> None:
        Recorder.ended.append((connection.id, event))


@pytest.fixture(autouse=True)
def nothing_has_ended() -> None:
    Recorder.ended.clear()


def test_strings_are_text_and_bytes_are_binary() -> None:
    peer = Host(Recorder).connect()
    for message in ("é", "", b"\0\xff", b""):
        peer.send(message)
        assert peer.take() == [message]
    peer.send("!connection.write(bytearray(b'a')) or connection.write(memoryview(b'b'))")
    assert peer.take() == [b"a", b"b", "None"]


@pytest.mark.parametrize("message", ["5", "None", "['a']", "{}"])
def test_nothing_else_is_a_message(message: str) -> None:
    peer = Host(Recorder).connect()
    with pytest.raises(TypeError, match="a message is a str or bytes, not"):
        peer.send(f"!connection.write({message})")


def test_half_of_a_surrogate_pair_is_refused_here_and_does_not_trap_the_bindings() -> None:
    host = Host(Recorder, raises=False)
    peer = host.connect()
    peer.send("!connection.write('\\ud800')")
    assert peer.closed == Closed(1011, "uncaught exception")
    assert "UnicodeEncodeError" in host.logged[-1][1]
    with pytest.raises(UnicodeEncodeError):
        Connection(1).close(1000, "\udc00")


def test_a_refused_message_closes_unless_the_connection_is_closed_already() -> None:
    host = Host(Recorder, max_message_size=10)
    slow, small = host.connect(), host.connect()
    slow.slow = True
    slow.send("hello")
    assert slow.closed == Closed(1013, "max-backpressure")
    small.send("!connection.write('x' * 11)")
    assert small.closed == Closed(1011, "max-message-size")
    assert [level for level, _ in host.logged] == ["warn", "warn"]
    assert f"connection {slow.connection.id} is closed with 1013" in host.logged[0][1]


def test_an_outcome_is_true_where_the_message_was_queued() -> None:
    host = Host(Recorder, max_message_size=40)
    peer = host.connect()
    peer.send("!connection.try_write('')")
    assert peer.received[0] == ""
    peer.slow = True
    outcomes = [peer.connection.try_write(text) for text in ("a", "x" * 41)]
    assert outcomes == [WriteOutcome.FULL, WriteOutcome.TOO_LARGE] == ["full", "too-large"]
    assert not any(outcomes) and WriteOutcome.QUEUED


def test_a_close_comes_after_what_was_written_and_on_close_after_its_event() -> None:
    host = Host(Recorder)
    peer = host.connect()
    peer.send("!(connection.write('bye'), connection.close(4000, 'é'), connection.close())")
    assert peer.received == ["bye"]
    assert peer.closed == (4000, "é")
    assert Recorder.ended == [(1, CloseEvent("handler", 4000, "é"))]
    with pytest.raises(ConnectionError):
        peer.send("too late")


@pytest.mark.parametrize(
    "code, reason", [(1005, ""), (999, ""), (-1, ""), (5000, ""), (1000, "é" * 62)]
)
def test_what_no_close_frame_can_carry_leaves_the_connection_open(code: int, reason: str) -> None:
    host = Host(Recorder)
    peer = host.connect()
    assert peer.connection.close(code, reason) == "invalid"
    assert peer.closed is None
    assert host.logged[0][1].startswith("connection 1 stays open: a close frame can't carry")


def test_peers_close_and_sockets_fail() -> None:
    host = Host(Recorder)
    one, two = host.connect(), host.connect()
    one.close(1001, "going")
    two.drop("pong-timeout")
    assert Recorder.ended == [
        (1, CloseEvent("peer", 1001, "going")),
        (2, CloseEvent("network", 1006, "", "pong-timeout")),
    ]


def test_an_exception_is_logged_with_its_traceback_and_ends_its_connection_alone() -> None:
    host = Host(Recorder, raises=False, scope="handler")
    peer, other = host.connect(), host.connect()
    peer.send("!1 / 0")
    assert peer.closed == Closed(1011, "uncaught exception")
    assert Recorder.ended[0][0] == peer.connection.id
    assert host.logged[0] == (
        "error",
        "Recorder.on_message failed. Traceback (most recent call last):",
    )
    assert host.logged[-1] == ("error", "ZeroDivisionError: division by zero")
    assert not any("\n" in line for _, line in host.logged)
    other.send("still here")
    assert other.take() == ["still here"]


@pytest.mark.parametrize("error", ["SystemExit(3)", "KeyboardInterrupt()", "MemoryError()"])
def test_no_exception_ends_the_instance(error: str) -> None:
    peer = Host(Recorder, raises=False).connect()
    peer.send(f"!(_ for _ in ()).throw({error})")
    assert peer.closed == Closed(1011, "uncaught exception")


class Guarded(Handler):
    @classmethod
    def on_request(cls, connection: Connection, request: Request) -> Acceptance | Rejection:
        connection.write("nobody reads this")
        claims = connection.claims
        if claims is None:
            return Rejection(401, "who are you?", headers={"www-authenticate": "Bearer"})
        return Acceptance("chat.v2", {"x-team": b"7"}, claims["sub"])

    def on_ready(self, connection: Connection, request: Request) -> None:
        attachment = (connection.attachment or b"").decode()
        connection.write(f"{attachment} {request.subprotocol} {connection.param('room')}")


def test_a_gate_accepts_and_rejects() -> None:
    host = Host(Guarded)
    claims = json.dumps({"sub": "Ada"})
    peer = host.connect("/guarded/blue", claims=claims, params={"room": "blue"})
    assert peer.received == ["Ada chat.v2 blue"]
    with pytest.raises(Rejected, match="401 who are you") as refused:
        host.connect("/guarded/blue")
    assert refused.value.rejection.headers == [("www-authenticate", b"Bearer")]


def test_what_a_gate_can_not_answer_is_found_where_it_is_made() -> None:
    for wrong in (
        lambda: Rejection(70000),
        lambda: Rejection(403, b"no text"),  # type: ignore[arg-type]
        lambda: Acceptance(headers={"x": 5}),  # type: ignore[arg-type]
        lambda: Acceptance(attachment=5),  # type: ignore[arg-type]
        lambda: Acceptance(7),  # type: ignore[arg-type]
    ):
        with pytest.raises((TypeError, ValueError)):
            wrong()


class Undecided(Handler):
    @classmethod
    def on_request(cls, connection: Connection, request: Request) -> Any:
        return None


def test_a_gate_that_decides_nothing_answers_500() -> None:
    host = Host(Undecided, raises=False)
    with pytest.raises(Rejected, match="500"):
        host.connect()
    assert "on_request returned None" in host.logged[-1][1]


def hidden(function: Any) -> Any:
    """What a decorator leaves of an async function for the builder to see."""
    return lambda *arguments: function(*arguments)


class Sleeping:
    def __await__(self) -> Any:
        yield


class Hidden(Handler):
    @hidden
    async def on_message(self, connection: Connection, message: Message) -> None:
        connection.write("nobody writes this")

    @hidden
    async def on_close(self, connection: Connection, event: CloseEvent) -> None:
        raise AssertionError


@pytest.mark.filterwarnings("error")
def test_what_a_decorator_hides_of_async_is_told_when_it_is_called() -> None:
    host = Host(Hidden, raises=False)
    peer = host.connect()
    peer.send("hi")
    assert (peer.received, peer.closed) == ([], Closed(1011, "uncaught exception"))
    assert [(level, text.partition(" (")[0]) for level, text in host.logged] == [
        ("error", f"Hidden.{name} failed. TypeError: Hidden.{name} is async")
        for name in ("on_message", "on_close")
    ]
    assert host.logged[0][1].endswith(
        "(it returned an object of the type coroutine), and nothing here awaits: write def; what"
        " waits is called as it is, as socklet_guest.http is"
    )
    with pytest.raises(TypeError, match="Hidden.on_message is async"):
        Host(Hidden).connect().send("hi")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "name", ["on_request", "on_ready", "on_alarm", "suspend", "resume", "upgrade"]
)
def test_nothing_else_of_a_handler_is_awaited_either(name: str) -> None:
    async def waits(*arguments: object) -> None:
        pass

    class Waiting(Handler):
        schema = 1

        def on_message(self, connection: Connection, message: Message) -> None:
            timers.after(1, None)

    class Newer(Waiting):
        schema = 2

        @classmethod
        def upgrade(cls, schema: int, state: Any) -> Any:
            return state

    method: Any = hidden(waits)
    for kind in (Waiting, Newer):
        setattr(kind, name, classmethod(method) if name in ("on_request", "upgrade") else method)
    host = Host(Waiting)
    with pytest.raises(TypeError, match=rf"\w+\.{name} is async"):
        peer = host.connect()
        peer.send("a timer")
        host.advance(1)
        host.swap(Newer)


def test_an_awaitable_of_any_kind_is_refused() -> None:
    class Waiting(Handler):
        def on_message(self, connection: Connection, message: Message) -> Any:
            return Sleeping()

    with pytest.raises(TypeError, match="on_message is async .* of the type Sleeping"):
        Host(Waiting).connect().send("hi")
