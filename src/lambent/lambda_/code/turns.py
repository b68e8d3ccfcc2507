"""Whose turn it is: a few at once of what takes long, and no account all of them.

Each account has a queue of its own; free places go round the accounts that wait. One place is left that no single account
can take when it has the others, so that two large packages of one do not hold up the next one's.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final


class Turns:
    """`at_once` places; at most all but one for the same account."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._most: Final = max(1, at_once - 1)
        self._taken: Final[Counter[str]] = Counter()
        self._waiting: Final[dict[str, deque[asyncio.Future[None]]]] = {}  # the account whose turn it is comes first

    @asynccontextmanager
    async def turn(self, account: str) -> AsyncGenerator[None]:
        """A place for as long as the block lasts; waits for it."""
        await self._enter(account)
        try:
            yield
        finally:
            self._leave(account)

    async def _enter(self, account: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(account, deque()).append(turn)
        self._grant()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the place was given in the same moment
                self._leave(account)
            raise

    def _leave(self, account: str) -> None:
        self._free += 1
        self._taken[account] -= 1
        if not self._taken[account]:
            del self._taken[account]
        self._grant()

    def _grant(self) -> None:
        """Give free places to those who wait, one account after the other."""
        for account in list(self._waiting):
            if not self._free:
                return
            if self._taken[account] < self._most:
                self._give(account)

    def _give(self, account: str) -> None:
        queue = self._waiting.pop(account)
        while queue:
            turn = queue.popleft()
            if not turn.done():  # else it was cancelled
                self._free -= 1
                self._taken[account] += 1
                turn.set_result(None)
                break
        if queue:
            self._waiting[account] = queue  # behind the others
            self._grant()
