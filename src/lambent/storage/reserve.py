"""Room on the disk that is Lambent's already: a file of zeroes, given up when the disk is full, taken again when it is not.

A database must write in order to delete, and whoever has filled a disk wants to delete. Looking at the free space in time
(`disk.py`) keeps logs and packages from filling it; it does not keep other programs from it, nor sees quotas. So when SQLite
says that the disk is full, the writer gives the reserve up and does its work once more, and only then refuses it.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import structlog

from lambent.core.clock import Clock
from lambent.storage.disk import Disk

log: Final = structlog.get_logger()

FILE: Final = "reserve"
RESERVE_BYTES: Final = 32 << 20  # some hundred deletes, and what databases have in their logs and not in their files
RESERVE_SHARE: Final = 0.1  # of the disk's size, at most
RETAKE_DELAY_S: Final = 5.0
FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Reserve:
    """The file; made by `reserving`. `give_up` may be called from any thread."""

    def __init__(self, file: Path, size_bytes: int) -> None:
        self._file: Final = file
        self.size_bytes: Final = size_bytes

    def take(self) -> bool:
        """Take the room if it is not taken; False: there is none. Raises OSError for everything else."""
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(descriptor).st_size != self.size_bytes:
                os.posix_fallocate(descriptor, 0, self.size_bytes)
                os.ftruncate(descriptor, self.size_bytes)
        except OSError as error:
            if error.errno not in FULL:
                raise
            os.ftruncate(descriptor, 0)
            return False
        else:
            return True
        finally:
            os.close(descriptor)

    def give_up(self) -> bool:
        """Give the room to whoever is first; whether there was any."""
        try:
            size_bytes = self._file.stat().st_size
            os.truncate(self._file, 0)
        except FileNotFoundError:
            return False
        return size_bytes > 0


@asynccontextmanager
async def reserving(directory: Path, disk: Disk, clock: Clock) -> AsyncGenerator[Reserve]:
    """Hold a reserve in the data directory as long as the block lasts, and take it again after it was given up."""
    held = Reserve(directory / FILE, min(RESERVE_BYTES, int(disk.size_bytes * RESERVE_SHARE)))
    if not held.take():
        log.warning("disk.no_reserve", directory=str(directory))

    async def retaking() -> None:
        while True:
            await clock.sleep(RETAKE_DELAY_S)
            try:
                if disk.room_bytes() >= held.size_bytes:  # else taking it could fail others in that moment
                    _ = held.take()
            except OSError:
                log.exception("disk.reserve_not_taken")

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(retaking())
        try:
            yield held
        finally:
            task.cancel()
