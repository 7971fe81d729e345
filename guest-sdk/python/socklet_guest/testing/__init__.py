"""Runs a handler without a socket, for unit tests in any Python from 3.11.

::

    from app import Hello
    from socklet_guest.testing import Host

    def test_greets() -> None:
        peer = Host(Hello).connect("/hello?name=Ada")
        assert peer.take() == ["Hello Ada!"]
        peer.send("how are you?")
        assert peer.take() == ["fine"]

Everything happens at once and in the test's own thread: when `send` returns, the event is
over. Time passes by `Host.advance` alone. An exception in a handler is raised in the test;
`Host(..., raises=False)` does what a real host does with it.

What the handler logs by `logging`, and prints, goes where the test's own does.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from .. import _host, _timer
from .._events import CloseEvent
from .._gate import Headers, Rejection, header_fields
from .._handler import Handler
from .._request import Request
from .._room import Room
from ._asked import Asked, Closed, Instance, Peer, Published

__all__ = ["Closed", "Host", "Peer", "Published", "Rejected"]


class Rejected(Exception):
    """The gate has rejected a handshake."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(f"{rejection.status} {rejection.body}")
        self.rejection = rejection
        """With what it was answered."""


class Host(Asked):
    """A host of one handler, without sockets.

    `scope` is that of the manifest: `connection`, `path` or `handler`. It is `connection`
    for a `Handler` and `path` for a `Room` where nothing is said. With `raises=False` an
    exception in an event is logged and closes the connection, as it is by a real host.
    `max_message_size` is in bytes.
    """

    def __init__(
        self,
        handler: type[Handler] | type[Room[Any]],
        *,
        scope: str | None = None,
        raises: bool = True,
        max_message_size: int = 1 << 20,
    ) -> None:
        super().__init__(max_message_size)
        self._handler: Any = handler
        self._scope = scope or ("path" if issubclass(handler, Room) else "connection")
        self._raises = raises
        self._instances: dict[object, Instance] = {}
        _host.serve_by(self)

    def connect(
        self,
        target: str = "/",
        *,
        headers: Headers = (),
        subprotocol: str | None = None,
        params: dict[str, str] | None = None,
        claims: str | None = None,
        remote_address: str = "127.0.0.1:50000",
    ) -> Peer:
        """Opens a connection, and returns when its `on_ready` is over.

        `target` is a path with a query, as in a URL. `params` are what the route's captures
        took from it, and `claims` is the session's JSON: there is no manifest here.

        Raises `Rejected` where the gate rejects it.
        """
        url = urlsplit(target)
        request = Request(
            unquote(url.path),
            url.query if "?" in target else None,
            [(name.lower(), value) for name, value in header_fields(headers)],
            remote_address,
            subprotocol,
        )
        id = max(self._peers, default=0) + 1
        place: object = {"connection": id, "path": url.path}.get(self._scope)
        instance = self._instances.get(place) or self._new_instance(self._handler)
        self._instances[place] = instance
        peer = self._peers[id] = Peer(self, instance, id)
        peer._params, peer._claims = params or {}, claims
        self._enter(instance, may_set_timers=False)
        answer = instance.events.request(id, request)
        if isinstance(answer, Rejection):
            raise Rejected(answer)
        peer._attachment = answer.attachment  # type: ignore[assignment]
        request.subprotocol = answer.subprotocol or subprotocol
        peer._open = True
        instance.connections.append(id)
        self._run(instance, "ready", id, request)
        return peer

    def advance(self, seconds: float) -> None:
        """Lets time pass, and timers go off in their order."""
        end = round((self.now + seconds) * 1000)
        while True:
            due = [(timer.due, id) for id, timer in self._timers.items() if timer.due <= end]
            if not due:
                break
            at, id = min(due)
            timer = self._timers.pop(id)
            self.now = at / 1000
            if timer.every is not None:
                self._timers[id] = timer._replace(due=at + timer.every)
            self._run(timer.instance, "alarm", id)
        self.now = end / 1000

    def swap(self, handler: type[Handler] | type[Room[Any]] | None = None) -> None:
        """Replaces the handler by a new version, or by itself, and moves every connection with
        its state, which is written and read for that. Parking does the same.

        Raises what `suspend` or `resume` raise: then a real host would have left the
        connections where they are.
        """
        new: Any = handler or self._handler
        for kind in (self._handler, new):
            if kind.schema is None:
                raise TypeError(f"{kind.__name__} has no schema: a swap does not move its state")
        for place, old in list(self._instances.items()):
            self._enter(old)
            schema, state = old.events.suspend()
            instance = self._new_instance(new)
            self._hand_over(old, instance)
            try:
                instance.events.resume(sorted(instance.connections), schema, state)
            except BaseException:
                self._hand_over(instance, old)
                raise
            self._instances[place] = instance
            for id, timer in self._timers.items():
                if timer.instance is old:
                    self._timers[id] = timer._replace(instance=instance)
        self._handler = new
        self._settle()

    def answer(
        self,
        url: str,
        body: str | bytes | list[bytes] = b"",
        *,
        status: int = 200,
        headers: Headers = (),
    ) -> None:
        """Says what requests to a URL are answered with from now on; a list is a body that
        comes in pieces. Requests to any other are refused as `http.Denied`."""
        whole = body.encode() if isinstance(body, str) else body
        pieces = whole if isinstance(whole, list) else [whole]
        self._answers[url] = (status, header_fields(headers), pieces)

    # Events.

    def _new_instance(self, kind: Any) -> Instance:
        instance = Instance(kind)
        instance.events.raises = self._raises
        return instance

    def _enter(self, instance: Instance, may_set_timers: bool = True) -> None:
        _host.serve_by(self)
        self._current, self._may_set_timers = instance, may_set_timers
        _timer.registry = instance.events.timers

    def _hand_over(self, old: Instance, new: Instance) -> None:
        new.connections = old.connections
        for id in new.connections:
            self._peers[id]._instance = new
        self._enter(new)

    def _run(self, instance: Instance, event: str, *arguments: object) -> None:
        self._enter(instance)
        getattr(instance.events, event)(*arguments)
        self._settle()

    def _end(self, peer: Peer, event: CloseEvent) -> None:
        if peer.connection.id not in peer._instance.connections:
            return
        peer._open = False
        alone = self._scope == "connection"
        self._enter(peer._instance, may_set_timers=not alone)
        peer._instance.connections.remove(peer.connection.id)
        try:
            peer._instance.events.close(peer.connection.id, event)
        finally:
            if alone:
                self._timers = {
                    id: timer
                    for id, timer in self._timers.items()
                    if timer.instance is not peer._instance
                }
        self._settle()

    def _settle(self) -> None:
        """The peers of connections that the handler has closed answer, once its event is over."""
        while self._closing:
            peer = self._closing.pop(0)
            assert peer.closed is not None
            self._end(peer, CloseEvent("handler", *peer.closed))
