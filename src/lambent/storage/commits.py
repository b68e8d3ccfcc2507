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
from typing import Final, Generic, TypeVar

import apsw
import msgspec
import structlog

from lambent.storage.database import Database
from lambent.storage.errors import DatabaseDamaged

T = TypeVar("T")

log: Final = structlog.get_logger()

Work = Callable[[apsw.Connection], T]
Watcher = Callable[[T | None, T | None], None]  # before and after; None: there was none, or is none any more
Guard = Callable[[apsw.Connection], None]  # runs first in the same transaction, and raises what forbids the change


class Watchers(Generic[T]):
    """Who is told of every commit, with what was before and after it.

    The commit stands whatever they do: what one of them raises is a bug of it, is logged, and reaches neither the others nor
    whoever asked for the change.
    """

    def __init__(self) -> None:
        self._watchers: list[Watcher[T]] = []

    def add(self, watcher: Watcher[T]) -> None:
        self._watchers.append(watcher)

    def tell(self, before: T | None, after: T | None) -> None:
        for watcher in self._watchers:
            told(watcher, before, after)


def told(watcher: Watcher[T], before: T | None, after: T | None) -> None:
    """Tell one watcher."""
    try:
        watcher(before, after)
    except Exception:
        log.exception("commit.watcher_failed", watcher=getattr(watcher, "__qualname__", repr(watcher)))


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
        """Read what may take long, of one moment; for filling an index before anything is committed.

        `work` decodes what it reads. Raises DatabaseDamaged when that is not what was written.
        """
        try:
            return await self._database.scan(work)
        except msgspec.MsgspecError as error:
            raise DatabaseDamaged(file=self._database.file, reason=f"a row cannot be read ({error})") from error


@asynccontextmanager
async def committing(database: Database) -> AsyncGenerator[Commits]:
    """Changes of `database` while the block lasts."""
    async with asyncio.TaskGroup() as tasks:
        yield Commits(database, tasks)
