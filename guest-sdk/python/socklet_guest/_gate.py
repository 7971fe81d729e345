"""How a handshake is answered by a handler's own gate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import index
from typing import TypeAlias

from ._connection import plain, text

Headers: TypeAlias = Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]]
"""Header fields: a dict, or pairs where a name comes more than once."""


def header_fields(headers: Headers) -> list[tuple[str, bytes]]:
    """Header fields as the bindings take them."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return [(text(name, "a header's name"), _value(name, value)) for name, value in pairs]


def _value(name: str, value: object) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"the header {name!r} is a str or bytes, not {type(value).__name__}")


@dataclass
class Acceptance:
    """How a handshake is accepted. What it can't be answered with makes the answer 500, and a
    line in the log says why::

        return Acceptance(headers={"set-cookie": "seen=1; HttpOnly"}, attachment="team 7")
    """

    subprotocol: str | None = None
    """One that the peer has offered, in place of what the host has agreed to."""
    headers: Headers = field(default_factory=dict)
    """Header fields of the response: at most 32, with 8 KiB in all. Those of the handshake
    itself and of the body's length are the host's."""
    attachment: str | bytes | None = None
    """What `connection.attachment` is to answer: at most 64 KiB. A string is kept as UTF-8."""

    def __post_init__(self) -> None:
        # Here and not when it is sent, so that a mistake is found where it was made.
        self.headers = header_fields(self.headers)
        if self.subprotocol is not None:
            text(self.subprotocol, "a subprotocol")
        if self.attachment is not None:
            attachment = plain(self.attachment)
            self.attachment = attachment.encode() if isinstance(attachment, str) else attachment


@dataclass
class Rejection:
    """How a handshake is rejected. A page in a browser sees none of it, only that the
    connection failed: what it has to know, tell it by accepting the connection and closing it
    with a code and a reason::

        return Rejection(429, "one game a minute", headers={"retry-after": "60"})
    """

    status: int = 403
    """From 400 to 599."""
    body: str = ""
    """At most 4 KiB; plain text, unless a `content-type` among the headers says otherwise."""
    headers: Headers = field(default_factory=dict)
    """Header fields of the response, with the bounds of an acceptance."""

    def __post_init__(self) -> None:
        if not 0 <= index(self.status) <= 0xFFFF:
            raise ValueError(f"a status is from 400 to 599, not {self.status}")
        text(self.body, "a body")
        self.headers = header_fields(self.headers)
