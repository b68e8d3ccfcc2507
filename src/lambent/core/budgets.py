"""Memory that somebody may make the server hold: a `Budget` of bytes, shared by what is kept for them.

What is received counts until it is answered, and answers count until they are taken. When there is no room, it is made by
those who occupy it and do nothing: connections that have stopped taking what they asked for are cut, the one that
has stood still longest first. A request for which there is no room then is refused. An answer is always sent: a budget
may be overdrawn by one answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

STALLED_S: Final = 5.0  # after which a client that takes nothing makes room for the requests of others


class Taker(Protocol):
    """A connection with answers that its client has not taken."""

    @property
    def unsent_bytes(self) -> int: ...

    def cut(self) -> None:
        """End it at once, and drop what is unsent."""
        ...


class Untaken(msgspec.Struct):
    """What a connection has of the budget for its answers."""

    held_bytes: int
    unsent_bytes: int  # when last looked at
    since_s: float  # when it was seen to become less


class Budget:
    """So many bytes; `now` is the clock on which clients are seen to stand still."""

    __slots__ = ("_now", "_untaken", "free")

    def __init__(self, size: int, now: Callable[[], float]) -> None:
        self.free = size
        self._now: Final = now
        self._untaken: Final[dict[Taker, Untaken]] = {}

    def take(self, size: int) -> bool:
        """Take some for what is received; says whether there was room."""
        if size > self.free and self._untaken:
            self._make_room(size, self._now() - STALLED_S)
        if size > self.free:
            return False
        self.free -= size
        return True

    def give(self, size: int) -> None:
        self.free += size

    def owe(self, taker: Taker) -> None:
        """Count what a connection has not sent, until `paid`; others are cut if there is no room for it."""
        self.paid(taker)
        size = taker.unsent_bytes
        now = self._now()
        self._untaken[taker] = Untaken(size, size, now)
        self.free -= size
        if self.free < 0:
            self._make_room(0, now)

    def paid(self, taker: Taker) -> None:
        untaken = self._untaken.pop(taker, None)
        if untaken is not None:
            self.free += untaken.held_bytes

    def _make_room(self, size: int, before_s: float) -> None:
        """Cut connections that have taken nothing since a moment, until there is room."""
        now = self._now()
        for taker, untaken in self._untaken.items():
            unsent = taker.unsent_bytes
            if unsent < untaken.unsent_bytes:
                untaken.unsent_bytes, untaken.since_s = unsent, now
        longest_first = sorted(self._untaken.items(), key=lambda item: item[1].since_s)
        for taker, untaken in longest_first[:-1]:
            if size <= self.free or untaken.since_s > before_s:
                return
            self.paid(taker)
            taker.cut()
