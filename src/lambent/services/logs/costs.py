"""What work in another thread takes of a processor, charged to the guest for whom it is done.

A thread that reads or writes logs holds the interpreter's lock while it looks at them: what it takes is taken from the event
loop, and so from every invocation. So a guest's work is begun when the guest owes nothing, and ends when it is paid for.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

import apsw

from lambent.core.slices import DEBT_S, Slice

T = TypeVar("T")
Work = Callable[[apsw.Connection], T]
CpuTime = Callable[[], float]  # seconds that the calling thread has taken of a processor

THREAD_TIME: Final[CpuTime] = time.thread_time


async def bill(guest: Slice, work: Work[T], run: Callable[[Work[T]], Awaitable[T]], cpu_s: CpuTime) -> T:
    """Have `run` do the work, and charge the guest for it, also when it fails or is given up."""
    await guest.solvency()
    measured = _Measured(work, cpu_s)
    try:
        result = await run(measured)
    finally:
        guest.charge(guest.now(), min(measured.cost_s, DEBT_S))
    await guest.pay(measured.cost_s - DEBT_S)
    return result


class _Measured(Generic[T]):
    """A work, and what it has taken of a processor."""

    def __init__(self, work: Work[T], cpu_s: CpuTime) -> None:
        self._work: Final = work
        self._cpu_s: Final = cpu_s
        self.cost_s = 0.0  # of all its runs: a write is done again after the disk was full

    def __call__(self, connection: apsw.Connection) -> T:
        since_s = self._cpu_s()
        try:
            return self._work(connection)
        finally:
            self.cost_s += self._cpu_s() - since_s
