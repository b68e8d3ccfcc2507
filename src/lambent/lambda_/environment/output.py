"""What a guest writes to stdout and stderr, on its way from its pipe to its log.

One pipe carries both. A line is an event; awslambdaric writes a record of several lines with `\\r` between them, which
turns back into newlines when it is stored (reference/runtimes.md 2). Here only whole lines are told from the one that is
not ended yet: a read is searched for its last newline and handed on as it is, so that a read full of newlines costs the
loop no more than any other. Lines are taken apart in the log writer's thread.

What a guest can do with it is bounded: a line that does not end is cut at CloudWatch's event size. When the function's share
of the log buffer is used up, the pipe is not read: the guest waits in its own `write`, in its own time, and nobody else does.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final, Protocol

READ_BYTES: Final = 16 * 1024  # if they are all newlines, they cost the log's buffer 1 MB
EVENT_BYTES: Final = 256 * 1024  # the largest event that CloudWatch Logs keeps
DRAIN_READS: Final = 64  # at the end of an invocation: what a pipe can hold, 1 MB if the guest has enlarged it


class LineLog(Protocol):
    """Takes the lines; a journal."""

    def output(self, lines: bytes, /) -> None:
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

    __slots__ = ("_fd", "_log", "_loop", "_rest", "_resumed", "_waiting")

    def __init__(self, fd: int, log: LineLog) -> None:
        self._fd = fd
        self._log: Final = log
        self._rest = bytearray()  # a line that is not ended yet, less than EVENT_BYTES
        self._waiting = False  # for room in the log; the pipe is not read meanwhile
        self._resumed: asyncio.Future[None] | None = None  # of `catch_up`, while it waits
        self._loop: Final = asyncio.get_running_loop()
        self._loop.add_reader(fd, self._read)

    def drain(self, *, last: bool = False) -> None:
        """Read what the guest has written until now: it wrote before it answered, so its lines belong before END.

        What the log has no room for stays in the pipe and is read later, unless nothing comes later (`last`).
        """
        for _ in range(DRAIN_READS):
            if not self._read(wait=not last):
                return

    async def catch_up(self, deadline: float) -> None:
        """Drain even if that has to wait for room in the log, until `deadline` (on the loop's clock) at most."""
        self.drain()
        try:
            async with asyncio.timeout_at(deadline):
                while self._waiting:
                    self._resumed = self._loop.create_future()
                    await self._resumed
                    self.drain()
        except TimeoutError:
            return  # the lines that are missing come later; the caller's time is over
        finally:
            self._resumed = None

    def flush(self) -> None:
        """Hand on an unfinished line too: the runtime has gone and nothing will end it."""
        if self._rest:
            self._log.output(bytes(self._rest) + b"\n")
            self._rest.clear()

    def close(self) -> None:
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _read(self, *, wait: bool = True) -> bool:
        """Read once, if the log has room or we do not `wait` for it; whether there may be more."""
        if self._fd < 0 or (wait and self._wait()):
            return False
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(self._fd)
            return False
        self._split(data)
        return len(data) == READ_BYTES

    def _wait(self) -> bool:
        """Whether we wait for room in the log; begin to, if it is full."""
        if not self._waiting and self._log.full():
            self._waiting = True
            self._loop.remove_reader(self._fd)
            self._log.when_room(self._resume)
        return self._waiting

    def _split(self, data: bytes) -> None:
        """Hand whole lines on, cut at EVENT_BYTES, and keep the rest."""
        end = data.rfind(b"\n") + 1
        rest = self._rest
        if rest:
            first = data.find(b"\n") + 1
            rest += data[:first] if first else data
            if len(rest) > EVENT_BYTES:
                self._log.output(bytes(rest[:EVENT_BYTES]) + b"\n")
                del rest[:EVENT_BYTES]
            if not first:
                return
            data, end = bytes(rest) + data[first:], end + len(rest) - first
            rest.clear()
        if end:
            self._log.output(data[:end] if end < len(data) else data)
        if end < len(data):
            rest += data[end:]

    def _resume(self) -> None:
        self._waiting = False
        if self._fd >= 0:
            self._loop.add_reader(self._fd, self._read)
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)
