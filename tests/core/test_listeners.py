"""A guest's listener while the server ends."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

from lambent.core.listeners import Listener
from lambent.core.slices import Slices


async def test_who_connects_while_the_group_is_cancelled_is_hung_up_on() -> None:
    loop = asyncio.get_running_loop()
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.socket()
    client.setblocking(False)
    answers: list[bytes] = []

    async def connects_late() -> None:
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            await loop.sock_connect(client, server.getsockname())
            async with asyncio.timeout(10):
                answers.append(await loop.sock_recv(client, 1))
            raise

    async def serve() -> None:
        async with asyncio.TaskGroup() as tasks:
            slice_ = Slices(loop.time, loop.call_later).of(1.0)
            _ = Listener(server, asyncio.Protocol, tasks, slice_, 2)
            tasks.create_task(connects_late())

    serving = asyncio.ensure_future(serve())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    _ = serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    client.close()
    assert answers == [b""]
