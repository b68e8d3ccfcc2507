"""A SQLite file that is open: one writer, readers that do not wait for it.

WAL lets readers see the last commit while the next is made. `read` is for a few microseconds of work in the loop's
thread; `scan` is for what takes longer, in a thread with a connection of its own. Both see one consistent snapshot a
call.

Durability is a setting: `full` syncs at every commit (an acknowledged write survives a power cut), `normal` syncs at
checkpoints (survives a killed process; a power cut may take the last commits, never the file's integrity), `memory`
never syncs (tests and ephemeral servers, whose directory is removed anyway).

It is not for more than one process: the data directory's lock sees to that.

A file that was not closed in order (its -wal is still there) is checked before it is used, unless it is so large that this
would delay the start. What is refused is left as it was found: SQLite would otherwise write the -wal into the file when it
is closed, and a -wal that belongs to another database would be the end of both.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeVar

import apsw

from lambent.storage.errors import DatabaseDamaged, of_disk
from lambent.storage.history import begin_history
from lambent.storage.migrations import Migration, migrate
from lambent.storage.reserve import Reserve
from lambent.storage.sql import execute, fetched
from lambent.storage.writer import Writer

T = TypeVar("T")

Durability = Literal["full", "normal", "memory"]

SYNCHRONOUS: Final = {"full": "FULL", "normal": "NORMAL", "memory": "OFF"}
SCAN_LIMIT: Final = 4  # long reads at once; more wait
STATEMENT_CACHE: Final = 256  # prepared statements a connection keeps; all of ours fit
BUSY_TIMEOUT_MS: Final = 10_000  # only another tool (a backup, the sqlite3 shell) can hold the lock
CHECKPOINT_PAGES: Final = 1_000  # 4 MB of WAL between checkpoints; a full disk must have room for it (reserve.py)
CHECKED_BYTES: Final = 256 << 20  # a larger file (logs) would delay the start by seconds for each GB
INCREMENTAL: Final = 2  # PRAGMA auto_vacuum: free pages are given back when asked for
WAL_LIMIT_BYTES: Final = 64 << 20  # the WAL file is cut back to this after a burst


class FileSize(NamedTuple):
    """The pages of a file."""

    page_bytes: int
    pages: int
    free_pages: int
    shrinks: bool  # whether free pages can be given back

    @property
    def used_bytes(self) -> int:
        """The bytes that hold something."""
        return self.page_bytes * (self.pages - self.free_pages)


def size_in(connection: apsw.Connection) -> FileSize:
    """What the file consists of, within a transaction."""
    page_bytes, pages, free_pages, kind = (
        fetched(connection, f"PRAGMA {name}")[0][0]
        for name in ("page_size", "page_count", "freelist_count", "auto_vacuum")
    )
    return FileSize(page_bytes, pages, free_pages, kind == INCREMENTAL)


class Database:
    """The open file; made by `opened`."""

    def __init__(self, file: Path, writer: Writer, reader: apsw.Connection) -> None:
        self.file = file
        self._writer = writer
        self._reader = reader
        self._scanners = ThreadPoolExecutor(SCAN_LIMIT, f"scan {file.name}")
        self._idle: list[apsw.Connection] = []  # of the scanners; list.append and list.pop are atomic

    async def write(self, work: Callable[[apsw.Connection], T], *, optional: bool = False) -> T:
        """Run `work` in a transaction of its own on the writer thread; return its result once the commit is durable.

        An exception of the work undoes it and comes out here. Raises StorageError when the disk refuses; then nothing
        of the work is done. When the caller is cancelled, the work may or may not be done. A full disk is met once more
        with the reserve given up, and `work` runs again; an `optional` one does not, and leaves the reserve to others.
        """
        return await self._writer.write(work, optional=optional)

    async def shrink(self, pages: int) -> int:
        """Give at most so many free pages back to the disk; return how many are left. Raises StorageError."""
        return await self._writer.write(partial(_vacuum_some, pages=pages))

    async def checkpoint(self) -> None:
        """Move the WAL into the file and cut it to nothing, unless a reader holds on to it. Raises StorageError."""
        await self._writer.write(_checkpoint, alone=True)

    async def rebuild(self) -> None:
        """Write the file anew without its free pages, so that `shrink` works on it: as long as it takes to copy it.

        Takes the room of two copies meanwhile. A crash leaves the old file. Raises StorageError.
        """
        await self._writer.write(_rebuild, optional=True, alone=True)

    def size(self) -> FileSize:
        """What the file consists of."""
        return self.read(size_in)

    def read(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work` on the read connection, in the loop's thread: microseconds of work only."""
        return _snapshot(self._reader, work)

    async def scan(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work`, which may take long, on a read connection in a thread.

        A cancelled caller interrupts it, and goes when the thread is free again: a `work` in Python has an end of its own.
        What is read for guests and callers comes here in turns that others have given (services/logs/reads.py).
        """
        connection: list[apsw.Connection] = []

        def scanning() -> T:
            connection.append(self._idle.pop() if self._idle else _reader(self.file))
            try:
                return _snapshot(connection[0], work)
            finally:
                self._idle.append(connection.pop())

        running = asyncio.get_running_loop().run_in_executor(self._scanners, scanning)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            for scanner in connection:
                scanner.interrupt()
            await asyncio.wait([running])
            raise

    @property
    def commits(self) -> int:
        """How many transactions were committed since opening; fewer than works, when they are grouped."""
        return self._writer.batches

    async def close(self) -> None:
        """Finish what is queued and close the file."""
        await self._writer.close()
        await asyncio.to_thread(self._scanners.shutdown)
        for connection in (*self._idle, self._reader):
            connection.close()


@asynccontextmanager
async def opened(
    file: Path, migrations: Sequence[Migration], durability: Durability = "full", reserve: Reserve | None = None
) -> AsyncGenerator[Database]:
    """Open, or make, the database `file` for as long as the block lasts; leaving finishes what is queued.

    `reserve` is given up when the disk is full.

    Raises DatabaseTooNew, MigrationFailed, DatabaseDamaged, DiskReadOnly, DiskFull.
    """
    connection = await asyncio.to_thread(_prepared, file, migrations, durability)
    try:
        writer = Writer(connection, reserve.give_up if reserve else lambda: False)
        database = Database(file, writer, _reader(file))
        writer.start()
        try:
            yield database
        finally:
            await database.close()
    finally:
        connection.close()


def _prepared(file: Path, migrations: Sequence[Migration], durability: Durability) -> apsw.Connection:
    """Open the write connection and bring the schema up to date."""
    connection = None
    try:
        interrupted = _has_wal(file)
        connection = apsw.Connection(str(file), statementcachesize=STATEMENT_CACHE)
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        if interrupted:
            _check(connection)
        execute(connection, f"PRAGMA auto_vacuum = {INCREMENTAL}")  # of a new file; an old one is as it is
        fetched(connection, "PRAGMA journal_mode = WAL")
        execute(connection, f"PRAGMA synchronous = {SYNCHRONOUS[durability]}")
        execute(connection, "PRAGMA foreign_keys = ON")
        fetched(connection, f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        fetched(connection, f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
        migrate(connection, migrations)
        begin_history(connection)
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, apsw.Error) and (reason := of_disk(str(file), error)):
            raise reason from error
        raise
    return connection


def _has_wal(file: Path) -> bool:
    """Whether a file that can be checked in no time was not closed in order."""
    try:
        return file.stat().st_size <= CHECKED_BYTES and file.with_name(f"{file.name}-wal").stat().st_size > 0
    except FileNotFoundError:
        return False


def _check(connection: apsw.Connection) -> None:
    """Raises DatabaseDamaged when file and -wal do not make one database."""
    found = fetched(connection, "PRAGMA quick_check(1)")[0][0]
    if found != "ok":
        raise DatabaseDamaged(file=connection.filename, reason=found)


def _vacuum_some(connection: apsw.Connection, pages: int) -> int:
    fetched(connection, f"PRAGMA incremental_vacuum({pages})")
    return size_in(connection).free_pages


def _checkpoint(connection: apsw.Connection) -> None:
    """Move what readers let us move; without waiting for them, since everybody would wait with us."""
    connection.set_busy_timeout(0)
    try:
        _ = fetched(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
    except apsw.BusyError:
        return  # the next one does it
    finally:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)


def _rebuild(connection: apsw.Connection) -> None:
    execute(connection, f"PRAGMA auto_vacuum = {INCREMENTAL}")
    execute(connection, "VACUUM")
    _checkpoint(connection)


def _reader(file: Path) -> apsw.Connection:
    connection = apsw.Connection(str(file), apsw.SQLITE_OPEN_READONLY, statementcachesize=STATEMENT_CACHE)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    return connection


def _snapshot(connection: apsw.Connection, work: Callable[[apsw.Connection], T]) -> T:
    """Run `work` in one read transaction, so that all its statements see the same commit."""
    execute(connection, "BEGIN")
    try:
        return work(connection)
    except (apsw.CorruptError, apsw.NotADBError, apsw.IOError) as error:
        raise of_disk(connection.filename, error) or error from error
    finally:
        if connection.in_transaction:
            execute(connection, "ROLLBACK")
