"""What breaks RFC 6455 is closed with the code that says so, and then TCP is closed."""

import pytest
from client import connect, receive, token
from raw_socket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    RawSocket,
    close_frame,
    frame,
)
from server import MAX_MESSAGE

PROTOCOL_ERROR = {
    "unmasked text": [frame(TEXT, b"bare", masked=False)],
    "unmasked ping": [frame(PING, b"bare", masked=False)],
    "unmasked close": [frame(CLOSE, b"\x03\xe8", masked=False)],
    "reserved bit 1": [frame(TEXT, b"x", reserved=0b100)],
    "reserved bit 2": [frame(TEXT, b"x", reserved=0b010)],
    "reserved bit 3": [frame(BINARY, b"x", reserved=0b001)],
    "reserved bit on a ping": [frame(PING, reserved=0b100)],
    "reserved opcode 3": [frame(0x3, b"x")],
    "reserved opcode 7": [frame(0x7)],
    "reserved control opcode 11": [frame(0xB)],
    "reserved control opcode 15": [frame(0xF, b"x")],
    "fragmented ping": [frame(PING, b"x", fin=False)],
    "fragmented pong": [frame(PONG, fin=False)],
    "fragmented close": [frame(CLOSE, fin=False)],
    "ping of 126 bytes": [frame(PING, bytes(126))],
    "pong of 126 bytes": [frame(PONG, bytes(126))],
    "close of 126 bytes": [close_frame(1000, bytes(124))],
    "continuation without start": [frame(CONTINUATION, b"of what?")],
    "continuation after the end": [
        frame(TEXT, b"a", fin=False),
        frame(PING),
        frame(CONTINUATION, b"b"),
        frame(CONTINUATION, b"c"),
    ],
    "text inside a fragmented message": [frame(TEXT, b"a", fin=False), frame(TEXT, b"b")],
    "close payload of 1 byte": [frame(CLOSE, b"\x03")],
    "close code 0": [close_frame(0)],
    "close code 999": [close_frame(999)],
    "close code 1004": [close_frame(1004)],
    "close code 1005": [close_frame(1005)],
    "close code 1006": [close_frame(1006)],
    "close code 1015": [close_frame(1015)],
    "close code 5000": [close_frame(5000)],
}

INVALID_UTF8 = {
    "lone continuation byte": [frame(TEXT, b"ok \x80")],
    "cut short": [frame(TEXT, "\N{EURO SIGN}".encode()[:2])],
    "surrogate": [frame(TEXT, b"\xed\xa0\x80")],
    "overlong": [frame(TEXT, b"\xc0\xaf")],
    "beyond U+10FFFF": [frame(TEXT, b"\xf4\x90\x80\x80")],
    "in a later fragment": [frame(TEXT, b"fine", fin=False), frame(CONTINUATION, b"\xff")],
    "split over fragments": [
        frame(TEXT, b"\xe2\x82", fin=False),
        frame(CONTINUATION, b"\x20", fin=False),
        frame(CONTINUATION, b"end"),
    ],
    "cut short in the last fragment": [
        frame(TEXT, b"\xf0\x9f", fin=False),
        frame(CONTINUATION, b"\x98"),
    ],
    "in a close reason": [close_frame(1000, b"\xff\xfe")],
}

TOO_BIG = {
    "text": [frame(TEXT, b"x" * (MAX_MESSAGE + 1))],
    "binary": [frame(BINARY, bytes(MAX_MESSAGE + 1))],
    "by the last fragment": [
        frame(BINARY, bytes(MAX_MESSAGE), fin=False),
        frame(CONTINUATION, b"x"),
    ],
    # The code must not wait for a payload that may never come.
    "as announced": [frame(BINARY, announced=MAX_MESSAGE + 1)],
    "as announced, with 2^62": [frame(TEXT, announced=2**62)],
}

CASES = [
    pytest.param(code, frames, id=f"{code}: {name}")
    for code, cases in ((1002, PROTOCOL_ERROR), (1007, INVALID_UTF8), (1009, TOO_BIG))
    for name, frames in cases.items()
]


async def close_code_after_answers(raw):
    """What came before the violation is answered first, pings perhaps."""
    while True:
        opcode, payload = await raw.receive()
        if opcode == CLOSE:
            return int.from_bytes(payload[:2], "big")


async def send_what_is_taken(raw, frames):
    """The server may close before it has read all."""
    try:
        await raw.send(*frames)
    except ConnectionError:
        pass


@pytest.mark.parametrize("code, frames", CASES)
async def test_a_violation_is_closed_with_its_code_and_tcp_ends(echo, code, frames):
    async with RawSocket(echo) as raw:
        await send_what_is_taken(raw, frames)
        assert await close_code_after_answers(raw) == code
        await raw.ended()


async def test_only_the_rest_of_the_input_is_discarded(echo):
    """What came whole before the violation is handled, be it in the same segment."""
    async with RawSocket(echo) as raw:
        await raw.send(frame(TEXT, b"one") + frame(BINARY, b"two") + frame(CONTINUATION, b"three"))
        assert await raw.receive() == (TEXT, b"one")
        assert await raw.receive() == (BINARY, b"two")
        code, _ = await raw.receive_close()
        assert code == 1002


@pytest.mark.parametrize(
    "bad",
    [frame(0x3), frame(TEXT, b"\xff"), frame(TEXT, announced=MAX_MESSAGE + 1)],
    ids=["1002", "1007", "1009"],
)
async def test_on_close_follows_a_violation_and_what_broke_the_rules_is_not_delivered(
    hello, log, bad
):
    said = token()
    async with RawSocket(hello) as raw:
        await raw.send(frame(TEXT, said.encode()))
        connection = await log.connection_that_said(said)
        await raw.send(bad)
        assert await log.disconnected(connection) == [said, "Disconnected"]


async def test_a_violation_costs_its_own_connection_only(echo):
    async with connect(echo) as bystander, RawSocket(echo) as raw:
        await raw.send(frame(TEXT, b"bare", masked=False))
        assert await raw.receive_close() is not None
        await bystander.send("still here")
        assert await receive(bystander) == "still here"
