"""Publish and subscribe: what is published to a topic reaches every connection that is
subscribed to it, in whatever instance, and no handler is called for that.

::

    from socklet_guest import Connection, Handler, Message, Request, topics

    class Megaphone(Handler):
        def on_ready(self, connection: Connection, request: Request) -> None:
            topics.subscribe(connection, "all")

        def on_message(self, connection: Connection, message: Message) -> None:
            topics.publish("all", message, exclude=connection)

To import this module is what makes a component import topics. State that connections share
is a room's; pure fan-out is a topic's.

A name such as `news` is a topic of the handler's own. `shared:news` is one that handlers
share, for which the manifest needs grants::

    [capabilities]
    topics = { publish = ["news"], subscribe = ["news", "weather.*"] }

Names have 1 to 256 bytes and no control characters. Messages are delivered at most once, to
who is subscribed when they are published, and those of one instance to one topic in the
order in which it published them. A subscriber that is too slow is closed with 1013, or
misses messages where the manifest says `overflow = "drop"` under `[topics]`.
"""

from __future__ import annotations

from enum import StrEnum

from . import _host
from ._connection import Connection, Message, plain, text

__all__ = [
    "PublishOutcome",
    "SubscribeOutcome",
    "publish",
    "subscribe",
    "subscriber_count",
    "unsubscribe",
]


class SubscribeOutcome(StrEnum):
    """What became of a `subscribe`. It is true where the connection is subscribed."""

    SUBSCRIBED = "subscribed"
    """It gets what is published from now on, or did so before."""
    CLOSED = "closed"
    """The connection is closing or closed. No attempt will succeed."""
    INVALID = "invalid"
    """The name is empty, longer than 256 bytes, or holds a control character."""
    DENIED = "denied"
    """It is a shared topic that this handler may not subscribe to."""
    FULL = "full"
    """The connection has `max-subscriptions` (64 by default), or the handler `max-topics`
    (10,000 by default)."""
    UNAVAILABLE = "unavailable"
    """The broker that connects hosts can't be reached. Try again later."""

    def __bool__(self) -> bool:
        return self is SubscribeOutcome.SUBSCRIBED


class PublishOutcome(StrEnum):
    """What became of a `publish`. It is true where the message was published; that says
    nothing about subscribers."""

    PUBLISHED = "published"
    """It is on its way to everybody who is subscribed, were it nobody."""
    TOO_LARGE = "too-large"
    """The message is larger than `max-message-size` or `max-backpressure` (1 MiB each by
    default): split it."""
    INVALID = "invalid"
    """The name is empty, longer than 256 bytes, or holds a control character."""
    DENIED = "denied"
    """It is a shared topic that this handler may not publish to."""
    FULL = "full"
    """The handler publishes faster than the host delivers. Try again later, or leave it
    out."""
    UNAVAILABLE = "unavailable"
    """The broker that connects hosts can't be reached. Try again later."""

    def __bool__(self) -> bool:
        return self is PublishOutcome.PUBLISHED


_REASONS = {
    "too-large": "it is over max-message-size: split it",
    "invalid": "its name must have 1 to 256 bytes and no control characters",
    "denied": "a shared topic needs a grant: ask for it in the manifest",
    "unavailable": "the broker can't be reached: try again later",
}


def subscribe(connection: Connection, topic: str) -> SubscribeOutcome:
    """Subscribes a connection to a topic: from now on it gets what is published there, each
    message once. The subscription ends with `unsubscribe` or with the connection.

    What can't be is logged: a name that can't be one, a shared topic that this handler may
    not subscribe to, and too many topics.
    """
    outcome = SubscribeOutcome(_host.host.subscribe(connection.id, text(topic, "a topic")))
    if outcome not in ("subscribed", "closed"):
        why = _REASONS.get(outcome, "there are too many (max-subscriptions, max-topics)")
        _host.host.log("error", f"connection {connection.id} is not subscribed to {topic!r}: {why}")
    return outcome


def unsubscribe(connection: Connection, topic: str) -> bool:
    """Ends a subscription: from now on nothing of the topic is queued for the connection.
    False where it was not subscribed."""
    return _host.host.unsubscribe(connection.id, text(topic, "a topic"))


def publish(topic: str, message: Message, exclude: Connection | None = None) -> PublishOutcome:
    """Sends a message to everybody who is subscribed to a topic, or to everybody but
    `exclude`: most often the connection whose message it is.

    It returns when the host has taken the message, and waits where the handler publishes
    faster than the host delivers; never for a slow subscriber. What was not published is
    logged. Raises `TypeError` for anything but a string and bytes.
    """
    excluded = None if exclude is None else exclude.id
    name = text(topic, "a topic")
    outcome = PublishOutcome(_host.host.publish(name, plain(message), excluded))
    if not outcome:
        why = _REASONS.get(outcome, "more is published than is delivered: publish less")
        _host.host.log("error", f"a message is not published to {topic!r}: {why}")
    return outcome


def subscriber_count(topic: str) -> int:
    """How many connections are subscribed to a topic now."""
    return _host.host.subscriber_count(text(topic, "a topic"))
