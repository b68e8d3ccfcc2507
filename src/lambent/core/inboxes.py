"""Where the bytes of a connection are read to, and so how many at a time.

What a read brings is parsed and answered in one go, while everybody else waits. So little is read where it may be many
requests, and more where it can only be the body of one; a large buffer is made only when the read before has filled a
small one, since bytes that come one by one are not worth it.
"""

from __future__ import annotations

from typing import Final

READ_BYTES: Final = 4096  # at a time; what pipelined requests in it may cost before others have their turn
FLOOD_READ_BYTES: Final = 1024  # of a guest that has used up much of its slice
CHUNKED_READ_BYTES: Final = 16 * 1024  # of a body in chunks, behind which other requests may come
BODY_READ_BYTES: Final = 64 * 1024  # of a body whose length is known


class Inbox:
    """The buffer of one connection."""

    __slots__ = ("_much", "_reading", "_small")

    def __init__(self) -> None:
        self._small: Final = memoryview(bytearray(READ_BYTES))
        self._reading: memoryview = self._small
        self._much = False  # whether the last read has brought much

    def buffer(self, body_bytes: int, *, low: bool) -> memoryview:
        """Where to read to, when so many bytes belong to one body for certain; `low`: read little."""
        if self._much and body_bytes > READ_BYTES:
            self._reading = memoryview(bytearray(min(body_bytes, BODY_READ_BYTES)))
        else:
            self._reading = self._small[:FLOOD_READ_BYTES] if low else self._small
        return self._reading

    def read(self, size: int) -> memoryview:
        """What a read of `size` bytes has brought; it is overwritten by the next."""
        self._much = size >= FLOOD_READ_BYTES
        return self._reading[:size]
