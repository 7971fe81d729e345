"""Each message comes back whole, in its kind, in its place."""

import asyncio
import random

import pytest
from client import connect, receive, send_all
from server import MAX_MESSAGE

# Around the borders of the three forms of a frame's length, and the largest message.
SIZES = [0, 1, 125, 126, 127, 65535, 65536, MAX_MESSAGE]

LETTERS = "a\u00e9\u20ac\U0001f600"  # of one, two, three and four bytes


def text_of(size: int) -> str:
    """A text of so many bytes in UTF-8, of characters of all lengths."""
    repeated = LETTERS * (size // 10)
    return repeated + "." * (size - len(repeated.encode()))


@pytest.mark.parametrize("size", SIZES)
async def test_text_comes_back_as_the_same_text(echo, size):
    text = text_of(size)
    assert len(text.encode()) == size
    async with connect(echo) as ws:
        await ws.send(text)
        assert await receive(ws) == text


@pytest.mark.parametrize("size", SIZES)
async def test_binary_comes_back_as_the_same_binary(echo, size):
    data = random.Random(size).randbytes(size)
    async with connect(echo) as ws:
        await ws.send(data)
        assert await receive(ws) == data


@pytest.mark.parametrize("size", SIZES)
async def test_a_message_in_fragments_comes_back_whole(echo, size):
    data = random.Random(size).randbytes(size)
    step = max(1, size // 7)
    async with connect(echo) as ws:
        await ws.send([data[at : at + step] for at in range(0, size, step)] or [b""])
        assert await receive(ws) == data


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\N{GRINNING FACE}\U00010000\U0010ffff", id="astral"),
        pytest.param("e\u0301 is not \u00e9", id="combining"),
        pytest.param("\0", id="NUL"),
        pytest.param("a\0b\0", id="NULs-inside"),
        pytest.param("\ufeffmark \ufffe \uffff \ufdd0", id="non-characters"),
    ],
)
async def test_unicode_comes_back_unchanged(echo, text):
    async with connect(echo) as ws:
        await ws.send(text)
        assert await receive(ws) == text


async def test_a_thousand_pipelined_messages_come_back_in_order(echo):
    sent = [str(number) if number % 2 else b"%d" % number for number in range(1000)]
    async with connect(echo) as ws, asyncio.TaskGroup() as tasks:
        tasks.create_task(send_all(ws, sent))
        assert [await receive(ws) for _ in sent] == sent


async def test_large_pipelined_messages_come_back_whole(echo):
    """More than the socket and the host's queue hold: it comes through because it is read."""
    sent = [random.Random(number).randbytes(MAX_MESSAGE - number) for number in range(8)]
    async with connect(echo) as ws, asyncio.TaskGroup() as tasks:
        tasks.create_task(send_all(ws, sent))
        assert [await receive(ws) for _ in sent] == sent
