"""How much room code may take on the disk.

AWS's quota counts zips, for each account; this is ours, for all: the unpacked bytes of all contents together, each counted
once, and the disk's reserve, into which no package may be unpacked. When room is short, graves are given up first, the
oldest before the others, and packages are unpacked one after the other: what one takes is known when it has been opened.
Deleting needs no room.
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
        self._promised_bytes = 0  # of the disk, to packages that are being unpacked
        self._returned = asyncio.Event()  # set when one of them has been, and then another

    @asynccontextmanager
    async def for_package(self, size_bytes: int) -> AsyncGenerator[None]:
        """The room for a zip; what the disk refuses in the block is said in AWS's form. Raises DiskReserved."""
        await self._look(size_bytes)
        try:
            yield
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise self._refusal() from None

    @asynccontextmanager
    async def for_tree(self, digest: str, zip_bytes: int) -> AsyncGenerator[Share]:
        """The room for the tree of a zip, which is counted from then on. Raises UnpackedCodeExceeded, DiskReserved."""
        expected_bytes = min(UNZIPPED_MAX_BYTES, zip_bytes * RATIO)
        while (room_bytes := await self._look(1)) < expected_bytes and self._promised_bytes:
            await self._returned.wait()
        promised_bytes = min(expected_bytes, room_bytes)
        self._promised_bytes += promised_bytes
        share = Share(room_bytes)
        try:
            yield share
        finally:
            self._promised_bytes -= promised_bytes
            self._returned.set()
            self._returned = asyncio.Event()
        if sum(self.taken.values()) + share.unzipped_bytes > self._limit_bytes:
            raise UnpackedCodeExceeded(limit_mib=self._limit_bytes >> 20)
        self.taken[digest] = share.unzipped_bytes

    async def _look(self, wanted_bytes: int) -> int:
        """The bytes that the disk has and nobody was promised, which are at least those. Raises DiskReserved.

        Graves are given up for them; if that is not enough, this waits for packages that are being unpacked.
        """
        if self._disk is None:
            return UNBOUNDED_BYTES
        while (short := wanted_bytes - self._free_bytes(self._disk)) > 0:
            await self._give_up(short)
            if self._free_bytes(self._disk) >= wanted_bytes:
                break
            if not self._promised_bytes:
                raise self._refusal()
            await self._returned.wait()
        return self._free_bytes(self._disk)

    def _free_bytes(self, disk: Disk) -> int:
        return disk.room_bytes() - self._promised_bytes

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
