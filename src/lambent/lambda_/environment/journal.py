"""The log of one execution environment: its lines on their way to CloudWatch Logs, and the end of them for the caller.

Lines of one moment are handed over together. The last 4 KB are kept only while an invocation runs whose caller asked for
them (LogType=Tail); nobody else pays for that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from lambent.core.clock import Clock
from lambent.core.ports import LogSink

TAIL_BYTES: Final = 4096  # what LogType=Tail gives back


class Journal:
    """Writes to one log stream."""

    __slots__ = ("_clock", "_group", "_sink", "_stream", "_tail", "_tail_size")

    def __init__(self, sink: LogSink, group: str, stream: str, clock: Clock) -> None:
        self._sink: Final = sink
        self._group: Final = group
        self._stream: Final = stream
        self._clock: Final = clock
        self._tail: deque[str] | None = None  # None: nobody asked
        self._tail_size = 0

    def now_ms(self) -> int:
        """The moment, Unix epoch."""
        return int(self._clock.now() * 1000)

    def begin(self, *, tail: bool) -> None:
        """An invocation begins; `tail`: its caller wants the end of its log."""
        self._tail = deque() if tail else None
        self._tail_size = 0

    def write(self, now_ms: int, lines: Sequence[str]) -> None:
        """Append lines, each with its newline, that were written at one moment."""
        if not lines:
            return
        self._sink.append(self._group, self._stream, now_ms, lines)
        tail = self._tail
        if tail is None:
            return
        for line in lines:
            tail.append(line)
            self._tail_size += len(line)
        while len(tail) > 1 and self._tail_size - len(tail[0]) >= TAIL_BYTES:
            self._tail_size -= len(tail.popleft())

    def guest_lines(self, lines: Sequence[str]) -> None:
        """Append lines that the guest has written."""
        self.write(self.now_ms(), lines)

    def tail(self) -> bytes:
        """The last 4 KB of what was written since `begin`; nothing if nobody asked."""
        return b"" if self._tail is None else "".join(self._tail).encode()[-TAIL_BYTES:]
