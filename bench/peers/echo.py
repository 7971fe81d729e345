"""The peer: an echo by the library websockets on uvloop."""

import asyncio

import uvloop
from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosed

subscribers = set()


async def answer(socket):
    try:
        if socket.request.path == "/broadcast":
            subscribers.add(socket)
            async for message in socket:
                broadcast(subscribers - {socket}, message)
            return
        if socket.request.path == "/hello":
            await socket.send("Hello!")
        async for message in socket:
            await socket.send(message)
    except ConnectionClosed:
        pass
    finally:
        subscribers.discard(socket)


async def main():
    async with serve(answer, "127.0.0.1", 0, compression=None, max_size=None) as server:
        print(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


uvloop.run(main())
