"""How a component is mended that would leak what is written."""

from __future__ import annotations

import pytest

from socklet_guest._build.unleak import Unmended, unleak

HEAD = b"\0asm\x01\0\0\0"
COMPONENT = b"\0asm\x0d\0\x01\0"


def section(kind: int, content: bytes) -> bytes:
    return bytes([kind, *leb(len(content))]) + content


def leb(number: int) -> bytes:
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + leb(high) if high else bytes([low])


def name(text: str) -> bytes:
    return leb(len(text)) + text.encode()


def function(text: str) -> bytes:
    return name("env") + name(text) + b"\x00\x05"


# A global, a memory, a table and functions, in an order that no count may rely on.
IMPORTS = [
    name("env") + name("__stack_pointer") + b"\x03\x7f\x01",
    function("wit_dylib_initialize"),
    name("env") + name("memory") + b"\x02\x01\x01\x80\x02",
    function("wit_dylib_dealloc_bytes"),
    name("env") + name("table") + b"\x01\x70\x00\x00",
    function("wit_dylib_pop_list"),
]


def taking(context: int, frame: int, place: bytes, length: int, pointer: int) -> bytes:
    """What the code before the branch for a null pointer is."""
    return bytes(
        [
            *(0x20, context, 0x41, *leb(300), 0x20, frame, 0x41, *place, 0x6A, 0x10, 2),
            *(0x21, length, 0x20, frame, 0x41, *place, 0x6A, 0x28, 2, 0, 0x21, pointer),
        ]
    )


def freeing(context: int, length: int, pointer: int) -> bytes:
    return bytes(
        [
            *(0x20, pointer, 0x04, 0x40, 0x20, context, 0x20, pointer, 0x20, length),
            *(0x41, 1, 0x41, 1, 0x10, 1, 0x0B),
        ]
    )


def branch(pointer: int) -> bytes:
    return bytes([0x20, pointer, 0x45, 0x04, 0x40, 0x0B])


def bindings(*bodies: bytes) -> bytes:
    code = leb(len(bodies)) + b"".join(leb(len(body)) + body for body in bodies)
    imports = leb(len(IMPORTS)) + b"".join(IMPORTS)
    return HEAD + section(2, imports) + section(10, code) + section(0, name("name") + b"x")


def component(*modules: bytes) -> bytes:
    return COMPONENT + b"".join(section(1, module) for module in modules) + section(3, b"\x01\x02")


def test_a_copy_is_freed_where_there_is_one_whatever_the_locals_are() -> None:
    before, after = b"\x00" + b"\x01" * 100, b"\x01" * 50 + b"\x0b"
    first = taking(0, 1, b"\x00", 6, 7)
    # Locals that look like instructions.
    second = taking(0x20, 0x21, b"\x90\x01", 0x10, 0x41)
    leaking = component(
        HEAD,
        bindings(
            before + first + branch(7) + after,
            before + after,
            before + second + branch(0x41) + after,
        ),
    )
    mended = component(
        HEAD,
        bindings(
            before + first + freeing(0, 6, 7) + branch(7) + after,
            before + after,
            before + second + freeing(0x20, 0x10, 0x41) + branch(0x41) + after,
        ),
    )
    assert unleak(leaking) == mended


def test_what_is_mended_is_left_as_it_is() -> None:
    mended = unleak(
        component(bindings(b"\x00" + taking(0, 1, b"\x00", 6, 7) + branch(7) + b"\x0b"))
    )
    with pytest.raises(Unmended):
        unleak(mended)


@pytest.mark.parametrize("modules", [[], [HEAD], [bindings(b"\x00\x0b")], [b"wit_dylib_pop_list"]])
def test_what_is_not_known_is_told(modules: list[bytes]) -> None:
    with pytest.raises(Unmended):
        unleak(component(*modules))
