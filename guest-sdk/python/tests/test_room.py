"""What the members of a room have in common."""

from __future__ import annotations

import pytest

from socklet_guest import CloseEvent, Connection, Message, Request, Room
from socklet_guest.testing import Closed, Host


class Chat(Room[str]):
    def __init__(self) -> None:
        self.opened = 0

    def open(self, connection: Connection, request: Request) -> None:
        self.opened += 1

    def on_ready(self, connection: Connection, request: Request) -> str:
        name = request.query("name") or ""
        if not name:
            raise ValueError("no name")
        self.broadcast(f"+{name} {len(self.members)}")
        return name

    def on_message(self, connection: Connection, message: Message) -> None:
        match message:
            case "who":
                connection.write(" ".join(self.members.values()))
            case "others":
                connection.write(" ".join(name for _, name in self.members.others(connection)))
            case "rename":
                self.members[connection] = self.members[connection].upper()
            case "fail":
                raise ValueError("as asked")
            case _:
                self.broadcast(message, exclude=connection)

    def on_close(self, connection: Connection, member: str, event: CloseEvent) -> None:
        self.broadcast(f"-{member} {connection in self.members}")


def test_who_joins_and_leaves_is_no_member_meanwhile() -> None:
    host = Host(Chat)
    ada = host.connect("/chat?name=ada")
    bob = host.connect("/chat?name=bob")
    assert (ada.take(), bob.take()) == (["+bob 1"], [])
    bob.close()
    assert ada.take() == ["-bob False"]


def test_a_path_is_a_room_of_its_own() -> None:
    host = Host(Chat)
    ada, bob = host.connect("/a?name=ada"), host.connect("/b?name=bob")
    ada.send("hello")
    assert bob.received == []
    everybody = Host(Chat, scope="handler")
    ada, bob = everybody.connect("/a?name=ada"), everybody.connect("/b?name=bob")
    ada.send("hello")
    assert bob.received == ["hello"]


def test_members_are_in_the_order_of_their_ids() -> None:
    host = Host(Chat)
    ada = host.connect("/?name=ada")
    for name in "bob", "cy":
        host.connect(f"/?name={name}")
    ada.take()
    for question in "who", "others", "rename", "who":
        ada.send(question)
    assert ada.take() == ["ada bob cy", "bob cy", "ADA bob cy"]


def test_a_slow_member_is_closed_and_holds_up_nobody() -> None:
    host = Host(Chat)
    ada, bob, cy = (host.connect(f"/?name={name}") for name in ("ada", "bob", "cy"))
    bob.slow = True
    ada.send("hello")
    assert cy.take() == ["hello", "-bob False"]
    assert bob.closed == Closed(1013, "max-backpressure")


def test_a_broadcast_that_is_too_large_closes_nobody() -> None:
    host = Host(Chat, max_message_size=20)
    ada, bob = host.connect("/?name=ada"), host.connect("/?name=bob")
    ada.send("x" * 21)
    assert bob.received == [] and bob.closed is None and ada.closed is None
    assert host.logged[0][1].startswith("a broadcast reaches nobody")


def test_an_exception_ends_its_member_and_the_room_goes_on() -> None:
    host = Host(Chat, raises=False)
    ada, bob = host.connect("/?name=ada"), host.connect("/?name=bob")
    bob.send("fail")
    assert bob.closed == Closed(1011, "uncaught exception")
    ada.send("who")
    assert ada.take() == ["+bob 1", "-bob False", "ada"]


def test_who_could_not_join_was_never_a_member() -> None:
    host = Host(Chat, raises=False)
    ada, nobody = host.connect("/?name=ada"), host.connect("/")
    assert nobody.closed == Closed(1011, "uncaught exception")
    ada.send("who")
    assert ada.take() == ["ada"]


def test_a_stranger_is_not_given_anything_to_keep() -> None:
    room = Chat()
    with pytest.raises(KeyError, match="is no member"):
        room.members[Connection(7)] = "eve"
    with pytest.raises(KeyError):
        room.members[Connection(7)]
    assert room.members.get(Connection(7)) is None
