"""How connections end: by the client, by the handler, by the network."""

import asyncio

import pytest
from client import all_until_closed, connect, greeted, one_more_connection, token
from raw_socket import PING, TEXT, RawSocket, close_frame, frame
from websockets.exceptions import ConnectionClosedOK


@pytest.mark.parametrize(
    "code, reason",
    [
        (1000, ""),
        (1000, "all done"),
        (1001, "going away"),
        (3000, "registered"),
        (4999, "private \N{WAVING HAND SIGN}"),
        (4000, "r" * 123),
    ],
)
async def test_the_clients_close_code_is_answered_with_the_same(hello, log, code, reason):
    said = token()
    async with connect(hello) as ws:
        await greeted(ws)
        await ws.send(said)
        await ws.close(code, reason)
        assert ws.protocol.close_rcvd is not None, "the server sent no close frame"
        assert ws.protocol.close_rcvd.code == code
        assert ws.protocol.close_rcvd.reason in (reason, "")
    connection = await log.connection_that_said(said)
    assert await log.disconnected(connection) == [said, "Disconnected"]


async def test_a_close_without_a_code_is_answered_without_one(echo):
    async with RawSocket(echo) as raw:
        await raw.send(close_frame())
        assert await raw.receive_close() == (None, "")
        await raw.ended()


async def test_the_server_ends_tcp_after_the_closing_handshake(echo):
    async with RawSocket(echo) as raw:
        await raw.send(close_frame(1000, b"bye"))
        code, _ = await raw.receive_close()
        assert code == 1000
        await raw.ended()


async def test_nothing_is_answered_that_follows_the_clients_close(echo):
    async with RawSocket(echo) as raw:
        await raw.send(close_frame(1000), frame(TEXT, b"too late"), frame(PING, b"too late"))
        code, _ = await raw.receive_close()
        assert code == 1000
        await raw.ended()


async def test_a_close_between_fragments_ends_the_connection(echo):
    async with RawSocket(echo) as raw:
        await raw.send(frame(TEXT, b"never finished", fin=False), close_frame(1001))
        code, _ = await raw.receive_close()
        assert code == 1001
        await raw.ended()


async def test_what_was_sent_before_the_close_is_answered_before_it_completes(echo):
    sent = [f"message {number}" for number in range(10)]
    async with connect(echo) as ws:
        async with asyncio.TaskGroup() as tasks:
            received = tasks.create_task(all_until_closed(ws))
            for text in sent:
                await ws.send(text)
            await ws.close()
        assert received.result() == sent
        assert ws.close_code == 1000


async def test_what_was_sent_in_one_segment_with_the_close_is_answered_before_it(echo):
    texts = [b"%d" % number for number in range(10)]
    async with RawSocket(echo) as raw:
        await raw.send(b"".join(frame(TEXT, text) for text in texts) + close_frame(1000))
        assert [await raw.receive() for _ in texts] == [(TEXT, text) for text in texts]
        code, _ = await raw.receive_close()
        assert code == 1000
        await raw.ended()


async def test_a_dropped_connection_is_disconnected_once(hello, log):
    said = token()
    async with connect(hello) as ws:
        await greeted(ws)
        await ws.send(said)
        connection = await log.connection_that_said(said)
        ws.transport.abort()
    await log.disconnected(connection)
    await one_more_connection(hello, log)
    assert log.of(connection) == [said, "Disconnected"]


async def test_a_connection_dropped_inside_a_message_delivers_no_half_of_it(hello, log):
    said, half = token(), token()
    async with RawSocket(hello) as raw:
        await raw.send(frame(TEXT, said.encode()), frame(TEXT, half.encode(), fin=False))
        connection = await log.connection_that_said(said)
    assert await log.disconnected(connection) == [said, "Disconnected"]


async def test_goodbye_greets_then_closes_with_1000(goodbye):
    async with connect(goodbye) as ws:
        await greeted(ws)
        with pytest.raises(ConnectionClosedOK) as ended:
            await ws.recv()
        assert (ended.value.rcvd.code, ended.value.rcvd.reason) == (1000, "")
        assert ended.value.rcvd_then_sent, "the server is the one that closes"


async def test_goodbye_ends_tcp_once_its_close_is_answered(goodbye):
    async with RawSocket(goodbye) as raw:
        assert await raw.receive() == (TEXT, b"Hello!")
        assert await raw.receive_close() == (1000, "")
        await raw.send(close_frame(1000))
        await raw.ended()


async def test_goodbye_ends_tcp_after_close_timeout_where_no_answer_comes(goodbye):
    async with RawSocket(goodbye) as raw:
        assert await raw.receive() == (TEXT, b"Hello!")
        assert await raw.receive_close() == (1000, "")
        await raw.ended()
