"""What a guest writes to stdout and stderr, on its way from its pipe to its log.

One pipe carries both. A line is an event; awslambdaric writes a record of several lines with `\\r` between them, which
turns back into newlines when it is stored (reference/runtimes.md 2). Here only whole lines are told from the one that is
not ended yet: a read is searched for its last newline and handed on as it is, so that a read full of newlines costs the
loop no more than any other. Lines are taken apart in the log writer's thread.

What a guest can do with it is bounded: a line that does not end is cut at CloudWatch's event size, little is read at a time,
and the time that it takes is charged to the guest's slice of the loop (`core/slices.py`). Who has used up his slice, or his
function's share of the log buffer, is not read from: he waits in his own `write`, in his own time, and no one else does.

Reading can be paused for several reasons, each a bit; it goes on when no reason is left.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
import termios
from collections.abc import Callable
from typing import Final, Protocol

from lambent.core.slices import READ_S, Slice

READ_BYTES: Final = 8 * 1024  # if they are all newlines, they cost the log's buffer half a megabyte
EVENT_BYTES: Final = 256 * 1024  # the largest event that CloudWatch Logs keeps
PIPE_BYTES: Final = 1024 * 1024  # what a pipe can hold when its guest has made it as large as it may
BYTE_S: Final = 0.000_000_004  # of the interpreter's time, for storing a byte later, which may be a line of its own
LOG_FULL: Final = 2  # the reason for which a full log pauses its output; SPENT is 1


class LineLog(Protocol):
    """Takes the lines; a journal."""

    def guest_lines(self, lines: bytes, /) -> None:
        """Take whole lines."""
        ...

    def full(self) -> bool:
        """Whether it should be given nothing more for now."""
        ...

    def when_room(self, resume: Callable[[], None], /) -> None:
        """Call `resume` once, from the loop, when it is no longer full."""
        ...


class Output:
    """Reads the pipe `fd` (non-blocking; taken over) into `log`."""

    __slots__ = ("_ended", "_fd", "_log", "_loop", "_paused", "_rest", "_resumed", "_slice")

    def __init__(self, fd: int, log: LineLog, slice_: Slice) -> None:
        self._fd = fd
        self._log: Final = log
        self._slice: Final = slice_
        self._rest = bytearray()  # a line that is not ended yet, less than EVENT_BYTES
        self._paused = 0  # the reasons for which nothing is read
        self._resumed: asyncio.Future[None] | None = None  # of `catch_up`, while it waits
        self._ended = False
        self._loop: Final = asyncio.get_running_loop()
        self._loop.add_reader(fd, self._readable)
        slice_.join(self)

    def pause(self, reason: int) -> None:
        """Read nothing until this reason, and every other, is gone."""
        if not self._paused and not self._ended:
            self._loop.remove_reader(self._fd)
        self._paused |= reason

    def resume(self, reason: int) -> None:
        was, self._paused = self._paused, self._paused & ~reason
        if was and not self._paused:
            if not self._ended:
                self._loop.add_reader(self._fd, self._readable)
            if self._resumed is not None and not self._resumed.done():
                self._resumed.set_result(None)

    def drain(self) -> None:
        """Read what the guest has written until now: it wrote before it answered, so its lines belong before END.

        While reading is paused nothing is read: the lines of a guest that floods its log come when it is their turn.
        """
        for _ in range(0, PIPE_BYTES, READ_BYTES):
            if self._readable() < READ_BYTES:
                return

    async def catch_up(self, deadline: float) -> None:
        """Read what the pipe holds now, even if that has to wait, until `deadline` (on the loop's clock) at the latest."""
        unread = self._unread_bytes()
        try:
            async with asyncio.timeout_at(deadline):
                while unread > 0 and not self._ended:
                    if self._paused:
                        self._resumed = self._loop.create_future()
                        await self._resumed
                    size = self._readable()
                    if not size and not self._paused:
                        return  # it was read while we waited
                    unread -= size
        except TimeoutError:
            return  # the lines that are missing come later; the caller's time is over
        finally:
            self._resumed = None

    async def finish(self) -> None:
        """Read the last words of a guest that is dead, which are as much as its pipe holds, and end the last line."""
        for _ in range(0, PIPE_BYTES, READ_BYTES):
            if self._read() < READ_BYTES:
                break
            await asyncio.sleep(0)
        if self._rest:
            self._log.guest_lines(bytes(self._rest) + b"\n")
            self._rest.clear()

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

    def _readable(self) -> int:
        """Read once if nothing is against it; how many bytes there were."""
        if self._paused:
            return 0
        if self._log.full():
            self.pause(LOG_FULL)
            self._log.when_room(self._roomy)
            return 0
        return self._read()

    def _roomy(self) -> None:
        self.resume(LOG_FULL)

    def _read(self) -> int:
        """Read once; how many bytes there were."""
        if self._ended:
            return 0
        since_s = self._slice.now()
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return 0
        if not data:
            self._end()
            return 0
        self._split(data)
        self._slice.charge(since_s, READ_S + len(data) * BYTE_S)
        return len(data)

    def _split(self, data: bytes) -> None:
        """Hand whole lines on, cut at EVENT_BYTES, and keep the rest."""
        rest = self._rest
        if rest:
            first = data.find(b"\n") + 1
            rest += data[:first] if first else data
            if len(rest) > EVENT_BYTES:
                self._log.guest_lines(bytes(rest[:EVENT_BYTES]) + b"\n")
                del rest[:EVENT_BYTES]
            if not first:
                return
            data = bytes(rest) + data[first:]
            rest.clear()
        end = data.rfind(b"\n") + 1
        if end:
            self._log.guest_lines(data[:end])
        if end < len(data):
            rest += data[end:]

    def _unread_bytes(self) -> int:
        """What the pipe holds."""
        if self._ended:
            return 0
        return int.from_bytes(fcntl.ioctl(self._fd, termios.FIONREAD, bytes(4)), sys.byteorder)
