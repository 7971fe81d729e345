"""What of a handler outlives its instance."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import pytest

from socklet_guest import (
    Connection,
    Handler,
    Message,
    Request,
    Room,
    SnapshotError,
    UnknownSchema,
    timers,
)
from socklet_guest._events import events_of
from socklet_guest._snapshot import decode, encode
from socklet_guest._timer import Registry, Timer
from socklet_guest.testing import Host


class Counter(Handler):
    schema = 1

    def __init__(self) -> None:
        self.count = 0
        self.kept: Any = None

    def on_message(self, connection: Connection, message: Message) -> None:
        self.count += 1
        if isinstance(message, str) and message.startswith("!"):
            self.kept = eval(message[1:], {"timers": timers, "deque": deque, "c": connection})
        connection.write(f"{self.count} {self.kept!r}")

    def on_alarm(self, connection: Connection, timer: timers.Timer) -> None:
        connection.write(f"{timer.data} {timer == self.kept}")


class Newer(Counter):
    """Has another attribute, and keeps the schema."""

    def __init__(self) -> None:
        super().__init__()
        self.added = "as made"

    def on_message(self, connection: Connection, message: Message) -> None:
        connection.write(f"{self.count} {self.added}")


class Doubled(Counter):
    schema = 2

    @classmethod
    def upgrade(cls, schema: int, state: Any) -> Any:
        if schema == 1:
            return {**state, "count": state["count"] * 2}
        raise UnknownSchema


def test_attributes_are_the_state() -> None:
    host = Host(Counter)
    one, two = host.connect(), host.connect()
    one.send("a")
    one.send("!(1, b'\\xff', {2: {'$': {3}}}, deque([1], 5), c, None, 1.5, 'é', [[]])")
    expected = one.received[-1]
    host.swap()
    one.send("b")
    assert one.received[-1] == "3" + str(expected)[1:]
    two.send("c")
    assert two.received[-1] == "1 None"


def test_a_newer_version_has_what_the_older_did_not_know() -> None:
    host = Host(Counter)
    peer = host.connect()
    peer.send("a")
    host.swap(Newer)
    peer.send("b")
    assert peer.take()[-1] == "1 as made"


def test_an_older_schema_is_upgraded_and_a_newer_one_unknown() -> None:
    host = Host(Counter)
    peer = host.connect()
    peer.send("a")
    host.swap(Doubled)
    peer.send("b")
    assert peer.take()[-1] == "3 None"
    with pytest.raises(UnknownSchema):
        host.swap(Counter)
    peer.send("c")
    assert peer.take() == ["4 None"]


def test_a_state_of_anybody_elses_is_refused() -> None:
    for state in (b"", b"\xff\x00", b"5", b"[]", b"{}", b'{"timers": 5}', b'{"timers": []}'):
        with pytest.raises(UnknownSchema):
            events_of(Doubled).resume([1], 0, state)
        with pytest.raises(SnapshotError) as refused:
            events_of(Counter).resume([1], 1, state)
        assert not isinstance(refused.value, UnknownSchema)


def test_a_state_is_that_of_all_connections() -> None:
    host = Host(Counter)
    host.connect()
    events = host._instances[1].events
    schema, state = events.suspend()
    events_of(Counter).resume([1], schema, state)
    events_of(Counter).resume([], schema, state)
    with pytest.raises(SnapshotError, match="not that of all connections"):
        events_of(Counter).resume([1, 2], schema, state)


def test_what_can_not_be_kept_is_named() -> None:
    host = Host(Counter)
    peer = host.connect()
    peer.send("!{'a': [0, timers]}")
    with pytest.raises(SnapshotError, match=r"kept\.a\[1\] is a module, which can't be kept"):
        host.swap()
    peer.send("still here")
    assert str(peer.received[-1]).startswith("2 ")


def test_timers_and_what_they_are_for_outlive_a_swap() -> None:
    host = Host(Counter)
    peer = host.connect()
    peer.send("!timers.after(5, ('tea', 1))")
    host.advance(4)
    host.swap()
    assert peer.take() == ["1 <Timer 1>"]
    host.advance(1)
    assert peer.take() == ["('tea', 1) True"]


class Board(Room[dict[str, int]]):
    schema = 1

    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_ready(self, connection: Connection, request: Request) -> dict[str, int]:
        return {"said": 0}

    def on_message(self, connection: Connection, message: Message) -> None:
        self.lines.append(str(message))
        self.members[connection]["said"] += 1
        self.broadcast(f"{len(self.lines)} {self.members[connection]['said']}")


class NewBoard(Board):
    schema = 2

    @classmethod
    def upgrade(cls, schema: int, state: Any) -> Any:
        return {"lines": [*state["lines"], "upgraded"]}

    @classmethod
    def upgrade_member(cls, schema: int, member: Any) -> Any:
        return {"said": member["said"] * 10}


WHOLE = {
    Counter: '{"timers":[],"connections":[[1,{"count":3,"kept":{"$":"tuple","of":[1]}}]]}',
    Board: '{"timers":[[5,null,true,"t"]],"room":[{"lines":["a"]}],"members":[[1,{"said":2}]]}',
}
GARBAGE = {
    Counter: [
        '{"timers":[],"connections":5}',
        '{"timers":[],"connections":[5]}',
        '{"timers":[5],"connections":[]}',
        '{"timers":[[1,2,3]],"connections":[]}',
        '{"timers":[],"connections":[[1,{"$":"nothing","of":[]}]]}',
        '{"timers":[],"connections":[[1,{"$":"set","of":5}]]}',
        '{"timers":[],"connections":[[1,{"$":"set","of":[[]]}]]}',
        '{"timers":[],"connections":[[1,{"$":"bytes","of":5}]]}',
        '{"timers":[],"connections":[[1,{"$":"bytes","of":"\\u1234"}]]}',
        '{"timers":[],"connections":[[1,{"$":"tuple"}]]}',
        '{"timers":[],"connections":[[1,{"$":["a"],"of":[]}]]}',
        '{"timers":[],"connections":[[1,' + "[" * 100_000 + "]" * 100_000 + "]]}",
        '{"timers":[],"connections":[[1,' + '{"a":' * 3_000 + "1" + "}" * 3_000 + "]]}",
    ],
    Board: [
        '{"timers":[],"room":5,"members":[]}',
        '{"timers":[],"room":[],"members":[]}',
        '{"timers":[],"room":[{}],"members":5}',
        '{"timers":[],"room":[{}],"members":[5]}',
        '{"timers":[],"members":[]}',
        '{"timers":[],"connections":[]}',
    ],
}


@pytest.mark.parametrize("kind", [Counter, Board])
def test_a_garbled_state_is_refused_with_a_reason(kind: type[Counter] | type[Board]) -> None:
    whole = WHOLE[kind]
    events_of(kind).resume([1], 1, whole.encode())
    called = "Handler" if kind is Counter else "Room"
    for state in [*GARBAGE[kind], *(whole[:length] for length in range(len(whole)))]:
        with pytest.raises(SnapshotError) as refused:
            events_of(kind).resume([1], 1, state.encode())
        assert not isinstance(refused.value, UnknownSchema)
        assert str(refused.value) == f"the state is not that of a {called} in Python", state[:99]
        with pytest.raises(UnknownSchema):
            events_of(kind).resume([1], 7, state.encode())


def test_attributes_that_are_none_are_refused_with_a_reason() -> None:
    for state in ("5", "null", '"a"', '[{"a":1}]'):
        with pytest.raises(SnapshotError, match=r"Counter\.suspend returned .* not a dict"):
            events_of(Counter).resume(
                [1], 1, f'{{"timers":[],"connections":[[1,{state}]]}}'.encode()
            )


def test_what_lies_too_deep_to_be_kept_is_named() -> None:
    host = Host(Counter)
    peer = host.connect()
    # It lies four values deep itself: in attributes, in those of one connection of all.
    peer.send("!eval('(' * 60 + '1' + ',)' * 60)")
    host.swap()
    peer.send("!eval('[' * 100 + ']' * 100)")
    with pytest.raises(SnapshotError, match=r"kept(\[0\])+ lies 64 values deep"):
        host.swap()
    peer.send("still here")
    assert str(peer.received[-1]).startswith("3 ")


def test_a_room_keeps_its_state_and_its_members() -> None:
    host = Host(Board)
    ada, bob = host.connect(), host.connect()
    ada.send("a")
    host.swap()
    bob.send("b")
    ada.send("c")
    assert ada.received == bob.received == ["1 1", "2 1", "3 2"]
    host.swap(NewBoard)
    ada.send("d")
    assert bob.received[-1] == "5 21"


class Locked(Handler):
    schema = 1

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.name = ""

    def on_message(self, connection: Connection, message: Message) -> None:
        self.name = str(message)

    def suspend(self) -> Any:
        if self.name == "no":
            raise SnapshotError("as asked")
        return self.name

    def resume(self, connection: Connection, state: Any) -> None:
        self.name = state
        connection.write(f"welcome back, {state}")


def test_a_state_can_be_made_by_hand() -> None:
    host = Host(Locked)
    peer = host.connect()
    peer.send("Ada")
    host.swap()
    assert peer.received == ["welcome back, Ada"]
    peer.send("no")
    with pytest.raises(SnapshotError, match="as asked"):
        host.swap()


class Plain(Handler):
    pass


def test_a_class_without_a_schema_does_not_move() -> None:
    with pytest.raises(TypeError, match="Plain has no schema"):
        Host(Plain).swap()


def test_values_are_what_they_were() -> None:
    timers_before, timers_after = Registry(), Registry()
    timers_before.timers[7] = Timer(7, {"a": (1,)}, True, 3)
    values: list[Any] = [
        *(None, True, 0, -(2**70), 1.5, "é\ud800", b"\0\xff", bytearray(b"a")),
        *((), (1, (2,)), [], [[1]], {}, {"a": {"$": 1}}, {1: 2, (3, None): 4}),
        *(set(), {1, 2}, frozenset({(1,)}), deque([1, 2], 2), deque(), Connection(2**64 - 1)),
        Timer(7, None, True, 3),
    ]
    state = encode({"timers": timers_before.rows(), "values": values}, "x")
    read = decode(state, timers_after)["values"]
    assert read == values
    assert [type(value) for value in read] == [type(value) for value in values]
    assert read[-3].maxlen is None and read[-4].maxlen == 2
    assert read[-1] is timers_after.timers[7]
    assert (read[-1].data, read[-1].repeats, read[-1]._owner) == ({"a": (1,)}, True, 3)
