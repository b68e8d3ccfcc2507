"""Memory that was freed goes back to the machine.

glibc keeps what lies between blocks that are in use: after bodies of megabytes have come and gone that can be a hundred
megabytes for good. So the free part of the heap is looked at now and then, and given back when it has grown much. Where
the C library cannot do that, its own ways have to be enough.
"""

from __future__ import annotations

import ctypes
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Final

FREE_BYTES: Final = 8 * 1024 * 1024  # more than the last time; giving back less is not worth the work
PAGE_BYTES: Final = resource.getpagesize()


class _MallInfo(ctypes.Structure):
    """`struct mallinfo2` of malloc.h."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


class Heap:
    """The heap of this process."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None)
        self._trim: Final[Callable[[int], int] | None] = getattr(libc, "malloc_trim", None)
        self._info: Final = getattr(libc, "mallinfo2", None)  # glibc 2.33
        if self._info is not None:
            self._info.restype = _MallInfo
        self._lowest_bytes = 0 if self._info is None else self._unused_bytes()

    def give_back(self) -> bool:
        """Give free memory back if much of what the process holds is free; says whether it did.

        Takes some 50 us, and where 100 MB are given back some 20 ms.
        """
        if self._trim is None or self._info is None:
            return False
        unused = self._unused_bytes()
        if unused <= self._lowest_bytes + FREE_BYTES:
            self._lowest_bytes = min(self._lowest_bytes, unused)
            return False
        self._trim(0)
        self._lowest_bytes = self._unused_bytes()
        return True

    def _unused_bytes(self) -> int:
        """What the process holds beside what is in use of its heap: programs, Python's own arenas, and what is free."""
        assert self._info is not None
        info = self._info()
        return resident_bytes() - int(info.uordblks) - int(info.hblkhd)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES
