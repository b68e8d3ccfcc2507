"""What a guest writes to stdout and stderr becomes log events.

One pipe carries both. A line is an event; awslambdaric writes a record of several lines with `\\r` between them, which
turns back into newlines here (reference/runtimes.md 2). What a guest can do with it is bounded: a line that does not end
is cut at CloudWatch's event size, and reading stops for a moment when a burst is larger than one read, so that a guest
that floods its log waits at its pipe and no one else does.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final

READ_BYTES: Final = 64 * 1024
EVENT_BYTES: Final = 256 * 1024  # the largest event that CloudWatch Logs keeps
DRAIN_READS: Final = 16  # at the end of an invocation: what the pipe can hold


class Output:
    """Reads the pipe `fd` (non-blocking; taken over) and tells each line, with its newline, as CloudWatch has it."""

    __slots__ = ("_fd", "_loop", "_on_line", "_rest")

    def __init__(self, fd: int, on_line: Callable[[str], None]) -> None:
        self._fd = fd
        self._on_line: Final = on_line
        self._rest = b""
        self._loop: Final = asyncio.get_running_loop()
        self._loop.add_reader(fd, self._readable)

    def drain(self) -> None:
        """Read what the guest has written until now: it wrote before it answered, so its lines belong before END."""
        for _ in range(DRAIN_READS):
            if not self._readable():
                return

    def flush(self) -> None:
        """Tell an unfinished line too: the runtime has gone and nothing will end it."""
        if self._rest:
            rest, self._rest = self._rest, b""
            self._tell(rest)

    def close(self) -> None:
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _readable(self) -> bool:
        """Read once; whether there may be more."""
        if self._fd < 0:
            return False
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(self._fd)
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._tell(line)
        if len(self._rest) >= EVENT_BYTES:
            self.flush()
        return len(data) == READ_BYTES

    def _tell(self, line: bytes) -> None:
        for start in range(0, len(line) or 1, EVENT_BYTES):
            self._on_line(line[start : start + EVENT_BYTES].decode("utf-8", "replace").replace("\r", "\n") + "\n")
