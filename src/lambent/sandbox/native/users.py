"""Which users guests run as.

As root, every sandbox has a uid of its own, from a range that depends on this process's id, so that neither two sandboxes nor
two Lambents on a machine share one: signals, ptrace and limits go by uid. Otherwise the one user that we are is all there is,
and every sandbox has it in a user namespace of its own.
"""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import Final

from lambent.sandbox.contract import SandboxError

COUNT: Final = 2048  # sandboxes at once
_BASE: Final = 1 << 30  # far above what distributions and containers give out
_INSTANCES: Final = 1 << 18
_ALL: Final = 1 << 31


class Users:
    """Uids to take and to give back; all zero, and not limited, when `nested`."""

    def __init__(self, first: int | None) -> None:
        self.nested: Final = first is None
        self.first: Final = first or 0
        self.last: Final = self.first + COUNT - 1
        self._free: Final = deque(range(self.first, self.first + COUNT))

    def take(self) -> int:
        """Return one that is not in use, and has not been for the longest time. Raises SandboxError."""
        if self.nested:
            return 0
        if not self._free:
            raise SandboxError(f"there are {COUNT} sandboxes already")
        return self._free.popleft()

    def give_back(self, uid: int) -> None:
        if not self.nested:
            self._free.append(uid)


def users(uid_map: Path = Path("/proc/self/uid_map")) -> Users:
    """Return the users that this process may become."""
    if os.geteuid() != 0:
        return Users(None)
    inside, _, count = max(
        ([int(field) for field in line.split()] for line in uid_map.read_text().splitlines()), key=lambda row: row[2]
    )
    if inside + count > _ALL:
        return Users(_BASE + os.getpid() % _INSTANCES * COUNT)
    if count > 2 * COUNT:  # root of a container with a range of its own: the end of it
        return Users(inside + count - COUNT)
    return Users(None)
