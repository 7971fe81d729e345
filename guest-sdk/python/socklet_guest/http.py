"""Requests to HTTP servers elsewhere.

::

    from socklet_guest import http

    with http.get("https://api.example.com/story", headers={"accept": "text/plain"}) as story:
        for chunk in story:
            connection.write(chunk)

To import this module is what makes a component import HTTP. The manifest names the hosts,
and nothing else is reached::

    [capabilities]
    allowed-hosts = ["api.example.com"]

A call returns when it has what it is for; meanwhile the host sends what was written before
it, and answers pings. The instance is at that event until it ends: a slow server holds up
one connection, in a room all of them. A time is bounded by the manifest's `http-timeout`
(20 s for each sign of life), `http-total-time` (5 min in all) and `event-wall-time` (30 s
for each wait), the sizes by `max-http-request-size` (1 MiB) and `max-http-response-size`
(8 MiB).

Redirects are not followed: their status is 3xx, and `location` says where to. Nothing is
decompressed, and no connection is kept for a next request. HTTP/1.1 is spoken, with TLS for
`https`. `urllib.request` and what builds on sockets does not work in a component.
"""

from __future__ import annotations

import json as _json
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from . import _host
from ._connection import plain, text
from ._gate import Headers, header_fields

__all__ = ["Denied", "Error", "Response", "Timeout", "TooLarge", "get", "post", "request"]


class Error(Exception):
    """A request that could not be sent, or an answer that broke off. `str(error)` says why."""


class Denied(Error):
    """The host is not among `allowed-hosts`, or is at a private address that is not."""


class Timeout(Error):
    """The other end took too long."""


class TooLarge(Error):
    """The request or the answer is larger than the manifest allows."""


@dataclass(slots=True)
class Outgoing:
    """A request as it is handed to the host."""

    method: str
    url: str
    headers: list[tuple[str, bytes]]
    body: bytes
    timeout: float | None


class Response:
    """An answer: its head, and a body that may still be coming.

    Iterating over it yields the pieces of the body as they come. `with`, or `close`, ends
    the connection with the server; so does dropping it.
    """

    def __init__(self, answer: _host.Answer) -> None:
        self.status: int = answer.status
        """The status, from 100 to 599. A 404 is an answer and no error."""
        self.header_fields: list[tuple[str, bytes]] = list(answer.headers)
        """The header fields in their order, values as raw bytes."""
        self._chunks = answer.chunks

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def header(self, name: str, default: str | None = None) -> str | None:
        """The first value of a header field, the name in any case."""
        name = name.lower()
        for found, value in self.header_fields:
            if found.lower() == name:
                return value.decode(errors="replace")
        return default

    def __iter__(self) -> Iterator[bytes]:
        """The pieces of the body as they come, none of them empty. Raises `Error` where it
        breaks off."""
        return self._chunks

    def lines(self) -> Iterator[str]:
        """The lines of the body as they come, without their ends: `\\n` or `\\r\\n`. Bytes
        that are not UTF-8 are replaced by U+FFFD. For server-sent events and JSON lines."""
        rest = b""
        for chunk in self._chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.removesuffix(b"\r").decode(errors="replace")
        if rest:
            yield rest.removesuffix(b"\r").decode(errors="replace")

    def read(self) -> bytes:
        """The rest of the body, when all of it has come."""
        return b"".join(self._chunks)

    def text(self) -> str:
        """The rest of the body as UTF-8. Raises `UnicodeDecodeError` where it is not."""
        return self.read().decode()

    def json(self) -> Any:
        """The rest of the body as JSON. Raises `ValueError` where it is not."""
        return _json.loads(self.read())

    def close(self) -> None:
        """Ends it. What has not come by now does not come."""
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Response:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Response {self.status}>"


def get(url: str, *, headers: Headers = (), timeout: float | None = None) -> Response:
    """Sends a GET. Everything else is as in `request`."""
    return request("GET", url, headers=headers, timeout=timeout)


def post(
    url: str,
    body: str | bytes = b"",
    *,
    json: Any = None,
    headers: Headers = (),
    timeout: float | None = None,
) -> Response:
    """Sends a POST. Everything else is as in `request`."""
    return request("POST", url, body, json=json, headers=headers, timeout=timeout)


def request(
    method: str,
    url: str,
    body: str | bytes = b"",
    *,
    json: Any = None,
    headers: Headers = (),
    timeout: float | None = None,
) -> Response:
    """Sends a request, and returns when the head of the answer is there.

    `json` is sent as JSON in place of a body, and sets the `content-type`. The headers that
    say how a message is sent (`host`, `connection`, `content-length` and the like) are set by
    themselves. `timeout` is in seconds: for the connection, for the answer's start, and
    between two of its pieces; the manifest's `http-timeout` holds as well.

    Raises `Error` where no answer has come, and `ValueError` for what is no URL of `http` or
    `https`.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or not url.isascii():
        raise ValueError(f"{url!r} is no URL of http or https")
    fields = header_fields(headers)
    if json is not None:
        body = _json.dumps(json)
        if not any(name.lower() == "content-type" for name, _ in fields):
            fields.append(("content-type", b"application/json"))
    sent = plain(body)
    if isinstance(sent, str):
        sent = sent.encode()
    return Response(_host.host.send(Outgoing(text(method, "a method"), url, fields, sent, timeout)))
