"""The side of a connection that faces the transport: what is read when, what is not taken yet, and until when to wait.

Reading is paused for several reasons, each a bit, and goes on when none is left. What it costs to deal with what is read is
charged to the slice of the guest whose connection it is (`core/slices.py`). Answers that the client does not take count
among those of its door (`core/unsent.py`).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Final, cast

from lambent.core.inboxes import Inbox
from lambent.core.slices import Slice
from lambent.core.unsent import Unsent

# Why nothing is read, beside lambent.core.slices.SPENT.
UNTAKEN: Final = 2  # the client does not take what it asked for: it may not ask for more
BEHIND: Final = 4  # a request waits for the end of the one before it

MAPPED: Final = "::ffff:"  # before an IPv4 address on a socket of both families: policies know it without


class Link(asyncio.BufferedProtocol, ABC):
    """A client's connection, as bytes. Subclasses say what becomes of them."""

    __slots__ = (
        "_inbox",
        "_loop",
        "_paused",
        "_peer",
        "_slice",
        "_unsent",
        "_unsent_seen",
        "closing",
        "deadline",
        "since",
        "transport",
    )

    def __init__(self, unsent: Unsent, slice_: Slice | None) -> None:
        self._unsent: Final = unsent  # of all connections of the door
        self._slice: Final = slice_  # of the guest that it belongs to, if it does
        self._inbox: Final = Inbox()
        self._paused = 0  # the reasons for which nothing is read
        self._unsent_seen: int | None = None  # bytes the client had not taken when its time was over
        self._peer = ""
        self._loop: Final = asyncio.get_running_loop()
        self.closing = False
        self.since = 0.0  # when the client's turn began, on the loop's clock
        self.deadline: float | None = None  # on the loop's clock; None while we are the ones who work
        self.transport: asyncio.Transport | None = None

    @abstractmethod
    def certain_bytes(self, *, low: bool) -> int:
        """How many of the bytes that come belong to one message for certain; `low`: its guest has little time left."""

    @abstractmethod
    def arrived(self, data: memoryview) -> None:
        """Some bytes have come; they are overwritten when this returns."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own class is not registered as one
        peer = cast("object", transport.get_extra_info("peername"))
        address = str(cast("tuple[object, ...]", peer)[0]) if isinstance(peer, tuple) else ""
        self._peer = address.removeprefix(MAPPED)
        if self._slice is not None:
            self._slice.join(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.closing = True
        self.transport = None
        self._unsent.release(self)
        if self._slice is not None:
            self._slice.leave(self)

    # --- reading -----------------------------------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the loop reads to."""
        del sizehint
        low = self._slice is not None and self._slice.low
        return self._inbox.buffer(self.certain_bytes(low=low), low=low)

    def buffer_updated(self, nbytes: int) -> None:
        if self._paused and self.transport is not None:
            self.transport.pause_reading()  # uvloop begins to read after `connection_made`, whatever was said there
        data, slice_ = self._inbox.read(nbytes), self._slice
        if slice_ is None:
            self.arrived(data)
        else:
            since_s = slice_.now()
            self.arrived(data)
            slice_.charge(since_s)

    def pause(self, reason: int) -> None:
        """Read nothing until this reason, and every other, is gone."""
        if not self._paused and self.transport is not None:
            self.transport.pause_reading()
        self._paused |= reason

    def resume(self, reason: int) -> None:
        was, self._paused = self._paused, self._paused & ~reason
        if was and not self._paused and self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    # --- writing -----------------------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """The client does not take what it asked for: it may not ask for more, and what is unsent counts."""
        self.pause(UNTAKEN)
        self._unsent.hold(self)

    def resume_writing(self) -> None:
        """It has taken it."""
        self._unsent_seen = None
        self._unsent.release(self)
        self.resume(UNTAKEN)

    @property
    def unsent_bytes(self) -> int:
        """What of our answers the client has not taken."""
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    # --- the end -----------------------------------------------------------------------------------------------------

    def wait(self, seconds: float | None) -> None:
        """Expect the client's next bytes within `seconds`; None: it is our turn."""
        if seconds is None:
            self.deadline = None
        else:
            self.since = self._loop.time()
            self.deadline = self.since + seconds

    def takes(self, seconds: float) -> bool:
        """Whether there is something that the client has yet to take: it has more time, if it has taken some of it."""
        unsent = self.unsent_bytes
        if not unsent:
            return False
        if self._unsent_seen is not None and unsent >= self._unsent_seen:
            self.cut()
        else:
            self._unsent_seen = unsent
            self.wait(seconds)
        return True

    def cut(self) -> None:
        """Hang up at once; nothing more is sent, and what was to be is dropped."""
        self.closing = True
        self.deadline = None
        if self.transport is not None:
            self.transport.abort()
