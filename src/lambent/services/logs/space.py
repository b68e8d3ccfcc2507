"""Room given back: pages of the file that hold nothing any more go back to the disk.

A file is made with `auto_vacuum = INCREMENTAL`: its free pages are given back in steps, SHRINK_PAGES a transaction, so that
others write in between, and a checkpoint then cuts the file. SLACK_BYTES stay for what comes next.

A file from before that cannot give anything back until it was written anew once. That needs the room of two copies, and
nobody else writes meanwhile, so it is done as soon as the file holds little (REBUILD_BYTES, a second or two): at once for
most, and for one that was filled to gigabytes when its groups were deleted. Until then its free pages are used again. SQLite
does it in one transaction: a crash leaves the old file.
"""

from __future__ import annotations

from typing import Final

import structlog

from lambent.storage.database import Database
from lambent.storage.disk import Disk

LOG: Final = structlog.get_logger()
SHRINK_PAGES: Final = 500  # 2 MB
SLACK_BYTES: Final = 4 << 20
REBUILD_BYTES: Final = 256 << 20


async def give_back(database: Database, disk: Disk) -> None:
    """Give back what is free above the slack. Raises StorageError."""
    size = database.size()
    slack_pages = SLACK_BYTES // size.page_bytes
    if not size.shrinks:
        if size.used_bytes <= REBUILD_BYTES and 2 * size.used_bytes <= disk.room_bytes():
            await database.rebuild()
            LOG.info("logs.file_rebuilt", freed_bytes=size.free_pages * size.page_bytes, kept_bytes=size.used_bytes)
        return
    if size.free_pages <= slack_pages:
        return
    free_pages = size.free_pages
    while free_pages > slack_pages:
        left = await database.shrink(min(SHRINK_PAGES, free_pages - slack_pages))
        if left >= free_pages:
            break  # what was free is used again already
        free_pages = left
        if not disk.room_bytes():
            await database.checkpoint()
    await database.checkpoint()
