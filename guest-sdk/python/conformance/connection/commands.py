"""The commands: each is given the handler, the connection and what follows its name, and
answers a text, or nothing where it has written itself."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from socklet_guest import Connection, http, timers, topics

if TYPE_CHECKING:
    from conformance import Conformance

Command = Callable[["Conformance", Connection, str], str | None]
COMMANDS: dict[str, Command] = {}

NOBODY = Connection(2**64 - 1)
LEVELS = {
    "trace": 5,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}


def command(function: Command) -> Command:
    """Names a command as its function, with hyphens; `print_` is `print`."""
    COMMANDS[function.__name__.strip("_").replace("_", "-")] = function
    return function


def or_none(value: str | None) -> str:
    return "none" if value is None else value


@command
def path(handler: Conformance, connection: Connection, rest: str) -> str:
    return handler.request.path


@command
def query(handler: Conformance, connection: Connection, rest: str) -> str:
    return or_none(handler.request.query_string)


@command
def header(handler: Conformance, connection: Connection, name: str) -> str:
    return "|".join(handler.request.headers(name)) or "none"


@command
def cookie(handler: Conformance, connection: Connection, name: str) -> str:
    return or_none(handler.request.cookie(name))


@command
def parameter(handler: Conformance, connection: Connection, name: str) -> str:
    return or_none(handler.request.query(name))


@command
def address(handler: Conformance, connection: Connection, rest: str) -> str:
    return handler.request.remote_address


@command
def subprotocol(handler: Conformance, connection: Connection, rest: str) -> str:
    return or_none(handler.request.subprotocol)


@command
def capture(handler: Conformance, connection: Connection, name: str) -> str:
    return or_none(connection.param(name))


@command
def claims(handler: Conformance, connection: Connection, rest: str) -> str:
    return or_none(connection.claims_json)


@command
def attachment(handler: Conformance, connection: Connection, rest: str) -> str:
    attached = connection.attachment
    return "none" if attached is None else attached.decode()


@command
def id(handler: Conformance, connection: Connection, rest: str) -> str:
    return str(connection.id)


@command
def count(handler: Conformance, connection: Connection, rest: str) -> str:
    return str(handler.messages)


@command
def write(handler: Conformance, connection: Connection, rest: str) -> str:
    number, size = map(int, rest.split(" "))
    for value in range(number):
        connection.write(bytes([value % 256]) * size)
    return "written"


@command
def buffered(handler: Conformance, connection: Connection, rest: str) -> str:
    before = connection.buffered_amount
    connection.write(bytes(1000))
    return f"buffered {before} {connection.buffered_amount}"


@command
def too_large(handler: Conformance, connection: Connection, rest: str) -> str:
    return connection.try_write(bytes((1 << 20) + 1))


@command
def stranger(handler: Conformance, connection: Connection, rest: str) -> str:
    write, close = NOBODY.try_write("to nobody"), NOBODY.close()
    return f"write {write} close {close} buffered {NOBODY.buffered_amount}"


@command
def close(handler: Conformance, connection: Connection, rest: str) -> str | None:
    code, _, reason = rest.partition(" ")
    outcome = connection.close(int(code or 1000), reason)
    return None if outcome else f"close {outcome}"


@command
def after_close(handler: Conformance, connection: Connection, rest: str) -> None:
    connection.close()
    write, close = connection.try_write("after close"), connection.close()
    logging.info("after close write=%s close=%s", write, close)


@command
def log(handler: Conformance, connection: Connection, rest: str) -> str:
    level, _, text = rest.partition(" ")
    logging.log(LEVELS[level], text)
    return "logged"


@command
def print_(handler: Conformance, connection: Connection, text: str) -> str:
    print(text)
    return "printed"


@command
def fail(handler: Conformance, connection: Connection, text: str) -> None:
    raise RuntimeError(text)


@command
def subscribe(handler: Conformance, connection: Connection, topic: str) -> str:
    return topics.subscribe(connection, topic)


@command
def unsubscribe(handler: Conformance, connection: Connection, topic: str) -> str:
    return "unsubscribed" if topics.unsubscribe(connection, topic) else "not-subscribed"


@command
def publish(handler: Conformance, connection: Connection, rest: str) -> str:
    topic, _, text = rest.partition(" ")
    return topics.publish(topic, text)


@command
def publish_others(handler: Conformance, connection: Connection, rest: str) -> str:
    topic, _, text = rest.partition(" ")
    return topics.publish(topic, text, exclude=connection)


@command
def subscribers(handler: Conformance, connection: Connection, topic: str) -> str:
    return str(topics.subscriber_count(topic))


def set_timer(
    handler: Conformance, sets: Callable[[float, object], timers.Timer], rest: str
) -> str:
    milliseconds, _, text = rest.partition(" ")
    try:
        handler.last_timer = sets(int(milliseconds) / 1000, text)
    except timers.TimerError as error:
        return error.outcome
    return "set"


@command
def after(handler: Conformance, connection: Connection, rest: str) -> str:
    return set_timer(handler, timers.after, rest)


@command
def every(handler: Conformance, connection: Connection, rest: str) -> str:
    return set_timer(handler, timers.every, rest)


@command
def cancel(handler: Conformance, connection: Connection, rest: str) -> str:
    timer = handler.last_timer
    return "cancelled" if timer is not None and timer.cancel() else "not-set"


@command
def refuse_suspend(handler: Conformance, connection: Connection, rest: str) -> str:
    handler.refuses_to_suspend = True
    return "refusing"


@command
def fetch(handler: Conformance, connection: Connection, url: str) -> str:
    try:
        with http.get(url) as response:
            return f"{response.status} {response.text()}"
    except (http.Error, ValueError) as error:
        logging.info("%s: %s", url, error)
        return "error"


@command
def stream(handler: Conformance, connection: Connection, url: str) -> str:
    try:
        for chunk in http.get(url):
            connection.write(chunk.decode())
    except (http.Error, ValueError) as error:
        logging.info("%s: %s", url, error)
        return "error"
    return "end"


@command
def environment(handler: Conformance, connection: Connection, name: str) -> str:
    return or_none(os.environ.get(name))
