"""Topics, timers and requests to upstreams."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest

from socklet_guest import (
    Acceptance,
    CloseEvent,
    Connection,
    Handler,
    Message,
    Request,
    Room,
    http,
    timers,
    topics,
)
from socklet_guest.testing import Host, Published


class Follower(Handler):
    def on_ready(self, connection: Connection, request: Request) -> None:
        for topic in request.path[1:].split(","):
            topics.subscribe(connection, topic)

    def on_message(self, connection: Connection, message: Message) -> None:
        topics.publish("news", message, exclude=connection)


def test_what_is_published_reaches_all_subscribers_but_one() -> None:
    host = Host(Follower)
    ada, bob, cy = host.connect("/news"), host.connect("/news,sport"), host.connect("/sport")
    ada.send("hello")
    assert (ada.received, bob.received, cy.received) == ([], ["hello"], [])
    assert host.published == [Published("news", "hello")]
    assert topics.subscriber_count("sport") == 2
    cy.close()
    assert topics.subscriber_count("sport") == 1


def test_what_can_not_be_published_is_told_and_logged() -> None:
    host = Host(Follower, max_message_size=10)
    peer = host.connect("/news")
    for topic, message, outcome in (
        ("", "x", topics.PublishOutcome.INVALID),
        ("a\nb", "x", topics.PublishOutcome.INVALID),
        ("news", "x" * 11, topics.PublishOutcome.TOO_LARGE),
    ):
        assert topics.publish(topic, message) is outcome and not outcome
        assert host.logged[-1][1].startswith(f"a message is not published to {topic!r}: ")
    assert topics.subscribe(peer.connection, "é" * 129) == "invalid"
    assert topics.unsubscribe(peer.connection, "news")
    assert not topics.unsubscribe(peer.connection, "news")
    with pytest.raises(TypeError, match="a topic is a str"):
        topics.publish(5, "x")  # type: ignore[arg-type]


class Ticking(Handler):
    def __init__(self) -> None:
        self.timer: timers.Timer | None = None

    def on_message(self, connection: Connection, message: Message) -> None:
        if message == "cancel":
            connection.write(str(self.timer is not None and self.timer.cancel()))
        else:
            what, seconds = str(message).split()
            self.timer = {"after": timers.after, "every": timers.every}[what](
                float(seconds), [what]
            )

    def on_alarm(self, connection: Connection, timer: timers.Timer) -> None:
        connection.write(f"{timer.data} {timer == self.timer} {timer.repeats}")


def test_timers_go_off_in_the_events_of_those_who_have_set_them() -> None:
    host = Host(Ticking, scope="handler")
    ada, bob = host.connect(), host.connect()
    ada.send("after 5")
    bob.send("every 2")
    host.advance(1.999)
    assert bob.received == []
    host.advance(4)
    assert (ada.take(), bob.take()) == (["['after'] True False"], ["['every'] True True"] * 2)
    assert host.now == 5.999
    for answer in "True", "False":
        bob.send("cancel")
        assert bob.take() == [answer]
    ada.send("cancel")
    assert ada.take() == ["False"]
    host.advance(100)
    assert (ada.take(), bob.take()) == ([], [])


def test_timers_end_with_their_connection() -> None:
    host = Host(Ticking, scope="handler")
    ada, bob = host.connect(), host.connect()
    ada.send("every 1")
    bob.send("every 1")
    ada.close()
    host.advance(1)
    assert (len(ada.received), len(bob.received)) == (0, 1)


@pytest.mark.parametrize(
    "time", [0, 0.009, -1, 366 * 86400, math.inf, math.nan, timedelta(days=366)]
)
def test_times_have_bounds(time: float) -> None:
    host = Host(Ticking)
    host.connect()
    with pytest.raises(timers.TimerError, match="10 ms to 365 days") as refused:
        timers.after(time)
    assert refused.value.outcome == "out-of-range"


def test_a_timer_is_never_early_and_a_float_no_reason_to_be_late() -> None:
    host = Host(Ticking)
    host.connect()
    for time, milliseconds in ((0.07, 70), (1.0001, 1001), (timedelta(seconds=2), 2000)):
        timers.after(time)
        assert max(timer.due for timer in host._timers.values()) == milliseconds


def test_there_may_be_so_many_timers() -> None:
    Host(Ticking).connect()
    for _ in range(256):
        timers.after(1)
    with pytest.raises(timers.TimerError, match="max-timers"):
        timers.after(1)


class Early(Handler):
    @classmethod
    def on_request(cls, connection: Connection, request: Request) -> Acceptance:
        timers.after(1)
        return Acceptance()


class Late(Handler):
    def on_close(self, connection: Connection, event: CloseEvent) -> None:
        timers.after(1)


def test_no_timer_is_set_that_nobody_would_hear_of() -> None:
    with pytest.raises(timers.TimerError, match="no timer can be set here"):
        Host(Early).connect()
    peer = Host(Late).connect()
    with pytest.raises(timers.TimerError) as refused:
        peer.close()
    assert refused.value.outcome == "unavailable"


class Auction(Room[None]):
    def on_message(self, connection: Connection, message: Message) -> None:
        timers.after(10, connection)

    def on_alarm(self, timer: timers.Timer) -> None:
        self.broadcast(f"sold to {timer.data.id}")


def test_a_rooms_timers_outlive_those_who_have_set_them() -> None:
    host = Host(Auction)
    ada, bob = host.connect(), host.connect()
    ada.send("bid")
    ada.close()
    host.advance(10)
    assert bob.received == ["sold to 1"]


class Relay(Handler):
    def on_message(self, connection: Connection, message: Message) -> None:
        with http.post("https://a.example/x", json={"q": message}) as response:
            for line in response.lines():
                connection.write(f"{response.status} {line}")


def test_an_answer_comes_in_pieces_and_lines_are_whole() -> None:
    host = Host(Relay)
    pieces = ["on", "e\ntw", "o\r", "\n\nth", "ree"]
    host.answer("https://a.example/x", [piece.encode() for piece in pieces], status=201)
    peer = host.connect()
    peer.send("é")
    assert peer.received == ["201 one", "201 two", "201 ", "201 three"]
    sent = host.requests[0]
    assert (sent.method, sent.url, sent.body) == (
        "POST",
        "https://a.example/x",
        b'{"q": "\\u00e9"}',
    )
    assert sent.headers == [("content-type", b"application/json")]


def test_an_answer_is_read_as_what_it_is() -> None:
    host = Host(Relay)
    host.answer("http://a.example/", '{"a": "é"}', headers={"X-A": "1"}, status=404)

    def get() -> http.Response:
        return http.get("http://a.example/", headers=[("b", "1"), ("b", b"2")], timeout=3)

    assert get().json() == {"a": "é"}
    assert get().text() == '{"a": "é"}'
    assert get().read() == '{"a": "é"}'.encode()
    assert list(get()) == ['{"a": "é"}'.encode()]
    assert (get().status, get().ok, get().header("x-a"), get().header("y", "-")) == (
        *(404, False),
        *("1", "-"),
    )
    assert host.requests[0].headers == [("b", b"1"), ("b", b"2")]
    assert host.requests[0].timeout == 3


def test_hosts_that_are_not_allowed_are_refused() -> None:
    Host(Relay)
    with pytest.raises(http.Denied):
        http.get("http://b.example/")


@pytest.mark.parametrize(
    "url", ["", "a.example", "//a", "ws://a", "https://", "https:///b", "https://é.example/"]
)
def test_what_is_no_url_is_an_error_of_the_handler(url: str) -> None:
    Host(Relay)
    with pytest.raises(ValueError, match="no URL of http or https"):
        http.get(url)


def test_what_is_no_header_is_refused_before_anything_is_sent() -> None:
    host = Host(Relay)
    wrong: list[Any] = [{"a": 5}, {5: "a"}, {"a": None}]
    for headers in wrong:
        with pytest.raises(TypeError):
            http.get("http://a.example/", headers=headers)
    assert host.requests == []
