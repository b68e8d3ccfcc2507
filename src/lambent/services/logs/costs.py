"""What work in another thread takes of a processor, charged to the guest for whom it is done.

A thread that reads or writes logs holds the interpreter's lock while it looks at them: what it takes is taken from the event
loop, and so from every invocation. So a guest's work is begun when the guest owes nothing, and nothing is read from the
guest until it is paid for.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import apsw

from lambent.core.slices import Slice

T = TypeVar("T")
Work = Callable[[apsw.Connection], T]
CpuTime = Callable[[], float]  # seconds that the calling thread has taken of a processor

THREAD_TIME: Final[CpuTime] = time.thread_time


async def bill(guest: Slice, work: Work[T], run: Callable[[Work[T]], Awaitable[T]], cpu_s: CpuTime) -> T:
    """Have `run` do the work, and charge the guest whenever it is done, however it ends and whoever has given it up."""
    await guest.solvency()
    loop = asyncio.get_running_loop()

    def measured(connection: apsw.Connection) -> T:
        since_s = cpu_s()
        try:
            return work(connection)
        finally:
            with contextlib.suppress(RuntimeError):  # the loop is gone, and so is the guest
                _ = loop.call_soon_threadsafe(guest.owe, cpu_s() - since_s)

    return await run(measured)
