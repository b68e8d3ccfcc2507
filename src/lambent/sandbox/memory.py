"""How much memory this machine has, and what of it sandboxes take together: what admission decides by.

    the machine's, or what this process's control group may have
    ├── the budget: what sandboxes may take together, waiting ones included
    └── the rest: the server, its databases' pages in memory, everything else on the machine

What counts is what is used, not what is promised: a function of 3 GB that uses 40 MB costs 40 MB. The kernel knows it, since
all groups of sandboxes have one parent; files that guests have read and that are still cached do not count, because the
kernel takes them back. Where there are no groups, what the machine has lost since the start stands for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

SHARE: Final = 0.75  # of the machine, if the operator names no budget
FLOOR_BYTES: Final = 256 << 20  # the machine keeps as much available, whoever uses the rest; less on a small one
_FLOOR_SHARE: Final = 1 / 16
_MEMINFO: Final = Path("/proc/meminfo")
_PAGE_BYTES: Final = 4096  # more than it has in front of what is looked for
_LIMITS: Final = ("memory.max", "memory.limit_in_bytes")


class Memory:
    """What sandboxes may have together, and have. `in_groups` tells the latter; None: no control group does."""

    def __init__(
        self,
        budget_bytes: int,
        total_bytes: int,
        in_groups: Callable[[], int | None],
        available: Callable[[], int | None],
    ) -> None:
        self.budget_bytes: Final = budget_bytes
        self._floor_bytes: Final = min(FLOOR_BYTES, int(total_bytes * _FLOOR_SHARE))
        self._in_groups: Final = in_groups
        self._available: Final = available
        self._at_start: Final = available()
        self.by_groups: Final = in_groups() is not None

    def used_bytes(self) -> int:
        """What sandboxes use now; where no group tells, what the machine has less than at the start."""
        in_groups = self._in_groups()
        if in_groups is not None:
            return in_groups
        now = self._available()
        return 0 if now is None or self._at_start is None else max(0, self._at_start - now)

    def lacks(self, more_bytes: int) -> int:
        """How many bytes are wanting if sandboxes take so many more; 0: there is room."""
        above_budget = self.used_bytes() + more_bytes - self.budget_bytes
        available = self._available()
        below_floor = 0 if available is None else self._floor_bytes + more_bytes - available
        return max(0, above_budget, below_floor)


def total_bytes(group: Path | None = None) -> int:
    """The machine's memory, or the least that `group`, or one above it, may have."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = (limit for above in ((group, *group.parents) if group is not None else ()) for limit in _limits(above))
    return min([total, *limits])


def available_bytes() -> int | None:
    """What the machine can give without taking from others; None where it does not tell."""
    try:
        with _MEMINFO.open("rb", 0) as file:
            _, _, found = file.read(_PAGE_BYTES).partition(b"MemAvailable:")
    except OSError:
        return None
    return int(found.split(None, 1)[0]) * 1024 if found else None


def _limits(group: Path) -> list[int]:
    found: list[int] = []
    for name in _LIMITS:
        try:
            text = (group / name).read_text().strip()
        except OSError:
            continue
        if text.isdecimal():
            found.append(int(text))
    return found
