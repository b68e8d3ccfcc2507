"""A listening port and its visitors: requests of a connection are answered one after the other, in their order.

A `Door` is what all connections of one port share: who answers, the limits, the budget for bodies, the sweep of overdue
deadlines. A `Visitor` is a connection (`core/http.py`) with a task that answers; while it works, what a client sends ahead
waits in a queue, and in the kernel once that is not empty. Leaving `serving` lets running requests end for a grace.
"""

from __future__ import annotations

import asyncio
import heapq
import os
import socket
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import BinaryIO, Final

import structlog

from lambent.core.budgets import Admission, Budget, Budgets, Payer, Share
from lambent.core.http import NOTHING, UNQUESTIONED_BYTES, Connection, Fault, HttpLimits, encode
from lambent.wire.messages import Request, Response

log: Final = structlog.get_logger()

DROPPED_PART: Final = 64  # a part of all connections is hung up on when there are too many
SWEEP_S: Final = 0.5  # how late a deadline may be noticed
REFUSALS: Final = 32  # clients above the limit that are told so, and linger, at once; others are cut off without a word
REFUSED: Final = 400  # the least status of an answer that refuses
FILE_CHUNK_BYTES: Final = 256 * 1024  # of a file in memory at once, for each connection that is being sent one

Handler = Callable[[Request], Awaitable[Response]]
Admit = Callable[[Request], Payer | Response]  # a request whose body has not arrived -> who pays for it, or its refusal
Refusal = Callable[[Fault, Request | None], Response]  # the request's head, if it was read


class Door:
    """Everything that the connections of one listening port share."""

    def __init__(
        self, handle: Handler, tasks: asyncio.TaskGroup, limits: HttpLimits, admit: Admit, refusal: Refusal
    ) -> None:
        self.handle: Final = handle
        self.tasks: Final = tasks
        self.limits: Final = limits
        self.admit: Final = admit
        self.refusal: Final = refusal
        self.budgets: Final = Budgets(limits.buffered_bytes, limits.connections * UNQUESTIONED_BYTES)
        self.stopping = False
        self.connections: Final[set[Visitor]] = set()
        self.answering: Final[set[asyncio.Task[None]]] = set()  # a request may outlive the connection it came by

    async def listen(
        self, listener: socket.socket, handle: Handler | None = None, admit: Admit | None = None
    ) -> asyncio.Server:
        """Answer on one more listening socket, whose visitors may have a handler of their own.

        Closing the returned server ends that, and closes the socket.
        """
        own_handle, own_admit = handle or self.handle, admit or self.admit
        return await asyncio.get_running_loop().create_server(
            lambda: Visitor(self, own_handle, own_admit), sock=listener, backlog=1024
        )

    def make_room(self, newcomer: Visitor) -> bool:
        """Hang up on some who bring nothing, so that `newcomer` can stay; False: all are at work.

        First go those who were never answered well, then those who rest; of each kind whoever does so longest. Some go at
        once, so that those who come next find room without everybody being looked at again.
        """
        spare = (c for c in self.connections if c is not newcomer and c.is_spare)
        count = 1 + self.limits.connections // DROPPED_PART
        dropped = heapq.nsmallest(count, spare, key=lambda c: (c.served, c.since))
        for connection in dropped:
            self.connections.discard(connection)
            connection.drop()
        if not dropped and len(self.connections) > self.limits.connections + count:
            newcomer.drop()  # it is not even refused, which would take a moment
        return bool(dropped)

    async def sweep(self) -> None:
        """Close what is overdue, for as long as the door stands."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_S)
            self.budgets.tick()
            now = loop.time()
            for connection in [c for c in self.connections if c.deadline is not None and c.deadline < now]:
                try:
                    connection.overdue()
                except Exception:
                    log.exception("http.connection_failed")
                    connection.close()


class Visitor(Connection):
    """A connection to a `Door`: one task, begun with its first request, answers them all, in order."""

    __slots__ = (
        "_admit",
        "_door",
        "_full",
        "_handle",
        "_late",
        "_paused",
        "_queue",
        "_resting",
        "_share",
        "earlier_bytes",
        "recent_bytes",
        "served",
        "task",
    )

    def __init__(self, door: Door, handle: Handler, admit: Admit) -> None:
        super().__init__(door.limits, door.budgets.small)
        self._door: Final = door
        self._handle: Final = handle
        self._admit: Final = admit
        self._queue: Final[deque[tuple[Request, bool, int, Budget]]] = deque()  # with what its body takes of a budget
        self._paused = False  # nothing more is read until the queue is empty
        self._share: Share | None = None  # of whoever pays for the body that is arriving; None: it is small
        self.recent_bytes = self.earlier_bytes = 0  # of that body: core/budgets.py
        self._late: Fault | Response | None = (
            None  # what came behind a request that is still being answered, and is told after it
        )
        self._resting: asyncio.Future[None] | None = None  # the task waits for a request
        self._full: asyncio.Future[None] | None = None  # it waits for the client to take its answers
        self.served = False  # whether a request was answered, and not refused
        self.task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return self.task is not None and self._resting is None

    @property
    def is_spare(self) -> bool:
        """Whether nothing is lost with it: no request is being answered, and no body that somebody pays for arrives."""
        return not self.busy and self._share is None

    def drop(self) -> None:
        """Hang up, and leave nothing that was to be sent."""
        if self.transport is not None and self.transport.get_write_buffer_size():
            self.transport.abort()
        self.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        door = self._door
        door.connections.add(self)
        excess = len(door.connections) - door.limits.connections
        if door.stopping:
            self.refuse(Fault.BUSY)
        elif excess > 0 and not door.make_room(self):
            if excess > REFUSALS and self.transport is not None:
                self.transport.abort()
            else:
                self.refuse(Fault.BUSY)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._leave_share()
        self._door.connections.discard(self)
        for _, _, held, budget in self._queue:
            budget.give(held)
        self._queue.clear()
        self._wake()
        self._emptied()

    def close(self) -> None:
        super().close()
        self._wake()

    def admit(self, head: Request) -> Admission | Response:
        payer = self._admit(head)
        if isinstance(payer, Response):
            return payer
        share = self._share = self._door.budgets.of(payer.name)
        share.join(self)
        return Admission(payer.body_max_bytes, share)

    def take(self, size: int) -> bool:
        return super().take(size) if self._share is None else self._share.take_for(self, size)

    def give_way(self) -> None:
        self.refuse(Fault.BUSY)

    def forget_body(self) -> None:
        super().forget_body()
        self._leave_share()

    def _leave_share(self) -> None:
        share, self._share = self._share, None
        if share is not None:
            share.leave(self)

    def refusal(self, fault: Fault, head: Request | None) -> Response:
        return self._door.refusal(fault, head)

    def received(self, request: Request, *, keep_alive: bool) -> None:
        self._queue.append((request, keep_alive, self._taken, self._budget))
        self._taken = 0
        if self._share is not None:
            self._leave_share()
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
            self.forget_body()
            self._late = fault
        else:
            super().refuse(fault)

    def turn_away(self, answer: Response) -> None:
        if self.busy:
            self.forget_body()
            self._late = answer
        else:
            super().turn_away(answer)

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
            request, keep_alive, held, budget = self._queue.popleft()
            if self._paused and not self._queue and self.transport is not None:
                self._paused = False
                self.transport.resume_reading()
            if self._phase == NOTHING:
                self.deadline = None  # the one for the next request, from the answer to the last
            response = None
            try:
                response = await self._handle(request)
                self.served = self.served or response.status < REFUSED
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
                budget.give(held)
                request = response = None  # while the connection rests, neither body is held: of 70 MB, and of 6

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
            if isinstance(late, Fault):
                self.refuse(late)
            else:
                self.turn_away(late)
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
    admit: Admit,
    refusal: Refusal,
    grace_s: float = 1.0,
) -> AsyncGenerator[Door]:
    """A door that answers on `sockets`; leaving lets running requests end for `grace_s`, then cancels them.

    The door takes the sockets over, and closes them; `Door.listen` adds more while it stands.
    """
    async with asyncio.TaskGroup() as background, asyncio.TaskGroup() as requests:
        door = Door(handle, requests, limits, admit, refusal)
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
