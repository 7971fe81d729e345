"""A WebSocket client without a library between the test and the bytes: it can do wrong."""

import asyncio
import base64
import hashlib
import os
import struct
from dataclasses import dataclass

import server

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

# Failure bound of one step, in seconds.
STEP_TIMEOUT = 30

ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


def frame(opcode, payload=b"", *, fin=True, reserved=0, masked=True, announced=None) -> bytes:
    """The bytes of a frame; `announced` is the length that its header claims."""
    length = len(payload) if announced is None else announced
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    mask_bit = 0x80 if masked else 0
    if length < 126:
        head = struct.pack("!BB", first, mask_bit | length)
    elif length < 65536:
        head = struct.pack("!BBH", first, mask_bit | 126, length)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, length)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    repeated = (mask * (len(payload) // 4 + 1))[: len(payload)]
    hidden = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
    return head + mask + hidden.to_bytes(len(payload), "big")


def close_frame(code=None, reason=b"") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


@dataclass
class Response:
    status: int
    headers: dict[str, str]


async def request(path: str, headers: list[tuple[str, str]]):
    """Sends a GET just as given; returns the head of the response and the open streams."""
    reader, writer = await asyncio.open_connection(*server.address())
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    async with asyncio.timeout(STEP_TIMEOUT):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status_line, *fields = head.rstrip("\r\n").split("\r\n")
    pairs = (field.split(":", 1) for field in fields)
    found = {name.lower(): value.strip() for name, value in pairs}
    return Response(int(status_line.split()[1]), found), reader, writer


def upgrade_headers(key="dGhlIHNhbXBsZSBub25jZQ==", version="13") -> list[tuple[str, str]]:
    return [
        ("Host", server.authority()),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", version),
    ]


async def answer(path: str, headers: list[tuple[str, str]]) -> Response:
    """The response to a handshake that is not gone on with."""
    response, _, writer = await request(path, headers)
    writer.close()
    return response


class RawSocket:
    """An open connection: `async with RawSocket(route) as raw`."""

    def __init__(self, route: str):
        self._route = route

    async def __aenter__(self):
        key = base64.b64encode(os.urandom(16)).decode()
        response, self._reader, self._writer = await request(self._route, upgrade_headers(key))
        assert response.status == 101, response
        expected = base64.b64encode(hashlib.sha1((key + ACCEPT_SUFFIX).encode()).digest())
        assert response.headers["sec-websocket-accept"] == expected.decode()
        return self

    async def __aexit__(self, *_):
        # Without waiting: a test that is over has no more use for the connection.
        self._writer.transport.abort()

    async def send(self, *frames: bytes) -> None:
        # In one write: were it several, the server could have closed TCP in between.
        self._writer.write(b"".join(frames))
        async with asyncio.timeout(STEP_TIMEOUT):
            await self._writer.drain()

    async def receive(self) -> tuple[int, bytes]:
        """The opcode and the payload of the next frame, which must be whole and unmasked."""
        async with asyncio.timeout(STEP_TIMEOUT):
            first, second = await self._reader.readexactly(2)
            assert first & 0xF0 == 0x80, f"a fragment, or a reserved bit: {first:#x}"
            assert second & 0x80 == 0, "a server must not mask"
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", await self._reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self._reader.readexactly(8))
            return first & 0x0F, await self._reader.readexactly(length)

    async def receive_close(self) -> tuple[int | None, str]:
        """The code and the reason of the close frame, which must be the next one."""
        opcode, payload = await self.receive()
        assert opcode == CLOSE, f"opcode {opcode:#x} with {payload[:50]!r} and not a close"
        if not payload:
            return None, ""
        return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    async def ended(self) -> None:
        """Waits until the server closes the TCP connection; it must send nothing more."""
        async with asyncio.timeout(STEP_TIMEOUT):
            try:
                rest = await self._reader.read()
            except ConnectionResetError:
                rest = b""
        assert rest == b""
