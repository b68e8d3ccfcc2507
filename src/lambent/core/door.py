"""A listening port and its visitors: requests of a connection are answered one after the other, in their order.

A `Door` is what all connections of one port share: who answers, the limits, the budget for bodies, the sweep of overdue
deadlines. A `Visitor` is a connection (`core/http.py`) with a task that answers; while it works, what a client sends ahead
waits in a queue, and in the kernel once that is not empty. Leaving `serving` lets running requests end for a grace.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import BinaryIO, Final

import structlog

from lambent.core.http import NOTHING, Budget, Connection, Fault, HttpLimits, encode
from lambent.wire.messages import Request, Response

log: Final = structlog.get_logger()

SWEEP_S: Final = 0.5  # how late a deadline may be noticed
REFUSALS: Final = 32  # clients above the limit that are told so, and linger, at once; others are cut off without a word
FILE_CHUNK_BYTES: Final = 256 * 1024  # of a file in memory at once, for each connection that is being sent one

Handler = Callable[[Request], Awaitable[Response]]
BodyLimit = Callable[[Request], int]  # a request whose body has not arrived -> the bytes it may have
Refusal = Callable[[Fault, Request | None], Response]  # the request's head, if it was read


class Door:
    """Everything that the connections of one listening port share."""

    def __init__(
        self, handle: Handler, tasks: asyncio.TaskGroup, limits: HttpLimits, body_limit: BodyLimit, refusal: Refusal
    ) -> None:
        self.handle: Final = handle
        self.tasks: Final = tasks
        self.limits: Final = limits
        self.body_limit: Final = body_limit
        self.refusal: Final = refusal
        self.budget: Final = Budget(limits.buffered_bytes)
        self.stopping = False
        self.connections: Final[set[Visitor]] = set()
        self.answering: Final[set[asyncio.Task[None]]] = set()  # a request may outlive the connection it came by

    async def listen(self, listener: socket.socket) -> asyncio.Server:
        """Answer on one more listening socket; closing the returned server ends that, and closes the socket."""
        return await asyncio.get_running_loop().create_server(lambda: Visitor(self), sock=listener, backlog=1024)

    async def sweep(self) -> None:
        """Close what is overdue, for as long as the door stands."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_S)
            now = loop.time()
            for connection in [c for c in self.connections if c.deadline is not None and c.deadline < now]:
                try:
                    connection.overdue()
                except Exception:
                    log.exception("http.connection_failed")
                    connection.close()


class Visitor(Connection):
    """A connection to a `Door`: one task, begun with its first request, answers them all, in order."""

    __slots__ = ("_door", "_full", "_late", "_paused", "_queue", "_resting", "task")

    def __init__(self, door: Door) -> None:
        super().__init__(door.limits, door.budget)
        self._door: Final = door
        self._queue: Final[deque[tuple[Request, bool, int]]] = deque()  # with what its body takes of the budget
        self._paused = False  # nothing more is read until the queue is empty
        self._late: Fault | None = None  # what came behind a request that is still being answered, and is told after it
        self._resting: asyncio.Future[None] | None = None  # the task waits for a request
        self._full: asyncio.Future[None] | None = None  # it waits for the client to take its answers
        self.task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return self.task is not None and self._resting is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._door.connections.add(self)
        excess = len(self._door.connections) - self._door.limits.connections
        if excess > REFUSALS and self.transport is not None:
            self.transport.abort()
        elif excess > 0 or self._door.stopping:
            self.refuse(Fault.BUSY)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._door.connections.discard(self)
        for _, _, held in self._queue:
            self._budget.give(held)
        self._queue.clear()
        self._wake()
        self._emptied()

    def close(self) -> None:
        super().close()
        self._wake()

    def body_limit(self, head: Request) -> int:
        return self._door.body_limit(head)

    def refusal(self, fault: Fault, head: Request | None) -> Response:
        return self._door.refusal(fault, head)

    def received(self, request: Request, *, keep_alive: bool) -> None:
        self._queue.append((request, keep_alive, self._taken))
        self._taken = 0
        if self.task is None:
            self.task = self._door.tasks.create_task(self._serve())
            self._door.answering.add(self.task)
            self.task.add_done_callback(self._door.answering.discard)
        elif self._resting is not None:
            self._wake()
        elif self.transport is not None:
            self._paused = True
            self.transport.pause_reading()
            if self._full is not None:
                self.wait(self._limits.idle_timeout_s)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._full = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._paused:
            self._unsent = None
        else:
            super().resume_writing()
        self._emptied()

    def _emptied(self) -> None:
        full, self._full = self._full, None
        if full is not None and not full.done():  # cancelled, when the door closes
            full.set_result(None)

    def refuse(self, fault: Fault) -> None:
        if self.busy:
            self._faulted = True
            self._late = fault
        else:
            super().refuse(fault)

    def _wake(self) -> None:
        resting, self._resting = self._resting, None
        if resting is not None:
            resting.set_result(None)

    async def _serve(self) -> None:
        """Answer request after request. A bug, in the door's handler or here, ends this connection; the others go on."""
        try:
            await self._answer_all()
        except Exception:  # else the door's task group, and with it Lambent, would end
            log.exception("http.connection_failed")
            self.close()

    async def _answer_all(self) -> None:
        while not self.closing:
            if self._full is not None:
                await self._full
                continue
            if not self._queue and self._door.stopping:
                self.close()  # its answer was on its way before, and promised to keep the connection
                continue
            if not self._queue:
                await self._rest()
                continue
            request, keep_alive, held = self._queue.popleft()
            if self._paused and not self._queue and self.transport is not None:
                self._paused = False
                self.transport.resume_reading()
            if self._phase == NOTHING:
                self.deadline = None  # the one for the next request, from the answer to the last
            try:
                response = await self._door.handle(request)
                keep_alive, bodiless = keep_alive and not self._door.stopping, request.method == "HEAD"
                if response.file is None:
                    self.send(response, keep_alive=keep_alive, bodiless=bodiless)
                else:
                    with response.file as file:
                        await self._send_file(response, file, keep_alive=keep_alive, bodiless=bodiless)
            except Exception:
                log.exception("http.answer_failed", method=request.method, path=request.path)
                self.send(Response(status=500, headers=[], body=b""), keep_alive=False)
            finally:
                self._budget.give(held)
                del request  # and with it a body of some 70 MB, while the connection rests

    async def _send_file(self, response: Response, file: BinaryIO, *, keep_alive: bool, bodiless: bool) -> None:
        """Answer with a file, a piece whenever the client has taken the one before.

        Once its head is sent a file that cannot be read to the length it had leaves no other way than to hang up.
        """
        size = left = os.fstat(file.fileno()).st_size - file.tell()
        self._write(encode(response, keep_alive=keep_alive, bodiless=True, file_bytes=size))
        while left and not bodiless and not self.closing:
            chunk = await asyncio.to_thread(_read, file, min(left, FILE_CHUNK_BYTES))
            if not chunk:
                log.error("http.file_cut_off", missing_bytes=left)
                break
            left -= len(chunk)
            self._write(chunk)
            if self._full is not None:
                await self._full
        if left and not bodiless and self.transport is not None:
            self.transport.abort()
        elif not keep_alive:
            self.close()

    def _write(self, data: bytes) -> None:
        if self.transport is not None and not self.closing:
            self.transport.write(data)
            self.wait(self._limits.idle_timeout_s)

    async def _rest(self) -> None:
        """Wait for the next request, or for the end."""
        resting = self._resting = self._loop.create_future()
        if self._late is not None:
            late, self._late = self._late, None
            super().refuse(late)
        await resting


def _read(file: BinaryIO, size: int) -> bytes:
    """The next bytes of a file; none when it cannot be read."""
    try:
        return file.read(size)
    except OSError:
        log.exception("http.file_unreadable")
        return b""


@asynccontextmanager
async def serving(
    handle: Handler,
    *,
    sockets: list[socket.socket],
    limits: HttpLimits,
    body_limit: BodyLimit,
    refusal: Refusal,
    grace_s: float = 1.0,
) -> AsyncGenerator[Door]:
    """A door that answers on `sockets`; leaving lets running requests end for `grace_s`, then cancels them.

    The door takes the sockets over, and closes them; `Door.listen` adds more while it stands.
    """
    async with asyncio.TaskGroup() as background, asyncio.TaskGroup() as requests:
        door = Door(handle, requests, limits, body_limit, refusal)
        sweeper = background.create_task(door.sweep())
        servers = [await door.listen(listener) for listener in sockets]
        try:
            yield door
        finally:
            door.stopping = True
            for server in servers:
                server.close()
            await _settled(door, grace_s)
            sweeper.cancel()


async def _settled(door: Door, grace_s: float) -> None:
    """Close every connection: idle ones at once, the others when they have answered or `grace_s` is over.

    What is answered to a client who has gone has the same grace, and no more.
    """
    for connection in list(door.connections):
        if not connection.busy:
            connection.close()
    if door.answering:
        _, late = await asyncio.wait(door.answering, timeout=grace_s)
        for task in late:
            task.cancel()
    for connection in list(door.connections):
        connection.close()
