"""A door that stands as long as a block lasts.

Leaving the block lets running requests end for a grace, those of guests at the doors beside it as well.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from lambent.core.budgets import Budgets
from lambent.core.door import Admit, Allotment, Door, Handler, Refusal
from lambent.core.http import UNQUESTIONED_BYTES
from lambent.core.limits import HttpLimits
from lambent.core.sweeper import Sweeper
from lambent.core.unsent import Unsent


@asynccontextmanager
async def serving(
    handle: Handler,
    sweeper: Sweeper,
    *,
    sockets: list[socket.socket],
    limits: HttpLimits,
    admit: Admit,
    refusal: Refusal,
    grace_s: float = 1.0,
) -> AsyncGenerator[Door]:
    """A door that answers on `sockets`; leaving lets running requests end for `grace_s`, then cancels them.

    The door takes the sockets over, and closes them; doors of guests beside it end with it.
    """
    loop = asyncio.get_running_loop()
    small_bytes = limits.connections * UNQUESTIONED_BYTES
    budgets = Budgets(limits.buffered_bytes, small_bytes)
    allotment = Allotment(limits, budgets, Unsent(limits.buffered_bytes // 2, loop.time))
    async with asyncio.TaskGroup() as requests:
        door = Door(handle, admit, refusal, requests, sweeper, allotment)
        servers = [await door.listen(listener) for listener in sockets]
        try:
            yield door
        finally:
            for server in servers:
                server.close()
            await _settled([door, *door.guests], grace_s)
            for guest in door.guests:
                guest.close()
            sweeper.forget(door)


async def _settled(doors: list[Door], grace_s: float) -> None:
    """Close every connection: idle ones at once, the others when they have answered or `grace_s` is over.

    What is answered to a client who has gone has the same grace, and no more.
    """
    for door in doors:
        door.stopping = True
        for connection in list(door.connections):
            if not connection.busy:
                connection.close()
    answering = [task for door in doors for task in door.answering]
    if answering:
        _, late = await asyncio.wait(answering, timeout=grace_s)
        for task in late:
            task.cancel()
    for door in doors:
        for connection in list(door.connections):
            connection.close()
