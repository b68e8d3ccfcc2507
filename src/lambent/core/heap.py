"""Memory that was freed goes back to the machine.

glibc keeps what lies between blocks that are in use: after bodies of megabytes have come and gone that can be a hundred
megabytes for good. So the free part of the heap is looked at now and then, and given back when it has grown much. Where
the C library cannot do that, its own ways have to be enough.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Final

FREE_BYTES: Final = 16 * 1024 * 1024  # more than was left the last time; giving back less is not worth the work


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
        self._kept_bytes = 0  # what is free and was given back, or too little for it

    def give_back(self) -> bool:
        """Give free memory back if there is much of it; says whether it did. Takes some 10 us, and else milliseconds."""
        if self._trim is None or self._info is None:
            return False
        free = int(self._info().fordblks)
        if free <= self._kept_bytes + FREE_BYTES:
            self._kept_bytes = min(self._kept_bytes, free)
            return False
        self._trim(0)
        self._kept_bytes = int(self._info().fordblks)
        return True
