"""The request that opened a connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl


@dataclass(slots=True)
class Request:
    """The opening request of a connection: what the peer asked for in the handshake.

    The fields are the request as it came; the methods look things up in it. They answer
    text, in which bytes that are not UTF-8 are replaced by U+FFFD::

        request.header("user-agent")
        request.cookie("session")
        request.query("name", "stranger")
    """

    path: str = "/"
    """The path, percent-decoded once, without the query."""
    query_string: str | None = None
    """What followed the first `?`, not decoded; `None` where the request had no `?`."""
    header_fields: list[tuple[str, bytes]] = field(default_factory=list)
    """The header fields, names in lower case, values as raw bytes. A name that was sent more
    than once appears once for each time, in the order of the request within that name."""
    remote_address: str = "127.0.0.1:0"
    """The peer's address as `address:port`, IPv6 addresses in brackets; `unix` for a peer on
    a Unix socket, which has none."""
    subprotocol: str | None = None
    """The subprotocol that the host agreed to; `None` where it agreed to none."""

    def header(self, name: str, default: str | None = None) -> str | None:
        """The first value of a header field, the name in any case."""
        name = name.lower()
        for found, value in self.header_fields:
            if found == name:
                return value.decode(errors="replace")
        return default

    def headers(self, name: str) -> list[str]:
        """Every value of a header field, in the order of the request; the name in any case."""
        name = name.lower()
        return [
            value.decode(errors="replace") for found, value in self.header_fields if found == name
        ]

    def cookie(self, name: str, default: str | None = None) -> str | None:
        """The first cookie of that name. `cookies` says how they are read."""
        return next((value for found, value in self.cookies() if found == name), default)

    def cookies(self) -> list[tuple[str, str]]:
        """Every cookie as (name, value), in the order of the request.

        Values are as they were sent: nothing is decoded, and quotes are kept. What has no
        `=` is left out.
        """
        # HTTP/2 lets a peer send one field for each cookie (RFC 9113, section 8.2.3).
        pairs = [pair for text in self.headers("cookie") for pair in text.split(";")]
        divided = (pair.partition("=") for pair in pairs)
        return [(name.strip(), value.strip()) for name, equals, value in divided if equals]

    def query(self, name: str, default: str | None = None) -> str | None:
        """The first value of that name in the query. `query_pairs` says how it is read."""
        return next((value for found, value in self.query_pairs() if found == name), default)

    def query_pairs(self) -> list[tuple[str, str]]:
        """Every pair of the query as (name, value), in the order of the request.

        Read as forms and `URLSearchParams` write it: pairs divided by `&`, `+` for a space,
        the rest percent-encoded. A name without `=` has an empty value, and a `%` that
        begins no escape stands for itself.
        """
        return parse_qsl(self.query_string or "", keep_blank_values=True)
