"""Who may start a sandbox now: a few at a time, and each function in its turn.

    a ── a ── a ── a ──┐
    b ─────────────────┼──▶ a, b, c, a, c, a, a     AT_ONCE of them under way
    c ── c ────────────┘

To make a sandbox takes the processors some milliseconds, and a hundred that are made together all take a hundred times as
long, as does everything else meanwhile. So they are made a few at a time; and a function that crashes at each invocation, and
needs a new sandbox for each, waits behind itself and not before others. What waits too long is throttled. Whoever has got
another environment meanwhile, or has gone, is taken out of the queue. A turn ends when the sandbox is there: its INIT has a
group of its own, with a share of the processors of its own.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

from lambent.lambda_.invoke.errors import FunctionInvocationRateLimitExceeded

AT_ONCE: Final = max(4, 2 * (os.cpu_count() or 1))
PATIENCE_S: Final = 60.0  # what SDKs wait for an answer
RETRY_S: Final = 1  # what a caller is told to wait

Awaited = asyncio.Future[Any]  # done when nobody waits for what is to be started


class NotWanted(Exception):
    """The invocation for which a sandbox was to be made has another environment, or has gone."""


class Turns:
    """`at_once` turns, given out to one key after the other."""

    def __init__(self, at_once: int = AT_ONCE, patience_s: float = PATIENCE_S) -> None:
        self._free = at_once
        self._patience_s: Final = patience_s
        self._queues: Final[dict[str, deque[asyncio.Future[None]]]] = {}  # by key, in the order of their next turns

    @property
    def waiting(self) -> int:
        return sum(map(len, self._queues.values()))

    @asynccontextmanager
    async def turn(self, key: str, awaited: Awaited | None = None) -> AsyncGenerator[None]:
        """Have a turn for as long as the block lasts. Raises FunctionInvocationRateLimitExceeded, NotWanted."""
        await self._begin(key, awaited)
        try:
            yield
        finally:
            self._free += 1
            self._call_next()

    async def _begin(self, key: str, awaited: Awaited | None) -> None:
        if awaited is not None and awaited.done():
            raise NotWanted
        if self._free:
            self._free -= 1
            return
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(key, deque()).append(called)
        wait_for = [called] if awaited is None else [called, awaited]
        try:
            _ = await asyncio.wait(wait_for, timeout=self._patience_s, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._take_out(key, called)
            raise
        if awaited is not None and awaited.done():
            self._take_out(key, called)
            raise NotWanted
        if not called.done():
            self._take_out(key, called)
            raise FunctionInvocationRateLimitExceeded(seconds=RETRY_S)

    def _take_out(self, key: str, called: asyncio.Future[None]) -> None:
        """Wait no longer. A turn that came in this moment is passed on."""
        if called.done():
            self._free += 1
            self._call_next()
            return
        queue = self._queues[key]
        queue.remove(called)
        if not queue:
            del self._queues[key]

    def _call_next(self) -> None:
        while self._free and self._queues:
            key = next(iter(self._queues))
            queue = self._queues.pop(key)
            self._free -= 1
            queue.popleft().set_result(None)
            if queue:
                self._queues[key] = queue  # behind all others
