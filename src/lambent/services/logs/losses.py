"""What was dropped: counted, and told in the stream that it is missing from.

The first loss of a group is told at once, the next ones NOTICE_S later at the earliest, all in one event, in the stream that
lost last. A notice is a hundred bytes and passes a group's bound; it does not pass the disk's reserve, and is told when there
is room again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from lambent.core.log_loss import loss
from lambent.services.logs.buffer import StreamName
from lambent.services.logs.groups import Place

NOTICE_S: Final = 10.0  # between two notices of a group, at least
GROUPS: Final = 1_000  # with losses that are not told yet; what more groups lose is only counted


class Notice(NamedTuple):
    """An event that tells of a loss."""

    stream: StreamName
    message: str
    events: int
    size_bytes: int


class _Loss:
    """What one group has lost and its streams do not tell yet."""

    __slots__ = ("events", "reason", "size_bytes", "stream", "told_s")

    def __init__(self) -> None:
        self.stream: StreamName | None = None  # that lost last
        self.reason = ""
        self.events = 0
        self.size_bytes = 0
        self.told_s = float("-inf")  # on the monotonic clock


class Losses:
    """What all groups have lost."""

    def __init__(self) -> None:
        self.events = 0  # since the start
        self.size_bytes = 0
        self._groups: dict[tuple[Place, str], _Loss] = {}

    def count(self, events: int, size_bytes: int) -> None:
        """Count events of which somebody else tells."""
        self.events += events
        self.size_bytes += size_bytes

    def add(self, stream: StreamName, events: int, size_bytes: int, reason: str) -> None:
        """Count events, and remember to tell of them."""
        self.count(events, size_bytes)
        group = (stream.place, stream.group)
        entry = self._groups.get(group)
        if entry is None:
            if len(self._groups) == GROUPS:
                return
            entry = self._groups[group] = _Loss()
        entry.stream, entry.reason = stream, reason
        entry.events += events
        entry.size_bytes += size_bytes

    def due(self, now_s: float) -> list[Notice]:
        """The notices that are to be written now."""
        return list(self._due(now_s))

    def settle(self, notices: Sequence[Notice], now_s: float) -> None:
        """These notices were written."""
        for notice in notices:
            entry = self._groups[notice.stream.place, notice.stream.group]
            entry.events -= notice.events
            entry.size_bytes -= notice.size_bytes
            entry.told_s = now_s
        for group, entry in list(self._groups.items()):
            if not entry.events and now_s >= entry.told_s + NOTICE_S:
                del self._groups[group]

    def _due(self, now_s: float) -> Iterator[Notice]:
        for entry in self._groups.values():
            if entry.stream is not None and entry.events and now_s >= entry.told_s + NOTICE_S:
                message = loss(entry.events, entry.size_bytes, entry.reason) + "\n"
                yield Notice(entry.stream, message, entry.events, entry.size_bytes)
