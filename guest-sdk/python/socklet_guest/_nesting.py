"""Deep JSON as an error, where it would end the instance.

CPython raises `RecursionError` before its C code has used up the call stack, as far as it
knows that. In WebAssembly it knows only the part in memory, and what the engine keeps beside
it ends first: for JSON after some 1,000 levels, with the host's `max-stack` of 512 KiB.
"""

from __future__ import annotations

import json
from array import array
from itertools import accumulate
from typing import Any

DEEPEST = 500
"""`json.dumps`, `repr` and the end of such a value need as much stack: 850 levels fill it."""

_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_OTHERS = bytes(code for code in range(256) if code not in b"[]{}")


def install() -> None:
    """Has `json.load` and `json.loads` raise `RecursionError` for what is nested deeper."""
    decode = json.JSONDecoder.decode

    def bounded(self: json.JSONDecoder, s: str, *arguments: Any) -> Any:
        refuse_deep(s)
        return decode(self, s, *arguments)

    json.JSONDecoder.decode = bounded  # type: ignore[assignment, method-assign]


def refuse_deep(text: str) -> None:
    # Most has not so many brackets at all.
    if text.count("[") + text.count("{") > DEEPEST and depth(text) > DEEPEST:
        raise RecursionError(f"the JSON is nested more than {DEEPEST} levels deep")


def depth(text: str) -> int:
    """How deep arrays and objects lie within each other, be it JSON or nearly so."""
    if "\\" in text:
        text = text.replace("\\\\", "").replace('\\"', "")
    # Every second part is a string.
    outside = "".join(text.split('"')[::2])
    steps = outside.encode("ascii", "ignore").translate(_STEPS, _OTHERS)
    return max(accumulate(array("b", steps)), default=0)
