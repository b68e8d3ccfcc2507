"""Events that wait to be written: a buffer of which each function has its own share.

A share may grow while it is smaller than what is still free (dynamic thresholds, Choudhury and Hahne 1998), so that there is
always something left for a function that has nothing here yet. A guest is asked to wait while its share is larger than half
of what is free of GUEST_PART: one function alone gets a quarter of the buffer, n of them 3 / (4n + 8) each. What is past that
belongs to those who cannot wait, the platform's own lines and the last words of a guest that was killed; only these can be
dropped for want of room.

It is emptied in turns, TURN_BYTES of each function, so that a line waits for a turn of each other function at most, never
for all that a noisy one has here.

Sizes are what an event costs: its bytes, and what Python and SQLite add to it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from sys import getsizeof
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

from lambent.services.logs.groups import Place

APPEND_BYTES: Final = 200  # what an append costs besides its events: a tuple, its numbers, a place in a queue
LINE_BYTES: Final = 64  # what a line costs besides its text when it is written
TURN_BYTES: Final = 64 * 1024
GUEST_PART: Final = 0.75  # of the buffer, that guests can fill


class StreamName(NamedTuple):
    """Which stream."""

    place: Place
    group: str
    name: str


class Append(NamedTuple):
    """Events of one moment and one stream."""

    stream: StreamName
    timestamp_ms: int
    content: Sequence[str | bytes] | bytes  # messages, or whole lines as a guest wrote them
    events: int
    size_bytes: int  # in this buffer

    @property
    def text_bytes(self) -> int:
        """The size of what it says; of messages their letters, roughly."""
        content = self.content
        return len(content) if isinstance(content, bytes) else sum(map(len, content))


class Share:
    """One function's part of the buffer."""

    __slots__ = ("__weakref__", "_queue", "size_bytes", "waiting")

    def __init__(self) -> None:
        self.size_bytes = 0  # what is queued and what is being written
        self.waiting: list[Callable[[], None]] = []  # for room
        self._queue: deque[Append] = deque()

    def push(self, append: Append) -> bool:
        """Queue an append; whether it is the only one."""
        self._queue.append(append)
        return len(self._queue) == 1

    def take_turn(self) -> list[Append]:
        """Take appends of TURN_BYTES, and at least one, out of the queue."""
        turn: list[Append] = []
        size_bytes = 0
        while self._queue and size_bytes < TURN_BYTES:
            append = self._queue.popleft()
            turn.append(append)
            size_bytes += append.size_bytes
        return turn

    def __bool__(self) -> bool:
        return bool(self._queue)


class Buffer:
    """At most `limit_bytes`, and one append more."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes: Final = limit_bytes
        self._guests_bytes: Final = int(limit_bytes * GUEST_PART)
        self.size_bytes = 0
        self._shares: WeakValueDictionary[Hashable, Share] = WeakValueDictionary()
        self._turns: deque[Share] = deque()  # those with something queued
        self._waiting: set[Share] = set()

    def share(self, owner: Hashable) -> Share:
        """The share of an owner, the same for as long as somebody has it."""
        share = self._shares.get(owner)
        if share is None:
            share = self._shares[owner] = Share()
        return share

    def put(self, share: Share, append: Append) -> bool:
        """Queue an append; False: its function has no room for it."""
        if share.size_bytes > self._limit_bytes - self.size_bytes:
            return False
        share.size_bytes += append.size_bytes
        self.size_bytes += append.size_bytes
        if share.push(append):
            self._turns.append(share)
        return True

    def full(self, share: Share) -> bool:
        """Whether who can wait should: asked before a guest's pipe is read."""
        return 2 * share.size_bytes > self._guests_bytes - self.size_bytes

    @property
    def guests_wait(self) -> bool:
        """Whether a guest is asked to wait now."""
        return bool(self._waiting)

    def wait(self, share: Share, resume: Callable[[], None]) -> None:
        """Call `resume` when the share is no longer full."""
        share.waiting.append(resume)
        self._waiting.add(share)

    def take(self, limit_bytes: int) -> list[tuple[Share, Append]]:
        """Take about `limit_bytes` in turns; they count until `release`."""
        taken: list[tuple[Share, Append]] = []
        size_bytes = 0
        while self._turns and size_bytes < limit_bytes:
            share = self._turns.popleft()
            turn = share.take_turn()
            size_bytes += sum(append.size_bytes for append in turn)
            taken += [(share, append) for append in turn]
            if share:
                self._turns.append(share)
        return taken

    def release(self, taken: Sequence[tuple[Share, Append]]) -> None:
        """Give the room of what was taken back, and tell those who wait for it."""
        for share, append in taken:
            share.size_bytes -= append.size_bytes
            self.size_bytes -= append.size_bytes
        for share in [share for share in self._waiting if not self.full(share)]:
            self._waiting.discard(share)
            waiting, share.waiting = share.waiting, []
            for resume in waiting:
                resume()

    def __bool__(self) -> bool:
        """Whether something is queued."""
        return bool(self._turns)


def append_of(stream: StreamName, timestamp_ms: int, messages: Sequence[str | bytes]) -> Append:
    """An append of messages."""
    events = len(messages)
    return Append(
        stream, timestamp_ms, messages, events, APPEND_BYTES + LINE_BYTES * events + sum(map(getsizeof, messages))
    )


def guest_append(stream: StreamName, timestamp_ms: int, lines: bytes) -> Append:
    """An append of whole lines."""
    events = lines.count(b"\n")
    return Append(stream, timestamp_ms, lines, events, APPEND_BYTES + LINE_BYTES * events + len(lines))
