"""The server's end of one spawner: starts it, sends it requests, hands out its answers, notices its death.

Requests go out in order and are answered in order of their ids; nothing here blocks and nothing needs a thread. A spawner
that dies fails what is asked of it; its sandboxes die with it, and each notices by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from lambent.sandbox.contract import SandboxError
from lambent.sandbox.native import channel

_SOURCE: Final = Path(__file__).parents[3]  # the directory that holds `lambent`
_PROGRAM: Final = (
    "import sys;sys.path.insert(0,sys.argv[1]);from lambent.sandbox.native.spawner import main;sys.path.pop(0);main()"
)
_ENVIRONMENT: Final = {  # nothing of the server's
    "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",  # awslambdaric reads it when it is imported
    "LC_CTYPE": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",  # a fork does not copy threads
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}
_END_S: Final = 2.0
_SEND_BUFFER_BYTES: Final = 1 << 20

Answer = tuple[dict[str, Any], list[int]]


class Spawner:
    """One running spawner. Made by `started`."""

    def __init__(self, name: str, interpreter: str) -> None:
        self._name: Final = name
        self._loop: Final = asyncio.get_running_loop()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._process: Final = subprocess.Popen(
                    [interpreter, "-S", "-I", "-c", _PROGRAM, str(_SOURCE), str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    env=_ENVIRONMENT,
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError as error:
                self._control.close()
                raise SandboxError(f"the interpreter of {name} does not start: {error}") from error
        os.setpriority(os.PRIO_PROCESS, self._process.pid, 0)  # the server's may be higher
        self._control.setblocking(False)
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        self._answers: Final[dict[int, asyncio.Future[Answer]]] = {}
        self._sending: Final = asyncio.Lock()
        self._room: asyncio.Future[None] | None = None  # who sends waits for it while the channel is full
        self._last_id = 0
        self._ready: Final[asyncio.Future[None]] = self._loop.create_future()
        self._gone: Final[asyncio.Future[None]] = self._loop.create_future()
        self._pidfd: Final = os.pidfd_open(self._process.pid)
        self._loop.add_reader(self._control.fileno(), self._read)
        self._loop.add_reader(self._pidfd, self._reap)

    @property
    def alive(self) -> bool:
        return not self._gone.done() and self._control.fileno() >= 0

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    async def become(self, template: dict[str, Any], descriptors: Sequence[int]) -> None:
        """Have it build its root and import its preload. Raises SandboxError."""
        await self._send(template, descriptors)
        await asyncio.shield(self._ready)

    async def ask(self, request: dict[str, Any], descriptors: Sequence[int] = ()) -> asyncio.Future[Answer]:
        """Send a request that has an id; return its answer to come, whose descriptors are the caller's."""
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._answers[request["id"]] = answer
        try:
            await self._send(request, descriptors)
        except BaseException:
            _ = self._answers.pop(request["id"], None)
            raise
        return answer

    def forget(self, sandbox: int) -> None:
        """Tell it that a sandbox is gone; if it cannot be told now it holds two descriptors for longer."""
        if self.alive:
            with contextlib.suppress(OSError):
                channel.send(self._control, {"id": 0, "do": "forget", "sandbox": sandbox})

    async def end(self) -> None:
        """Close the channel, at which it kills what is left and ends; kill it if it does not."""
        self._close()
        try:
            async with asyncio.timeout(_END_S):
                await asyncio.shield(self._gone)
        except TimeoutError:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            await asyncio.shield(self._gone)

    async def kill(self) -> None:
        """End it alone, before it sees its channel close and removes everyone's groups; its sandboxes die with it."""
        if not self._gone.done():
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        await asyncio.shield(self._gone)

    async def _send(self, message: dict[str, Any], descriptors: Sequence[int]) -> None:
        data = channel.encode(message)
        if len(data) > channel.MESSAGE_BYTES:
            raise SandboxError(f"an assignment of {len(data)} bytes is larger than {channel.MESSAGE_BYTES}")
        async with self._sending:
            while True:
                if not self.alive:
                    raise SandboxError(f"the spawner of {self._name} is gone")
                try:
                    _ = socket.send_fds(self._control, [data], list(descriptors))
                except BlockingIOError:
                    await self._writable()
                except OSError as error:
                    raise SandboxError(f"the spawner of {self._name} is gone: {error}") from error
                else:
                    return

    async def _writable(self) -> None:
        room = self._room = self._loop.create_future()
        self._loop.add_writer(self._control.fileno(), self._make_room)
        await room

    def _make_room(self) -> None:
        _ = self._loop.remove_writer(self._control.fileno())
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def _read(self) -> None:
        try:
            while True:
                received = channel.receive(self._control)
                if received is None:
                    self._fail(f"the spawner of {self._name} has died")
                    return
                self._take(*received)
        except BlockingIOError:
            return
        except (OSError, channel.Malformed) as error:
            self._fail(f"the spawner of {self._name} cannot be understood: {error}")

    def _take(self, message: dict[str, Any], descriptors: list[int]) -> None:
        if "id" not in message:
            if self._ready.done():
                return
            if "failed" in message:
                self._ready.set_exception(SandboxError(f"{self._name} cannot be prepared: {message['failed']}"))
            else:
                self._ready.set_result(None)
            return
        answer = self._answers.pop(message["id"], None)
        if answer is not None and not answer.done():
            answer.set_result((message, descriptors))
        else:
            for descriptor in descriptors:
                os.close(descriptor)

    def _fail(self, reason: str) -> None:
        self._close()
        for future in (self._ready, *self._answers.values()):
            if not future.done():
                future.set_exception(SandboxError(reason))
                _ = future.exception()  # whoever waits hears of it; nobody else need
        self._answers.clear()

    def _close(self) -> None:
        if self._control.fileno() >= 0:
            _ = self._loop.remove_reader(self._control.fileno())
            self._make_room()
            self._control.close()

    def _reap(self) -> None:
        _ = self._loop.remove_reader(self._pidfd)
        _ = self._process.poll()
        os.close(self._pidfd)
        if not self._gone.done():
            self._gone.set_result(None)
        self._fail(f"the spawner of {self._name} has died")
