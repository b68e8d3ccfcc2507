"""The room on the disk that holds the data directory, and the reserve that keeps state writable.

A disk that is full to its last block fails every write, deletes included, since a database must write in order to forget.
So whatever can take much room (function output, packages, the guests' /tmp) looks here first and stops at the reserve; only
state, which is small and must never fail, may use it. The reserve is `disk_reserve_bytes`, and at most RESERVE_SHARE of the
disk: on a small disk a fixed number would leave nothing for work.

A look is one statvfs, about a microsecond, of what the kernel holds in memory. It says nothing of quotas on users or
projects: a writer still handles ENOSPC.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

RESERVE_SHARE: Final = 0.05  # of the disk's size, at most


class Disk:
    """The file system below `directory`; `look` is os.statvfs, but in tests."""

    def __init__(
        self, directory: Path, reserve_bytes: int, look: Callable[[Path], os.statvfs_result] = os.statvfs
    ) -> None:
        self._directory = directory
        self._look = look
        facts = look(directory)
        self.size_bytes: Final = facts.f_blocks * facts.f_frsize
        self.reserve_bytes: Final = min(reserve_bytes, int(self.size_bytes * RESERVE_SHARE))

    def room_bytes(self) -> int:
        """The bytes that may be taken before the reserve is touched; 0 when it is touched already. Raises OSError."""
        facts = self._look(self._directory)
        return max(0, facts.f_bavail * facts.f_frsize - self.reserve_bytes)
