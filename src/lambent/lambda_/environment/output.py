"""What a guest writes to stdout and stderr becomes log events.

One pipe carries both. A line is an event; awslambdaric writes a record of several lines with `\\r` between them, which
turns back into newlines here (reference/runtimes.md 2). What a guest can do with it is bounded: a line that does not end
is cut at CloudWatch's event size, little is read at a time, and the time that it takes is charged to the guest's slice of
the loop (`core/slices.py`), so that a guest that floods its log waits at its pipe and no one else does.

Reading can be paused for several reasons, each a bit; it goes on when no reason is left.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Final

from lambent.core.slices import READ_S, Slice

READ_BYTES: Final = 8 * 1024  # as many empty lines take the loop 2 ms
FLOOD_READ_BYTES: Final = 1024  # of a guest that has used up much of its slice
EVENT_BYTES: Final = 256 * 1024  # the largest event that CloudWatch Logs keeps
PIPE_BYTES: Final = 1024 * 1024  # what a pipe can hold when its guest has made it as large as it may
LINE_S: Final = 0.000_004  # of the loop's time, for storing a line later

OnLines = Callable[[Sequence[str]], None]


class Output:
    """Reads the pipe `fd` (non-blocking; taken over) and tells its lines, each with its newline, as CloudWatch has them."""

    __slots__ = ("_ended", "_fd", "_loop", "_on_lines", "_paused", "_rest", "_slice")

    def __init__(self, fd: int, on_lines: OnLines, slice_: Slice) -> None:
        self._fd = fd
        self._on_lines: Final = on_lines
        self._slice: Final = slice_
        self._rest = bytearray()
        self._paused = 0  # the reasons for which nothing is read
        self._ended = False
        self._loop: Final = asyncio.get_running_loop()
        self._loop.add_reader(fd, self._read)
        slice_.join(self)

    def pause(self, reason: int) -> None:
        """Read nothing until this reason, and every other, is gone."""
        if not self._paused and not self._ended:
            self._loop.remove_reader(self._fd)
        self._paused |= reason

    def resume(self, reason: int) -> None:
        was, self._paused = self._paused, self._paused & ~reason
        if was and not self._paused and not self._ended:
            self._loop.add_reader(self._fd, self._read)

    def drain(self) -> None:
        """Read what the guest has written until now: it wrote before it answered, so its lines belong before END.

        While reading is paused nothing is read: the lines of a guest that floods its log come when it is their turn.
        """
        for _ in range(0, PIPE_BYTES, FLOOD_READ_BYTES):
            if self._paused or not self._read():
                return

    async def finish(self) -> None:
        """Read the last words of a guest that is dead, which are as much as its pipe holds, and end the last line."""
        for _ in range(0, PIPE_BYTES, FLOOD_READ_BYTES):
            if not self._read():
                break
            await asyncio.sleep(0)
        if self._rest:
            rest, self._rest = bytes(self._rest), bytearray()
            self._on_lines(events(rest))

    def close(self) -> None:
        if not self._ended:
            self._end()
        self._slice.leave(self)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _end(self) -> None:
        self._ended = True
        if not self._paused:
            self._loop.remove_reader(self._fd)

    def _read(self) -> bool:
        """Read once; whether there may be more."""
        if self._ended:
            return False
        since_s, size = self._slice.now(), FLOOD_READ_BYTES if self._slice.low else READ_BYTES
        try:
            data = os.read(self._fd, size)
        except BlockingIOError:
            return False
        if not data:
            self._end()
            return False
        last = data.rfind(b"\n")
        rest, count = self._rest, 0
        if last >= 0:
            rest += data[:last]
            lines = events(rest)
            count = len(lines)
            self._rest = rest = bytearray(data[last + 1 :])
            self._on_lines(lines)
        else:
            rest += data
        if len(rest) >= EVENT_BYTES:
            self._rest = bytearray()
            self._on_lines(events(rest))
        self._slice.charge(since_s, READ_S + count * LINE_S)
        return len(data) == size


def events(text: bytes | bytearray) -> list[str]:
    """The lines of a text without its last newline, each with its newline; those over `EVENT_BYTES` are cut."""
    if len(text) > EVENT_BYTES:
        return [event for line in text.split(b"\n") for event in cut(line)]
    lines = text.decode("utf-8", "replace").split("\n")
    if b"\r" in text:
        return [line.replace("\r", "\n") + "\n" for line in lines]
    return [line + "\n" for line in lines]


def cut(line: bytes | bytearray) -> list[str]:
    """The events of one line."""
    return [
        line[start : start + EVENT_BYTES].decode("utf-8", "replace").replace("\r", "\n") + "\n"
        for start in range(0, len(line) or 1, EVENT_BYTES)
    ]
