"""How a state is written, for the next instance to take up.

As JSON, so that nothing in it runs when it is read. What JSON can't tell apart is marked:
`{"$": "tuple", "of": [...]}`.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from ._connection import Connection
from ._timer import Registry, Timer


class SnapshotError(Exception):
    """Raise it in `suspend` or `resume` to keep the connections where they are. Its text is
    for the log."""


class UnknownSchema(SnapshotError):
    """Raise it in `upgrade` for a schema that is not known there."""

    def __init__(self, why: str = "the state is of an unknown schema") -> None:
        super().__init__(why)


_MARK = "$"
# Values within each other: what a peer has sent may be deeper than the stack.
_DEEPEST = 64
_PLAIN = (str, int, float, bool, type(None))
_SEQUENCES: dict[type, str] = {tuple: "tuple", set: "set", frozenset: "frozenset", deque: "deque"}
_MADE_BY = {"tuple": tuple, "set": set, "frozenset": frozenset}


def encode(state: Any, name: str) -> bytes:
    """Writes a state. `name` is what it is called where a part of it can't be kept."""
    return json.dumps(_marked(state, name), separators=(",", ":")).encode()


def decode(state: bytes, timers: Registry) -> dict[str, Any]:
    """Reads what `encode` wrote of a dict with `timers`, which `timers` takes up."""
    marked = json.loads(state)
    # They are there before whatever names them.
    timers.restore(_unmarked(marked.pop("timers"), timers))
    kept: dict[str, Any] = _unmarked(marked, timers)
    return kept


def _marked(value: Any, name: str, depth: int = 0) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if depth > _DEEPEST:
        raise SnapshotError(f"{name} lies {_DEEPEST} values deep, and deeper ones can't be kept")
    inner = depth + 1
    if kind is list:
        return [_marked(item, f"{name}[{place}]", inner) for place, item in enumerate(value)]
    if kind is dict:
        if all(type(key) is str for key in value) and _MARK not in value:
            return {key: _marked(item, f"{name}.{key}", inner) for key, item in value.items()}
        pairs = [
            [_marked(key, f"a key of {name}", inner), _marked(item, f"{name}[{key!r}]", inner)]
            for key, item in value.items()
        ]
        return {_MARK: "dict", "of": pairs}
    if kind in _SEQUENCES:
        items = [_marked(item, f"{name}[{place}]", inner) for place, item in enumerate(value)]
        marked = {_MARK: _SEQUENCES[kind], "of": items}
        if kind is deque and value.maxlen is not None:
            marked["most"] = value.maxlen
        return marked
    if kind in (bytes, bytearray):
        # Latin 1 is the shortest that JSON has: one character for each byte.
        return {_MARK: kind.__name__, "of": value.decode("latin-1")}
    if kind is Timer:
        return {_MARK: "timer", "of": value.id}
    if kind is Connection:
        return {_MARK: "connection", "of": value.id}
    raise SnapshotError(
        f"{name} is a {kind.__name__}, which can't be kept: write suspend and resume, and make it"
        " of None, bool, int, float, str, bytes, lists, tuples, sets, deques and dicts"
    )


def _unmarked(value: Any, timers: Registry) -> Any:
    kind = type(value)
    if kind is list:
        return [_unmarked(item, timers) for item in value]
    if kind is not dict:
        return value
    mark = value.get(_MARK)
    if mark is None:
        return {key: _unmarked(item, timers) for key, item in value.items()}
    of = value["of"]
    if mark in ("bytes", "bytearray"):
        written: str = of
        return (bytearray if mark == "bytearray" else bytes)(written, "latin-1")
    if mark == "timer":
        return timers.named(of)
    if mark == "connection":
        return Connection(of)
    items = [_unmarked(item, timers) for item in of]
    if mark == "dict":
        return {key: item for key, item in items}
    if mark == "deque":
        return deque(items, value.get("most"))
    return _MADE_BY[mark](items)
