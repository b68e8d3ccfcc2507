"""One thread that writes one SQLite file, and commits for many at once.

    loop:    write(work) --> queue --> await the future
    thread:  first work or wait; take what else is queued, up to BATCH_LIMIT
             BEGIN IMMEDIATE; for each work: SAVEPOINT, run, RELEASE (or ROLLBACK TO); COMMIT
    loop:    one callback a batch settles all its futures

A commit costs an fsync, which costs the same for one work as for five hundred; while the disk syncs, the next batch
gathers. A future resolves only after its COMMIT has returned: what was acknowledged is on the disk. An exception in a
work undoes that work alone. When the disk refuses (full, read-only, I/O error) the whole batch is undone, because
SQLite may have undone parts of it already, and every caller of that batch hears why; the next batch tries again.

A full disk is met once more with the reserve given up (`reserve.py`) and without the works that are `optional`, so that
deleting always works: works are functions of their connection, and can be done again once they were undone.

A work that runs `alone` is in no transaction: VACUUM and checkpoints.

The thread is not a daemon: should the loop die with works queued, the interpreter's exit still commits them.
Works run in this thread: they touch their connection and what they were given, nothing of the loop's.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

import apsw

from lambent.storage.errors import DatabaseClosed, DiskFull, of_disk
from lambent.storage.history import CommitCounter
from lambent.storage.sql import execute

T = TypeVar("T")
Work = Callable[[apsw.Connection], Any]

BATCH_LIMIT: Final = 512  # works in one transaction; bounds how long the first of them waits for the last
QUEUE_LIMIT: Final = 8192  # works waiting; who comes later waits for room


class Job:
    """A work, the future of its caller, and how it ended."""

    __slots__ = ("alone", "error", "future", "optional", "result", "work")

    def __init__(self, work: Work, future: asyncio.Future[Any], *, optional: bool, alone: bool) -> None:
        self.work = work
        self.future = future
        self.optional = optional
        self.alone = alone
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self, connection: apsw.Connection) -> None:
        """Run inside a savepoint of its own; raises only what undid the whole transaction."""
        execute(connection, "SAVEPOINT job")
        try:
            self.result = self.work(connection)
        except BaseException as error:
            self.error = error
            if not connection.in_transaction or of_disk(connection.filename, error):
                raise
            execute(connection, "ROLLBACK TO job")
        execute(connection, "RELEASE job")

    def settle(self) -> None:
        """Tell the caller, in the loop, unless it was cancelled meanwhile."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer:
    """The write connection and its thread; made in the loop, started by `start`, ended by `close`."""

    def __init__(self, connection: apsw.Connection, give_up_reserve: Callable[[], bool]) -> None:
        self._connection = connection
        self._counter = CommitCounter(connection)
        self._give_up_reserve = give_up_reserve
        self._file = connection.filename
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._next: Job | None = None  # taken out of the queue for the batch behind this one
        self._room = asyncio.Semaphore(QUEUE_LIMIT)
        self._closed = False
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._serve, name=f"writer {connection.filename}")
        self.batches = 0  # transactions committed, for whoever measures

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    async def write(self, work: Callable[[apsw.Connection], T], *, optional: bool = False, alone: bool = False) -> T:
        """Run `work` in the thread; return after its commit. A cancelled caller's work may or may not be done."""
        await self._room.acquire()
        if self._closed:
            self._room.release()
            raise DatabaseClosed(file=self._file)
        job = Job(work, self._loop.create_future(), optional=optional, alone=alone)
        self._queue.put(job)
        return await job.future

    async def close(self) -> None:
        """Refuse new works, finish the queued ones, end the thread."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.shield(self._ended)
        self._thread.join()

    def _serve(self) -> None:
        more = True
        while more:
            batch, more = self._next_batch()
            if batch:
                self._commit(batch)
                self._tell(self._settle, batch)
        self._tell(self._settle_end)

    def _next_batch(self) -> tuple[list[Job], bool]:
        """Wait for a job and take those queued behind it; False when the end was queued."""
        batch: list[Job] = []
        job = self._next or self._queue.get()
        self._next = None
        with contextlib.suppress(Empty):
            while job is not None:
                if job.alone and batch:
                    self._next = job
                    return batch, True
                batch.append(job)
                if job.alone or len(batch) == BATCH_LIMIT:
                    return batch, True
                job = self._queue.get_nowait()
        return batch, job is not None

    def _commit(self, batch: list[Job]) -> None:
        try:
            self._run(batch)
        except BaseException as error:  # noqa: BLE001 - whatever it was, every caller of the batch hears it
            reason = self._undo(batch, error)
            needed = [job for job in batch if not job.optional]
            if needed and isinstance(reason, DiskFull) and self._give_up_reserve():
                self._commit(needed)

    def _run(self, batch: list[Job]) -> None:
        if batch and batch[0].alone:
            batch[0].result = batch[0].work(self._connection)
            return
        execute(self._connection, "BEGIN IMMEDIATE")
        for job in batch:
            job.error = None
            job.run(self._connection)
        self._counter.count(self._connection)
        execute(self._connection, "COMMIT")
        self.batches += 1

    def _undo(self, batch: list[Job], error: BaseException) -> BaseException:
        """Roll the transaction back, give every job of the batch its reason, and return it."""
        with contextlib.suppress(apsw.Error):
            if self._connection.in_transaction:
                execute(self._connection, "ROLLBACK")
        reason = of_disk(self._file, error)
        if reason is not None:
            reason.__cause__ = error
        for job in batch:
            job.error = reason or error
        return reason or error

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone, and so is everyone who could have listened
            self._loop.call_soon_threadsafe(callback, *arguments)

    def _settle(self, batch: list[Job]) -> None:
        for job in batch:
            job.settle()
            self._room.release()

    def _settle_end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)
