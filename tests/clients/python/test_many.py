"""Many connections at once: each is served as if it were alone."""

import asyncio

from client import all_until_closed, connect, greeted, receive, send_all, token

CONNECTIONS = 50
MESSAGES = 100


async def gathered(jobs):
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(job) for job in jobs]
    return [task.result() for task in running]


async def test_each_of_many_connections_has_its_own_greeting_and_log_lines(hello, log):
    all_open = asyncio.Barrier(CONNECTIONS)

    async def visit(said):
        async with connect(hello) as ws:
            await greeted(ws)
            await all_open.wait()
            await ws.send(said)
            await ws.send(b"four")
            await ws.close()
            assert await all_until_closed(ws) == []
        connection = await log.connection_that_said(said)
        assert await log.disconnected(connection) == [said, "<4 bytes>", "Disconnected"]
        return connection

    connections = await gathered(visit(token()) for _ in range(CONNECTIONS))
    assert len(set(connections)) == CONNECTIONS, "a connection's id is its own"


async def test_each_of_many_connections_gets_its_own_messages_back_in_order(echo):
    all_open = asyncio.Barrier(CONNECTIONS)

    async def converse(name):
        sent = [f"{name}: {number}" for number in range(MESSAGES)]
        async with connect(echo) as ws, asyncio.TaskGroup() as tasks:
            await all_open.wait()
            tasks.create_task(send_all(ws, sent))
            assert [await receive(ws) for _ in sent] == sent

    await gathered(converse(name) for name in range(CONNECTIONS))


async def test_connections_that_come_and_go_never_share_an_id(hello, log):
    async def visit():
        said = token()
        async with connect(hello) as ws:
            await ws.send(said)
        connection = await log.connection_that_said(said)
        await log.disconnected(connection)
        return connection

    connections = [await visit() for _ in range(10)]
    assert len(set(connections)) == len(connections)
