"""A listening socket of a guest: connections are accepted one at a time, at the guest's cost, and only so many at once.

The event loop's own servers accept as long as somebody connects. Here each connection is charged to the guest's slice
(`core/slices.py`); while that is overdrawn, or as many are open as may be, nothing is accepted, and whoever connects waits in
the kernel.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

import structlog

from lambent.core.slices import DEBT_S, Slice

log: Final = structlog.get_logger()

CONNECTION_S: Final = 0.000_3  # of the loop's time, for making a connection and for its end
FULL: Final = 2  # the reason for which it pauses itself: as many connections are open as may be


class Listener:
    """Accepts connections on a non-blocking socket, which it takes over, until `close`."""

    __slots__ = ("_connection", "_listener", "_loop", "_most", "_open", "_paused", "_slice", "_tasks")

    def __init__(
        self,
        listener: socket.socket,
        connection: Callable[[], asyncio.BaseProtocol],
        tasks: asyncio.TaskGroup,
        slice_: Slice,
        most: int,
    ) -> None:
        self._listener: Final = listener
        self._connection: Final = connection
        self._tasks: Final = tasks
        self._slice: Final = slice_
        self._most: Final = most  # connections at once
        self._open = 0
        self._paused = 0  # the reasons for which nothing is accepted
        self._loop: Final = asyncio.get_running_loop()
        listener.setblocking(False)
        self._loop.add_reader(listener.fileno(), self._accept)
        slice_.join(self)

    def pause(self, reason: int) -> None:
        if not self._paused and self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener.fileno())
        self._paused |= reason

    def resume(self, reason: int) -> None:
        was, self._paused = self._paused, self._paused & ~reason
        if was and not self._paused and self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener.fileno(), self._accept)

    def left(self) -> None:
        """One of its connections has closed."""
        self._open -= 1
        self.resume(FULL)

    def close(self) -> None:
        self._slice.leave(self)
        if self._listener.fileno() >= 0:
            if not self._paused:
                self._loop.remove_reader(self._listener.fileno())
            self._listener.close()

    def _accept(self) -> None:
        since_s = self._slice.now()
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError:  # the server has no descriptor left: this guest is the one that waits
            log.exception("guest.connection_not_accepted")
            self._slice.charge(since_s, DEBT_S)
            return
        client.setblocking(False)
        self._open += 1
        if self._open >= self._most:
            self.pause(FULL)
        connecting = self._connect(client)
        try:
            self._tasks.create_task(connecting)
        except RuntimeError:  # the group ends, with all that it serves
            connecting.close()
            client.close()
            self.left()
        self._slice.charge(since_s, CONNECTION_S)

    async def _connect(self, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._connection, client)
        except OSError:  # it has gone already
            client.close()
            self.left()
