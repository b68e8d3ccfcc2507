"""How much room code may take on the disk.

AWS's quota counts zips, for each account; this is ours, for all: the unpacked bytes of all contents together, each counted
once, and the disk's reserve, into which no package may be unpacked. When room is short, graves are given up first, the
oldest before the others. Deleting needs no room.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from lambent.lambda_.code.graveyard import Graveyard
from lambent.lambda_.code.quota import DiskReserved, UnpackedCodeExceeded
from lambent.lambda_.limits import UNZIPPED_MAX_BYTES
from lambent.storage.disk import Disk

FULL: Final = {errno.ENOSPC, errno.EDQUOT}
RATIO: Final = 20  # what packages that are being unpacked are expected to grow by
UNBOUNDED_BYTES: Final = 1 << 62
GRAVES_ROOM_BYTES: Final = 1 << 30  # room that graves leave beside the reserve

log: Final = structlog.get_logger()


class Share:
    """What one package may take, and what it has taken once it is unpacked."""

    def __init__(self, room_bytes: int) -> None:
        self.room_bytes: Final = room_bytes
        self.unzipped_bytes = 0


class Room:
    """The room of one code store; without a disk nobody looks at it."""

    def __init__(self, disk: Disk | None, graveyard: Graveyard, limit_bytes: int) -> None:
        self.taken: Final[dict[str, int]] = {}  # unpacked bytes by content
        self._disk: Final = disk
        self._graveyard: Final = graveyard
        self._limit_bytes: Final = limit_bytes
        self._promised_bytes = 0  # of the disk, to those who are unpacking

    @asynccontextmanager
    async def for_package(self, size_bytes: int) -> AsyncGenerator[None]:
        """The room for a zip, and about that for its tree; what the disk refuses in the block is told in AWS's form.

        Raises DiskReserved.
        """
        await self._look(size_bytes)
        promised_bytes = min(UNZIPPED_MAX_BYTES, size_bytes * RATIO)
        self._promised_bytes += promised_bytes
        try:
            yield
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise self._refusal() from None
        finally:
            self._promised_bytes -= promised_bytes

    @asynccontextmanager
    async def for_tree(self, digest: str) -> AsyncGenerator[Share]:
        """The room for one tree, which is counted from then on. Raises UnpackedCodeExceeded, DiskReserved."""
        share = Share(await self._look(1))
        yield share
        if sum(self.taken.values()) + share.unzipped_bytes > self._limit_bytes:
            raise UnpackedCodeExceeded(limit_mib=self._limit_bytes >> 20)
        self.taken[digest] = share.unzipped_bytes

    async def _look(self, wanted_bytes: int) -> int:
        """The bytes that the disk has, which are at least those; graves are given up for them. Raises DiskReserved."""
        if self._disk is None:
            return UNBOUNDED_BYTES
        wanted_bytes += self._promised_bytes
        if (short := wanted_bytes - self._disk.room_bytes()) > 0:
            await self._give_up(short)
        room_bytes = self._disk.room_bytes()
        if room_bytes < wanted_bytes:
            raise self._refusal()
        return room_bytes

    def _refusal(self) -> DiskReserved:
        return DiskReserved(reserve_mib=0 if self._disk is None else self._disk.reserve_bytes >> 20)

    async def give_up_graves(self) -> None:
        """Give graves up while there is little room beside the reserve."""
        if self._disk is not None and (short := GRAVES_ROOM_BYTES - self._disk.room_bytes()) > 0:
            await self._give_up(short)

    async def _give_up(self, wanted_bytes: int) -> None:
        given_up = await asyncio.to_thread(self._graveyard.give_up, wanted_bytes)
        if given_up:
            log.warning("code.graves_given_up", reason="the disk is short", packages=len(given_up))
