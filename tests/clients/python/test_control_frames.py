"""Pings, pongs and fragments: the host's business, of which a handler sees nothing."""

import pytest
from client import all_until_closed, connect, greeted, ping, receive, token
from raw_socket import BINARY, CONTINUATION, PING, PONG, TEXT, RawSocket, frame


@pytest.mark.parametrize(
    "payload", [b"", b"four", b"\x00\xff\x80", bytes(range(125))], ids=["empty", "4", "bytes", "125"]
)
async def test_a_ping_is_answered_with_its_payload_while_nothing_else_goes_on(echo, payload):
    async with RawSocket(echo) as raw:
        await raw.send(frame(PING, payload))
        assert await raw.receive() == (PONG, payload)


async def test_a_ping_is_answered_by_every_hello_handler(hello, log):
    said = token()
    async with connect(hello) as ws:
        await greeted(ws)
        await ping(ws)
        await ping(ws, b"again")
        await ws.send(said)
        await ping(ws, "and after a message")
        await ws.close()
        assert await all_until_closed(ws) == []
    connection = await log.connection_that_said(said)
    assert await log.disconnected(connection) == [said, "Disconnected"]


async def test_pongs_come_between_the_answers_of_a_busy_connection(echo):
    async with connect(echo) as ws:
        for number in range(50):
            await ws.send(str(number))
            waiting = await ws.ping()
            assert await receive(ws) == str(number)
            await waiting


async def test_an_unsolicited_pong_is_ignored(hello, log):
    said = token()
    async with connect(hello) as ws:
        await greeted(ws)
        await ws.pong()
        await ws.pong(b"nobody asked")
        await ws.send(said)
        await ping(ws)
    connection = await log.connection_that_said(said)
    assert await log.disconnected(connection) == [said, "Disconnected"]


async def test_control_frames_between_fragments_are_answered_at_once(echo):
    async with RawSocket(echo) as raw:
        await raw.send(frame(TEXT, b"one,", fin=False), frame(PING, b"in between"))
        assert await raw.receive() == (PONG, b"in between")
        await raw.send(frame(PONG, b"unasked"), frame(CONTINUATION, b"two,", fin=False))
        await raw.send(frame(PING), frame(CONTINUATION, b"three"))
        assert await raw.receive() == (PONG, b"")
        assert await raw.receive() == (TEXT, b"one,two,three")


async def test_control_frames_between_fragments_do_not_show_in_the_message(hello, log):
    said = token()

    async with connect(hello) as ws:
        await greeted(ws)

        async def fragments():
            yield said
            await ping(ws, b"between")
            yield " "
            await ws.pong(b"between")
            yield "end"

        await ws.send(fragments())
    await log.line(f"{said} end")


async def test_empty_fragments_make_an_empty_message(echo):
    async with RawSocket(echo) as raw:
        await raw.send(frame(BINARY, fin=False), frame(CONTINUATION, fin=False), frame(CONTINUATION))
        assert await raw.receive() == (BINARY, b"")


async def test_a_thousand_fragments_make_one_message(echo):
    async with connect(echo) as ws:
        parts = [f"{number} " for number in range(1000)]
        await ws.send(parts)
        assert await receive(ws) == "".join(parts)


async def test_a_character_may_be_split_over_fragments(echo):
    encoded = "\N{GRINNING FACE}\N{EURO SIGN}".encode()
    first, *middle, last = (encoded[at : at + 1] for at in range(len(encoded)))
    async with RawSocket(echo) as raw:
        await raw.send(frame(TEXT, first, fin=False))
        await raw.send(*(frame(CONTINUATION, byte, fin=False) for byte in middle))
        await raw.send(frame(CONTINUATION, last))
        assert await raw.receive() == (TEXT, encoded)


async def test_a_frame_may_arrive_byte_by_byte(echo):
    async with RawSocket(echo) as raw:
        for byte in frame(TEXT, b"slowly") + frame(BINARY, bytes(200)):
            await raw.send(bytes([byte]))
        assert await raw.receive() == (TEXT, b"slowly")
        assert await raw.receive() == (BINARY, bytes(200))
