"""How much logs may keep: a group, all of them together, and all of them on this disk.

A group takes new events while it holds less than `group_bytes`, and less than what all together, and the disk, still have
room for. So when room is short the largest groups are stopped first and the small ones go on: with 8 GB in total and 1 GB a
group, an eighth large group stops at half a gigabyte, and a flood of groups always leaves as much as the largest of them has
to the next one. Nothing that was kept is thrown away for something new; deleting groups and streams, or letting them expire,
gives room.

The size of a group is counted as AWS counts it, with something for each stream, and without events that were deleted and not
swept yet; the total is the pages of the file that are in use. What one transaction has of a stream is let in or refused as a
whole, so a bound is passed by one transaction at most.
"""

from __future__ import annotations

from typing import Final

import apsw
import msgspec

from lambent.core.log_loss import magnitude
from lambent.storage.database import size_in
from lambent.storage.disk import Disk

GROUP: Final = "the log group has reached its {limit} (log_group_bytes)"
TOTAL: Final = "all logs together near their {limit} (log_total_bytes), and this group is one of the large ones"
DISK: Final = "the disk nears its reserve (disk_reserve_bytes), and this group is one of the large ones"


class Bounds(msgspec.Struct, frozen=True):
    """The bounds that hold for all groups."""

    group_bytes: int
    total_bytes: int
    disk: Disk

    def room(self, connection: apsw.Connection) -> Room:
        """The room that there is at this moment, within a transaction."""
        return Room(self, self.total_bytes - size_in(connection).used_bytes, self.disk.room_bytes())


class Room(msgspec.Struct, frozen=True):
    """The bounds at one moment."""

    bounds: Bounds
    total_left_bytes: int
    disk_left_bytes: int

    @property
    def none(self) -> bool:
        """Whether nothing at all can be taken."""
        return self.total_left_bytes <= 0 or self.disk_left_bytes <= 0

    def refusal(self, size_bytes: int) -> str | None:
        """Why a group that holds so much takes nothing more; None: it does."""
        if size_bytes >= self.bounds.group_bytes:
            return GROUP.format(limit=magnitude(self.bounds.group_bytes))
        if size_bytes >= self.disk_left_bytes:
            return DISK
        if size_bytes >= self.total_left_bytes:
            return TOTAL.format(limit=magnitude(self.bounds.total_bytes))
        return None
