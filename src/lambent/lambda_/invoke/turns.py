"""Who may start a sandbox now: a few at a time, and each function in its turn.

    a ── a ── a ── a ──┐
    b ─────────────────┼──▶ a, b, c, a, c, a, a     AT_ONCE of them under way
    c ── c ────────────┘

To make a sandbox takes the processors some milliseconds, and a hundred that are made together all take a hundred times as
long, as does everything else meanwhile. So they are made one after the other; and a function that crashes at each invocation,
and needs a new sandbox for each, waits behind itself and not before others. What waits too long is throttled. A turn ends
when the sandbox is there: its INIT has a group of its own, with a share of the processors of its own.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from lambent.lambda_.invoke.errors import FunctionInvocationRateLimitExceeded

AT_ONCE: Final = max(4, 2 * (os.cpu_count() or 1))
PATIENCE_S: Final = 30.0
RETRY_S: Final = 1  # what a caller is told to wait


class Turns:
    """`at_once` turns, given out to one key after the other."""

    def __init__(self, at_once: int = AT_ONCE, patience_s: float = PATIENCE_S) -> None:
        self._free = at_once
        self._patience_s: Final = patience_s
        self._queues: Final[dict[str, deque[asyncio.Future[None]]]] = {}  # by key, in the order of their next turns

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncGenerator[None]:
        """Have a turn for as long as the block lasts. Raises FunctionInvocationRateLimitExceeded."""
        await self._begin(key)
        try:
            yield
        finally:
            self._free += 1
            self._call_next()

    async def _begin(self, key: str) -> None:
        if self._free:
            self._free -= 1
            return
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(key, deque()).append(called)
        try:
            async with asyncio.timeout(self._patience_s):
                await called
        except TimeoutError:
            self._give_back(called)
            raise FunctionInvocationRateLimitExceeded(seconds=RETRY_S) from None
        except BaseException:
            self._give_back(called)
            raise

    def _give_back(self, called: asyncio.Future[None]) -> None:
        """Pass on a turn that came in the moment in which nobody waited for it any more."""
        if called.done() and not called.cancelled():
            self._free += 1
            self._call_next()

    def _call_next(self) -> None:
        while self._free and self._queues:
            key = next(iter(self._queues))
            queue = self._queues.pop(key)
            called = queue.popleft()
            if queue:
                self._queues[key] = queue  # behind all others
            if not called.done():
                self._free -= 1
                called.set_result(None)
