"""The log of one execution environment: its lines on their way to CloudWatch Logs, and the end of them for the caller.

Lines of one moment are handed over together. The last 4 KB are kept only while an invocation runs whose caller asked for
them (LogType=Tail); nobody else pays for that.

A stream is read in the order of its events' times. So the time that a guest claims for a record counts only between that of
the event before it and now: what was written later never stands before what was written earlier.

An invocation may log so many bytes. What the guest writes past that is read, so that it does not wait for ever, counted, and
dropped; the stream says how much it was. The platform's own lines, three of an invocation, are not bounded here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from lambent.core.clock import Clock
from lambent.core.ports import EVENT_OVERHEAD_BYTES, LogSink
from lambent.lambda_.environment.splitter import Event

TAIL_BYTES: Final = 4096  # what LogType=Tail gives back


class Journal:
    """Writes to one log stream."""

    __slots__ = (
        "_clock",
        "_group",
        "_last_ms",
        "_limit_bytes",
        "_lost",
        "_room_bytes",
        "_sink",
        "_stream",
        "_tail",
        "_tail_size",
    )

    def __init__(self, sink: LogSink, group: str, stream: str, limit_bytes: int, clock: Clock) -> None:
        self._sink: Final = sink
        self._group: Final = group
        self._stream: Final = stream
        self._limit_bytes: Final = limit_bytes
        self._clock: Final = clock
        self._last_ms = 0  # the time of the last event
        self._room_bytes = limit_bytes  # for what the guest writes before the next `begin`
        self._lost = (0, 0)
        self._tail: deque[bytes] | None = None  # None: nobody asked
        self._tail_size = 0

    def now_ms(self) -> int:
        """The moment, Unix epoch."""
        return int(self._clock.now() * 1000)

    def begin(self, *, tail: bool) -> None:
        """An invocation begins; `tail`: its caller wants the end of its log."""
        self._room_bytes = self._limit_bytes
        self._tail = deque() if tail else None
        self._tail_size = 0

    def write(self, now_ms: int, lines: Sequence[str]) -> None:
        """Append the platform's lines, each with its newline, that were written at one moment."""
        if not lines:
            return
        self._last_ms = now_ms
        self._sink.append(self._group, self._stream, now_ms, lines)
        if self._tail is not None:
            self._keep(self._tail, "".join(lines).encode())

    def guest_lines(self, lines: bytes) -> None:
        """Append whole lines as the guest wrote them, none of them empty."""
        if self._taken(lines.count(b"\n"), len(lines)):
            if self._tail is not None:
                self._keep(self._tail, lines)
            self._last_ms = self.now_ms()
            self._sink.append_output(self._group, self._stream, self._last_ms, lines)

    def guest_events(self, events: Sequence[Event]) -> None:
        """Append events of the guest, which says of some when they were: of others it is now."""
        if not self._taken(len(events), sum(len(text) for _, text in events)):
            return
        if self._tail is not None:
            self._keep(self._tail, b"".join([text for _, text in events]))
        now_ms, at_ms, moment = self.now_ms(), self._last_ms, list[bytes]()
        for at_us, text in events:
            when_ms = now_ms if at_us is None else min(max(at_us // 1000, at_ms), now_ms)
            if when_ms != at_ms and moment:
                self._sink.append(self._group, self._stream, at_ms, moment)
                moment = []
            at_ms = when_ms
            moment.append(text)
        self._sink.append(self._group, self._stream, at_ms, moment)
        self._last_ms = at_ms

    def full(self) -> bool:
        """Whether the guest should wait."""
        return self._sink.full()

    def when_room(self, resume: Callable[[], None]) -> None:
        """Call `resume` once, when it need not wait any more."""
        self._sink.when_room(resume)

    def take_lost(self) -> tuple[int, int]:
        """The events, and their bytes, that were dropped since this was asked before."""
        lost, self._lost = self._lost, (0, 0)
        if lost[0]:
            self._sink.count_lost(*lost)
        return lost

    def tail(self) -> bytes:
        """The last 4 KB of what was written since `begin`; nothing if nobody asked."""
        return b"" if self._tail is None else b"".join(self._tail)[-TAIL_BYTES:]

    def _taken(self, events: int, size_bytes: int) -> bool:
        """Count what the guest has written; False: its invocation has logged enough."""
        if self._room_bytes <= 0:
            lost_events, lost_bytes = self._lost
            self._lost = lost_events + events, lost_bytes + size_bytes
            return False
        self._room_bytes -= size_bytes + EVENT_OVERHEAD_BYTES * events
        return True

    def _keep(self, tail: deque[bytes], text: bytes) -> None:
        text = text[-TAIL_BYTES:]
        tail.append(text)
        self._tail_size += len(text)
        while self._tail_size - len(tail[0]) >= TAIL_BYTES:
            self._tail_size -= len(tail.popleft())
