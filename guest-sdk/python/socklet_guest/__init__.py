"""Write WebSocket handlers for socklet in Python.

A handler is a WebAssembly component: socklet accepts the connections, and calls it when
something happens on one. This is a whole one::

    from socklet_guest import Connection, Handler, Request

    class Hello(Handler):
        def on_ready(self, connection: Connection, request: Request) -> None:
            connection.write("Hello!")

`Handler` has an object for each connection, `Room` one for all that share an instance.
What a component imports from its host is what its code imports from here:

- `socklet_guest.topics`: publish and subscribe
- `socklet_guest.timers`: timers, which `on_alarm` hears of
- `socklet_guest.http`: requests to servers elsewhere

`socklet_guest.testing` runs handlers without a socket, in any Python from 3.11.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    raise ImportError(
        "socklet-guest needs Python 3.11 or newer, and this is "
        + ".".join(map(str, sys.version_info[:2]))
        + ": install one, and make the project's .venv with it"
    )

from ._connection import CloseOutcome, Connection, Message, WriteOutcome
from ._events import CloseEvent
from ._gate import Acceptance, Rejection
from ._handler import Handler
from ._request import Request
from ._room import Members, Room
from ._snapshot import SnapshotError, UnknownSchema

__all__ = [
    "Acceptance",
    "CloseEvent",
    "CloseOutcome",
    "Connection",
    "Handler",
    "Members",
    "Message",
    "Rejection",
    "Request",
    "Room",
    "SnapshotError",
    "UnknownSchema",
    "WriteOutcome",
]

__version__ = "0.1.0"
