"""Connections made with the `websockets` library, and what most tests do with them."""

import asyncio
import secrets

import server
from guest_log import GuestLog
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as websockets_connect
from websockets.exceptions import ConnectionClosed

GREETING = "Hello!"

# Failure bound of one step, in seconds: many instances may start at once on a slow machine.
STEP_TIMEOUT = 30


def connect(route: str, **options):
    """Opens a connection that adds nothing of its own: no pings, no compression, no proxy, and no
    limit on what it takes."""
    defaults = {
        "compression": None,
        "close_timeout": STEP_TIMEOUT,
        "max_size": None,
        "open_timeout": STEP_TIMEOUT,
        "ping_interval": None,
        "proxy": None,
    }
    return websockets_connect(server.url(route), **(defaults | options))


def token() -> str:
    """A text that nobody else in the run sends."""
    return f"token-{secrets.token_hex(8)}"


async def receive(ws: ClientConnection) -> str | bytes:
    async with asyncio.timeout(STEP_TIMEOUT):
        return await ws.recv()


async def send_all(ws: ClientConnection, messages) -> None:
    for message in messages:
        await ws.send(message)


async def greeted(ws: ClientConnection) -> None:
    assert await receive(ws) == GREETING


async def all_until_closed(ws: ClientConnection) -> list[str | bytes]:
    """What arrives until the connection is closed, however it is closed."""
    messages = []
    async with asyncio.timeout(STEP_TIMEOUT):
        while True:
            try:
                messages.append(await ws.recv())
            except ConnectionClosed:
                return messages


async def ping(ws: ClientConnection, payload: bytes | None = None) -> None:
    """Returns once a pong with the same payload has come."""
    async with asyncio.timeout(STEP_TIMEOUT):
        await (await ws.ping(payload))


async def one_more_connection(route: str, log: GuestLog) -> None:
    """Lives through a whole connection. What an earlier one would still have logged, were it to
    log too much, is in the log by the end of it."""
    text = token()
    async with connect(route) as ws:
        await greeted(ws)
        await ws.send(text)
    await log.disconnected(await log.connection_that_said(text))
