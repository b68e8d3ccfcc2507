"""Changes of rows that something in memory follows: an index, a cache, whoever watches.

A commit and what follows it belong together: an index that misses one commit is wrong for good. So each runs in a task of
its own, which no cancelled caller can come between, and what follows a commit is called in the order of the commits, in the
loop's thread, before whoever asked for the change goes on.

It knows no table. Leaving `committing` waits for the changes under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import apsw

from lambent.storage.database import Database

T = TypeVar("T")

Work = Callable[[apsw.Connection], T]
Guard = Callable[[apsw.Connection], None]  # runs first in the same transaction, and raises what forbids the change


class Commits:
    """Made by `committing`."""

    def __init__(self, database: Database, tasks: asyncio.TaskGroup) -> None:
        self._database = database
        self._tasks = tasks

    async def commit(self, work: Work[T], follow: Callable[[T], None]) -> T:
        """Run `work` in a transaction and then, if it was committed, `follow` on what it returned; return that.

        What `work` raises comes out here, and nothing is written. When the caller is cancelled, the change may or may
        not be made; if it is made, it is followed.
        """
        outcome: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tasks.create_task(self._made(work, follow, outcome))
        return await outcome

    async def _made(self, work: Work[T], follow: Callable[[T], None], outcome: asyncio.Future[T]) -> None:
        try:
            result = await self._database.write(work)
            follow(result)
        except Exception as error:  # noqa: BLE001 - whoever asked for the change hears it
            if not outcome.done():
                outcome.set_exception(error)
        else:
            if not outcome.done():
                outcome.set_result(result)

    async def scan(self, work: Work[T]) -> T:
        """Read what may take long, of one moment; for filling an index before anything is committed."""
        return await self._database.scan(work)


@asynccontextmanager
async def committing(database: Database) -> AsyncGenerator[Commits]:
    """Changes of `database` while the block lasts."""
    async with asyncio.TaskGroup() as tasks:
        yield Commits(database, tasks)
