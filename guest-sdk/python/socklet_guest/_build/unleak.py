"""Mends a leak in components that componentize-py 0.25.1 has made.

Where Python hands `bytes` to its host, or returns them, its runtime copies them
(`wit_dylib_pop_list`), and nobody frees the copy: each binary message that is written costs its
size, until `max-memory` ends the instance. Lists of anything else are freed by the code that the
tool generates for them, when the call is over. This has that code do so for bytes as well.

That code is a core module of its own, of some kilobytes, in which a list is always taken in the
same way; what is put in follows that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_POP, _FREE = b"wit_dylib_pop_list", b"wit_dylib_dealloc_bytes"

# Sections of a component, and of a core module.
_CORE_MODULE = 1
_IMPORTS, _CODE = 2, 10


class Unmended(Exception):
    """The component is not as the one that this was written for."""


def unleak(component: bytes) -> bytes:
    """The component, with the leak mended.

    Raises `Unmended` where there is nothing to mend that is known.
    """
    out, mended = [component[:8]], 0
    for kind, content in _sections(component):
        if kind == _CORE_MODULE and _POP in content and content[:4] == b"\0asm":
            content, count = _module(content)
            mended += count
        out.append(_section(kind, content))
    if not mended:
        raise Unmended("no list is taken from Python in a way that is known")
    return b"".join(out)


def _module(module: bytes) -> tuple[bytes, int]:
    functions = {
        name: index
        for kind, content in _sections(module)
        if kind == _IMPORTS
        for index, name in enumerate(_imported_functions(content))
    }
    # The runtime, which has these functions, is no module that imports them.
    if not {_POP, _FREE} <= set(functions):
        return module, 0
    out, count = [module[:8]], 0
    for kind, content in _sections(module):
        if kind == _CODE:
            content, count = _code(content, functions[_POP], functions[_FREE])
        out.append(_section(kind, content))
    return b"".join(out), count


def _code(code: bytes, pop: int, free: int) -> tuple[bytes, int]:
    taken = _taken(pop)

    def mend(match: re.Match[bytes]) -> bytes:
        context, length, pointer = match["context"], match["length"], match["pointer"]
        # if pointer { dealloc_bytes(context, pointer, length, align: 1, defer: 1) }
        mending = (
            *(b"\x20", pointer, b"\x04\x40", b"\x20", context, b"\x20", pointer),
            *(b"\x20", length, b"\x41\x01\x41\x01\x10", _leb(free), b"\x0b"),
        )
        return match[0] + b"".join(mending)

    number, at = _read_leb(code, 0)
    out, count = [_leb(number)], 0
    for _ in range(number):
        size, at = _read_leb(code, at)
        body, mended = taken.subn(mend, code[at : at + size])
        out += [_leb(len(body)), body]
        count += mended
        at += size
    return b"".join(out), count


def _taken(pop: int) -> re.Pattern[bytes]:
    """How a list is taken: `pop_list(context, type, &pointer)` answers its length, and a
    pointer, which is null unless its elements are bytes."""
    number = rb"[\x80-\xff]*[\x00-\x7f]"
    parts = (
        rb"\x20(?P<context>%b)\x41%b" % (number, number),
        rb"\x20(?P<frame>%b)(?P<place>\x41%b\x6a)" % (number, number),
        rb"\x10%b\x21(?P<length>%b)" % (re.escape(_leb(pop)), number),
        rb"\x20(?P=frame)(?P=place)\x28\x02\x00\x21(?P<pointer>%b)" % number,
        # Before the branch for a null pointer.
        rb"(?=\x20(?P=pointer)\x45\x04\x40)",
    )
    return re.compile(b"".join(parts), re.DOTALL)


def _imported_functions(section: bytes) -> Iterator[bytes]:
    number, at = _read_leb(section, 0)
    for _ in range(number):
        size, at = _read_leb(section, at)
        size, at = _read_leb(section, at + size)
        name, at = section[at : at + size], at + size
        kind, at = section[at], at + 1
        if kind == 0:
            _, at = _read_leb(section, at)
            yield name
        elif kind == 3:
            at += 2
        else:
            # A table has the type of its elements before its limits.
            at += kind == 1
            bounded, at = section[at] & 1, at + 1
            for _ in range(1 + bounded):
                _, at = _read_leb(section, at)


def _sections(binary: bytes) -> Iterator[tuple[int, bytes]]:
    at = 8
    while at < len(binary):
        kind = binary[at]
        size, at = _read_leb(binary, at + 1)
        yield kind, binary[at : at + size]
        at += size


def _section(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + _leb(len(content)) + content


def _read_leb(binary: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = binary[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def _leb(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
