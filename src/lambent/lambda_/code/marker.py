"""The mark beside the code store that says up to which commit of which database the two belong together.

    <directory>/database.json    {"identity": ..., "start": ..., "commits": ...}, a storage.history.Position

The code store collects what no row names. That is right only if the rows are the ones it was filled by: a state.db that was
lost, restored from a backup, or brought from elsewhere names other contents, and believing it would remove every package.
So the mark is written, whole or not at all, after every commit that names or drops a content, and a start compares: a
database that has never been at the marked position is not believed, and then nothing is collected until one comes that has,
or until the operator says that this is the right one (`--adopt-code`).

A mark that lags behind does no harm: it is an earlier point of the same history. So a disk that cannot take it, or a
`kill -9` between commit and mark, only leaves it as it was. Without a readable mark (a store that is older than this module)
a database is believed when there is nothing that it would take away.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
import structlog

from lambent.storage.database import Database
from lambent.storage.errors import StorageError
from lambent.storage.files import write_whole
from lambent.storage.history import Position, knows, position

FILE: Final = "database.json"
DISPUTE: Final = "NOT-COLLECTED"  # holds the sentence, for `lambent doctor`, as long as the database is not believed

log: Final = structlog.get_logger()


class Marker:
    """The mark of one code store; made by `marking`."""

    def __init__(self, directory: Path, database: Database, *, durable: bool) -> None:
        self._file: Final = directory / FILE
        self._dispute: Final = directory / DISPUTE
        self._database: Final = database
        self._durable: Final = durable
        self._believed = False
        self._stopped = False
        self._moved: Final = asyncio.Event()
        self._written: Position | None = None

    def objection(self, unnamed: int) -> str | None:
        """Why the database must not be believed, which does not name `unnamed` of the contents; None: it may be."""
        try:
            mark = msgspec.json.decode(self._file.read_bytes(), type=Position)
        except FileNotFoundError:
            return f"{self._file}, which says to which database they belong, is not there" if unnamed else None
        except (OSError, msgspec.DecodeError) as error:
            return f"{self._file}, which says to which database they belong, is damaged ({error})" if unnamed else None
        here = self._database.read(position)
        if mark.identity != here.identity:
            return f"{self._database.file} is new, or another directory's: they belong to another database"
        if not self._database.read(lambda connection: knows(connection, mark)):
            return f"{self._database.file} is older than they are: a backup, or it has lost its -wal file"
        self._written = mark
        return None

    def believe(self) -> None:
        """From now on the mark follows the database."""
        self._believed = True
        self._dispute.unlink(missing_ok=True)
        self.move()

    def doubt(self, sentence: str) -> None:
        """Leave the mark as it is, so that the next start doubts as well; leave word for who asks."""
        try:
            self._dispute.write_text(f"{sentence}\n")
        except OSError as error:
            log.warning("code.dispute_not_written", file=str(self._dispute), reason=str(error))

    def move(self) -> None:
        """A commit has named or dropped contents: write the mark, soon."""
        self._moved.set()

    async def follow(self) -> None:
        """Write the mark whenever it was moved, until `stop`."""
        while not self._stopped:
            await self._moved.wait()
            self._moved.clear()
            if self._believed:
                await self._write()

    def stop(self) -> None:
        """Let `follow` write the mark for the last time."""
        self._stopped = True
        self._moved.set()

    async def _write(self) -> None:
        try:
            here = self._database.read(position)
            if here != self._written:
                await asyncio.to_thread(write_whole, self._file, msgspec.json.encode(here), durable=self._durable)
            self._written = here
        except (OSError, StorageError) as error:
            log.warning("code.mark_not_written", file=str(self._file), reason=str(error))


@asynccontextmanager
async def marking(directory: Path, database: Database, *, durable: bool) -> AsyncGenerator[Marker]:
    """The mark follows `database` while the block lasts, once it was told to `believe`."""
    marker = Marker(directory, database, durable=durable)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(marker.follow())
        try:
            yield marker
        finally:
            marker.stop()
