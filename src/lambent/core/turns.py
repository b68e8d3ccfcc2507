"""Whose turn it is: a few at once of what takes long, and nobody all of them.

Each key (an account, a caller, a guest) has a queue of its own; free places go round the keys that wait. One place is left
that no single key can take when it has the others, so that two large packages of one account do not hold up the next one's.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from typing import Final


class QueueFull(Exception):
    """As many of the same key wait as may."""


class Turns:
    """`at_once` places (math.inf: as many as are wanted), at most `each` of them for the same key: by default all but one.

    At most `waiting` of a key wait for theirs; without it their number is bounded elsewhere.
    """

    def __init__(self, at_once: float, *, each: int | None = None, waiting: int | None = None) -> None:
        self._free = at_once
        self._each: Final = each or max(1, int(at_once) - 1)
        self._most_waiting: Final = waiting
        self._taken: Final[Counter[Hashable]] = Counter()
        self._waiting: Final[dict[Hashable, deque[asyncio.Future[None]]]] = {}  # the key whose turn it is comes first

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncGenerator[None]:
        """A place for as long as the block lasts; waits for it. Raises QueueFull."""
        await self._enter(key)
        try:
            yield
        finally:
            self._leave(key)

    async def _enter(self, key: Hashable) -> None:
        if self._free and self._taken[key] < self._each and key not in self._waiting:
            self._take(key)
            return
        queue = self._waiting.setdefault(key, deque())
        if self._most_waiting is not None and len(queue) >= self._most_waiting:
            raise QueueFull
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the place was given in the same moment
                self._leave(key)
            else:
                self._give_up(key, turn)
            raise

    def _give_up(self, key: Hashable, turn: asyncio.Future[None]) -> None:
        queue = self._waiting.get(key)
        if queue is not None and turn in queue:  # else it was passed over
            queue.remove(turn)
            if not queue:
                del self._waiting[key]

    def _take(self, key: Hashable) -> None:
        self._free -= 1
        self._taken[key] += 1

    def _leave(self, key: Hashable) -> None:
        self._free += 1
        self._taken[key] -= 1
        if not self._taken[key]:
            del self._taken[key]
        self._grant()

    def _grant(self) -> None:
        """Give free places to those who wait, one key after the other."""
        waiting = list(self._waiting)
        while self._free and waiting:
            waiting = [key for key in waiting if self._taken[key] < self._each and self._give(key)]

    def _give(self, key: Hashable) -> bool:
        """Give a place, if one is left, to the first of a key; return whether more of it wait."""
        if not self._free:
            return False
        queue = self._waiting.pop(key)
        while queue:
            turn = queue.popleft()
            if not turn.done():  # else its task was cancelled, and has not run since
                self._take(key)
                turn.set_result(None)
                break
        if queue:
            self._waiting[key] = queue  # behind the others
        return bool(queue)
