"""Memory that answers take which clients have asked for and do not take.

What is sent leaves by the connection's transport, which keeps what the client is not ready for. All connections of a door
share one `Unsent`: when there is more than may be, connections are cut whose clients have taken nothing, the one that
has stood still longest first. One answer is always sent: by so much the bound may be exceeded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import msgspec


class Taker(Protocol):
    """A connection with answers that its client has not taken."""

    @property
    def unsent_bytes(self) -> int: ...

    def cut(self) -> None:
        """End it at once, and drop what is unsent."""
        ...


class Held(msgspec.Struct):
    """What is held for a connection."""

    counted_bytes: int
    unsent_bytes: int  # when last looked at
    since_s: float  # when it was seen to become less


class Unsent:
    """Answers up to so many bytes; `now` is the clock on which clients are seen to stand still."""

    __slots__ = ("_held", "_now", "free_bytes")

    def __init__(self, size_bytes: int, now: Callable[[], float]) -> None:
        self.free_bytes = size_bytes
        self._now: Final = now
        self._held: Final[dict[Taker, Held]] = {}

    def hold(self, taker: Taker) -> None:
        """Count what a connection has not sent, until `release`; others are cut if that is too much."""
        self.release(taker)
        size, now = taker.unsent_bytes, self._now()
        self._held[taker] = Held(size, size, now)
        self.free_bytes -= size
        if self.free_bytes < 0:
            self._make_room(now)

    def release(self, taker: Taker) -> None:
        held = self._held.pop(taker, None)
        if held is not None:
            self.free_bytes += held.counted_bytes

    def _make_room(self, now: float) -> None:
        for taker, held in self._held.items():
            unsent = taker.unsent_bytes
            if unsent < held.unsent_bytes:
                held.unsent_bytes, held.since_s = unsent, now
        longest_first = sorted(self._held, key=lambda taker: self._held[taker].since_s)
        for taker in longest_first[:-1]:
            if self.free_bytes >= 0:
                return
            self.release(taker)
            taker.cut()
