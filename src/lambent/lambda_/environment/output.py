"""What a guest writes to stdout and stderr, and as records of its log, on its way from its pipe to its log.

One pipe carries all of it; what it means is the `Splitter`'s matter. Of lines only the whole ones are told from the one that
is not ended yet, and a read is handed on as it is: full of newlines, it costs the loop no more than any other. Lines are
taken apart in the log writer's thread. Records are taken apart here, since each says where the next one begins.

What a guest can do with it is bounded: an event that does not end is cut at CloudWatch's event size, little is read at a
time, and the time that it takes is charged to the guest's slice of the loop (`core/slices.py`). Who has used up his slice, or
his function's share of the log buffer, is not read from: he waits in his own `write`, in his own time, and no one else does.

Reading can be paused for several reasons, each a bit; it goes on when no reason is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sys
import termios
from collections.abc import Callable
from typing import Final, Protocol

from lambent.core.slices import READ_S, Slice
from lambent.lambda_.environment.splitter import EventLog, Splitter

READ_BYTES: Final = 8 * 1024  # lines of a letter cost the log's buffer a quarter of a megabyte
FLOOD_READ_BYTES: Final = 1024  # of a guest that has used up much of its slice
PIPE_BYTES: Final = 1024 * 1024  # what a pipe can hold when its guest has made it as large as it may
BYTE_S: Final = 0.000_000_004  # of the interpreter's time, for storing a byte later, which may be a line of its own
LOG_FULL: Final = 2  # the reason for which a full log pauses its output; SPENT is 1


class GuestLog(EventLog, Protocol):
    """Takes the events, and says when it can take no more; a journal."""

    def full(self) -> bool:
        """Whether it should be given nothing more for now."""
        ...

    def when_room(self, resume: Callable[[], None], /) -> None:
        """Call `resume` once, from the loop, when it is no longer full."""
        ...


class Output:
    """Reads the pipe `fd` (non-blocking; taken over) into `log`; `framed`: the runtime writes frames to it."""

    __slots__ = (
        "_emptied",
        "_ended",
        "_fd",
        "_log",
        "_loop",
        "_paused",
        "_slice",
        "_splitter",
        "_then",
        "_unread_bytes",
    )

    def __init__(self, fd: int, log: GuestLog, slice_: Slice, *, framed: bool = False) -> None:
        self._fd = fd
        self._log: Final = log
        self._slice: Final = slice_
        self._splitter: Final = Splitter(log, framed=framed)
        self._emptied = False  # by the last read
        self._paused = 0  # the reasons for which nothing is read
        self._then: Callable[[], None] | None = None  # is called when so much more has been read:
        self._unread_bytes = 0
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
        if was and not self._paused and not self._ended:
            self._loop.add_reader(self._fd, self._readable)

    def drain(self) -> bool:
        """Read what the guest has written until now: it wrote before it answered, so it belongs before END.

        While reading is paused nothing is read, and then some of it may be missing (False): what a guest says that floods
        its log comes when it is its turn.
        """
        for _ in range(0, PIPE_BYTES, FLOOD_READ_BYTES):
            if not self._readable() or self._emptied:
                break
        if self._paused:
            self._emptied = not self._pipe_bytes()
            return self._emptied
        return True

    def call_when_read(self, then: Callable[[], None]) -> None:
        """Call `then` once when what the pipe holds now has been read, from here on. Who asks later takes the place."""
        self._unread_bytes = self._pipe_bytes()
        if self._unread_bytes:
            self._then = then
        else:
            self._then = None
            then()

    async def catch_up(self, deadline: float) -> None:
        """Read what the pipe holds now, even if that has to wait, until `deadline` (on the loop's clock) at the latest."""
        if self.drain():
            return
        read = asyncio.Event()
        self.call_when_read(read.set)
        with contextlib.suppress(TimeoutError):  # the lines that are missing come later; the caller's time is over
            async with asyncio.timeout_at(deadline):
                _ = await read.wait()

    def end_event(self) -> None:
        """End what has no end yet, since its runtime has answered, unless more of it lies in the pipe."""
        if self._emptied:
            self._splitter.end()

    async def finish(self) -> None:
        """Read the last words of a guest that is dead, which are as much as its pipe holds, and end the last event."""
        for _ in range(0, PIPE_BYTES, FLOOD_READ_BYTES):
            if self._read() < FLOOD_READ_BYTES:
                break
            await asyncio.sleep(0)
        self._splitter.end()

    def close(self) -> None:
        if not self._ended:
            self._end()
        self._slice.leave(self)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._call_back()

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
        since_s, size = self._slice.now(), FLOOD_READ_BYTES if self._slice.low else READ_BYTES
        try:
            data = os.read(self._fd, size)
        except BlockingIOError:
            data = b""
        else:
            if not data:
                self._end()
        self._emptied = len(data) < size
        if data:
            self._splitter.feed(data)
            self._slice.charge(since_s, READ_S + len(data) * BYTE_S)
        if self._then is not None:
            self._unread_bytes -= len(data)
            if self._unread_bytes <= 0 or self._emptied:
                self._emptied = self._emptied or not self._pipe_bytes()
                self._call_back()
        return len(data)

    def _call_back(self) -> None:
        then, self._then = self._then, None
        if then is not None:
            then()

    def _pipe_bytes(self) -> int:
        """What the pipe holds."""
        if self._ended:
            return 0
        return int.from_bytes(fcntl.ioctl(self._fd, termios.FIONREAD, bytes(4)), sys.byteorder)
