"""Every hello handler, in whatever language: greets, logs each message, says when it is over."""

import re

import pytest
from client import GREETING, all_until_closed, connect, greeted, one_more_connection, token
from server import MAX_MESSAGE

# The log cuts longer texts; what it says about the cut is its own business.
LOGGED_AT_LEAST = 8000
LOGGED_AT_MOST = 8192 + 200

NAMED_ESCAPES = {"\n": r"\n", "\r": r"\r"}


def as_logged(text: str) -> str:
    """The log escapes control characters other than tabs, so that nobody forges a line."""

    def escape(found):
        return NAMED_ESCAPES.get(found[0], rf"\u{{{ord(found[0]):x}}}")

    return re.sub(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]", escape, text)


async def test_greets_once_and_before_all_else(hello):
    async with connect(hello) as ws:
        await greeted(ws)
        await ws.send("one")
        await ws.send(b"two")
        await ws.close()
        assert await all_until_closed(ws) == []


async def test_greeting_is_a_text_message(hello):
    async with connect(hello) as ws:
        assert await ws.recv(decode=None) == GREETING
        await ws.close()


async def test_log_line_names_handler_generation_and_level(hello, log):
    text = token()
    async with connect(hello) as ws:
        await ws.send(text)
    line = await log.line(text)
    assert line.level == "INFO"
    assert line.handler == hello.strip("/")
    assert isinstance(line.generation, int) and line.generation >= 1
    assert isinstance(line.connection, int)


async def test_events_arrive_in_order_and_on_close_last_and_once(hello, log):
    first = token()
    async with connect(hello) as ws:
        await ws.send(first)
        await ws.send("")
        await ws.send(b"")
        await ws.send(b"\x00\xff\x80")
        await ws.send(bytes(65536))
        await ws.send("last")
    connection = await log.connection_that_said(first)
    await log.disconnected(connection)
    await one_more_connection(hello, log)
    assert log.of(connection) == [
        first,
        "",
        "<0 bytes>",
        "<3 bytes>",
        "<65536 bytes>",
        "last",
        "Disconnected",
    ]


async def test_many_messages_of_one_connection_are_logged_in_order(hello, log):
    first = token()
    sent = [first, *(f"message {number}" for number in range(100))]
    async with connect(hello) as ws:
        for text in sent:
            await ws.send(text)
    connection = await log.connection_that_said(first)
    assert await log.disconnected(connection) == [*sent, "Disconnected"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\N{GRINNING FACE}\N{LINEAR B SYLLABLE B008 A}\U0010ffff", id="astral"),
        pytest.param("e\u0301 is not \u00e9; \u1100\u1161\u11a8", id="combining"),
        pytest.param("before\0after\0", id="NUL"),
        pytest.param("\ufeffmark, \u200fright to left, \uffff", id="special"),
        pytest.param('"quoted" \\ {"target":"guest"}\t', id="what-JSON-must-escape"),
        pytest.param('\n\r{"target":"forged"}\x1b[31m\x7f\x85', id="what-forges-lines-and-colours"),
    ],
)
async def test_unicode_reaches_the_handler_unchanged(hello, log, text):
    said = token() + text
    async with connect(hello) as ws:
        await ws.send(said)
    await log.line(as_logged(said))


async def test_a_fragmented_message_is_one_event(hello, log):
    said = token()
    async with connect(hello) as ws:
        await ws.send(list(said))
        await ws.send([b"12", b"", b"345"])
    connection = await log.connection_that_said(said)
    assert await log.disconnected(connection) == [said, "<5 bytes>", "Disconnected"]


async def test_a_text_of_max_message_size_is_taken(hello, log):
    start = token()
    text = start + "\N{GREEK SMALL LETTER ALPHA}" * ((MAX_MESSAGE - len(start)) // 2)
    text += "." * (MAX_MESSAGE - len(text.encode()))
    after = token()
    async with connect(hello) as ws:
        await greeted(ws)
        await ws.send(text)
        await ws.send(after)
    connection = await log.connection_that_said(after)
    logged, *rest = await log.disconnected(connection)
    assert rest == [after, "Disconnected"]
    # Two bytes a letter: so many letters are within the bytes that the log keeps.
    assert logged.startswith(text[: LOGGED_AT_LEAST // 2])
    assert len(logged.encode()) <= LOGGED_AT_MOST


async def test_a_binary_message_of_max_message_size_is_taken(hello, log):
    first = token()
    async with connect(hello) as ws:
        await ws.send(first)
        await ws.send(bytes(MAX_MESSAGE))
    connection = await log.connection_that_said(first)
    assert await log.disconnected(connection) == [first, f"<{MAX_MESSAGE} bytes>", "Disconnected"]


@pytest.mark.parametrize("parts", [1, 4], ids=["one-frame", "fragments"])
@pytest.mark.parametrize("kind", [str, bytes], ids=["text", "binary"])
async def test_a_message_over_max_message_size_is_closed_with_1009(hello, log, kind, parts):
    first = token()
    size = MAX_MESSAGE + 1
    big = "x" * size if kind is str else bytes(size)
    step = -(-size // parts)
    pieces = [big[at : at + step] for at in range(0, size, step)]
    async with connect(hello) as ws:
        await greeted(ws)
        await ws.send(first)
        connection = await log.connection_that_said(first)
        await ws.send(pieces if parts > 1 else big)
        assert await all_until_closed(ws) == []
        assert ws.close_code == 1009
    assert await log.disconnected(connection) == [first, "Disconnected"]
