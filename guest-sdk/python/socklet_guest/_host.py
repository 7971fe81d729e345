"""The seam between the SDK and whoever serves it.

In a component that is the host, by its bindings (`_component`); in a test it is a fake
(`testing`). Nothing else in the SDK knows which of the two it speaks to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ._connection import CloseOutcome, WriteOutcome


class Host(Protocol):
    """What the SDK asks of the host. Each returns at once, but for `publish` and `send`."""

    def write(self, connection: int, message: str | bytes) -> WriteOutcome: ...
    def close(self, connection: int, code: int, reason: str) -> CloseOutcome: ...
    def buffered_amount(self, connection: int) -> int: ...
    def params(self, connection: int) -> list[tuple[str, str]]: ...
    def claims(self, connection: int) -> str | None: ...
    def attachment(self, connection: int) -> bytes | None: ...
    def log(self, level: str, message: str) -> None: ...

    # Topics: the answers are the words of the interface.
    def subscribe(self, connection: int, topic: str) -> str: ...
    def unsubscribe(self, connection: int, topic: str) -> bool: ...
    def publish(self, topic: str, message: str | bytes, exclude: int | None) -> str: ...
    def subscriber_count(self, topic: str) -> int: ...

    # Timers: an id, or the word that says why there is none.
    def set_timer(self, after: int, every: int | None) -> int | str: ...
    def cancel_timer(self, timer: int) -> bool: ...

    # HTTP: answers when the answer's head is there, or raises `http.Error`.
    def send(self, request: Exchange) -> Answer: ...


class Exchange(Protocol):
    """A request as `http` hands it to the host."""

    method: str
    url: str
    headers: list[tuple[str, bytes]]
    body: bytes
    timeout: float | None


class Answer(Protocol):
    """The head of an answer, and its body piece by piece."""

    status: int
    headers: list[tuple[str, bytes]]
    chunks: Iterator[bytes]


class _Nobody:
    def __getattr__(self, name: str) -> object:
        raise RuntimeError(
            f"there is no host to ask for {name!r}: it can be asked in an event only, not while a"
            " module is imported; in a test, make a socklet_guest.testing.Host first"
        )


host: Host = _Nobody()  # type: ignore[assignment]
"""Who serves now. Read it as `_host.host`, since it is replaced."""


def serve_by(served_by: Host) -> None:
    """Puts a host in place."""
    global host
    host = served_by
