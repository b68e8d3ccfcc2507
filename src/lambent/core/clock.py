"""Time as an argument: the machine's clock, and a twin that a test moves by hand.

`now` is wall time and may jump; `monotonic` only grows and measures durations; `sleep` waits on whichever clock it is
asked of, so that an hour of retries passes in a test as fast as the retries themselves run.
"""

import asyncio
import heapq
import time
from itertools import count


class Clock:
    """The machine's clock."""

    __slots__ = ()

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` on this clock; zero or less lets other tasks run once."""
        await asyncio.sleep(seconds)


class FakeClock(Clock):
    """A clock that stands still until `advance`; both of its times move together."""

    __slots__ = ("_elapsed", "_order", "_sleepers", "_start")

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._start = now
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> float:
        return self._start + self._elapsed

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), woken))
        await woken

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass and wake, in order, whoever slept until then.

        Sleepers run when the caller next awaits; one that sleeps again does so from the new time.
        """
        if seconds < 0:
            raise ValueError("time does not go back")
        self._elapsed += seconds
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
