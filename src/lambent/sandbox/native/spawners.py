"""The server's end of one spawner: starts it, sends it requests, hands out its answers, notices its death.

It has two channels: to the spawner, which is told numbers and given descriptors, never anything of a guest, because every
later guest is forked from it; and to its mounter, which is told paths. A spawner that dies fails what is asked of both; its
sandboxes die with it, and each notices by itself.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from lambent.sandbox.contract import SandboxError
from lambent.sandbox.native.requests import Requests

_SOURCE: Final = Path(__file__).parents[3]  # the directory that holds `lambent`
_PROGRAM: Final = (
    "import sys;sys.path.insert(0,sys.argv[1]);from lambent.sandbox.native.builder import main;sys.path.pop(0);main()"
)
_ENVIRONMENT: Final = {"LC_CTYPE": "C.UTF-8"}  # nothing of the server's
_END_S: Final = 2.0


class Spawner:
    """One running spawner."""

    def __init__(self, name: str) -> None:
        """Start it. Raises SandboxError."""
        self._name: Final = name
        self._loop: Final = asyncio.get_running_loop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        mounter, self._mounters_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._process: Final = subprocess.Popen(
                    [sys.executable, "-S", "-I", "-c", _PROGRAM, str(_SOURCE), str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    env=_ENVIRONMENT,
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError as error:
                for end in (ours, mounter, self._mounters_end):
                    end.close()
                raise SandboxError(f"the spawner of {name} does not start: {error}") from error
        if (
            os.getpriority(os.PRIO_PROCESS, 0) < 0
        ):  # a lower one was given by whoever runs us, who may be unable to raise it
            os.setpriority(os.PRIO_PROCESS, self._process.pid, 0)
        self.forks = 0  # sandboxes that were ever asked of it
        self.sandboxes = 0  # those that are not gone
        self.assigned = 0  # of these, those that do not wait
        self.old = False  # another has taken its place, and it makes no more
        self._last_id = 0
        self._ready: Final[asyncio.Future[None]] = self._loop.create_future()
        self._gone: Final[asyncio.Future[None]] = self._loop.create_future()
        self._pidfd: Final = os.pidfd_open(self._process.pid)
        self._requests: Final = Requests(f"the spawner of {name}", ours, self._hear, self._fail)
        self.mounter: Final = Requests(f"the mounter of {name}", mounter, lambda _: None, self._fail)
        self.ask: Final = self._requests.ask
        self._loop.add_reader(self._pidfd, self._reap)

    @property
    def alive(self) -> bool:
        return not self._gone.done() and self._requests.open

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    async def become(self, template: dict[str, Any], descriptors: Sequence[int]) -> None:
        """Have it build its root and import its preload. Raises SandboxError."""
        with self._mounters_end as mounters_end:
            await self._requests.send(template, [mounters_end.fileno(), *descriptors])
        await asyncio.shield(self._ready)

    def forget(self, sandbox: int) -> None:
        """Tell it that a sandbox is gone, or must be; if it cannot be told now it holds a descriptor for longer."""
        self._requests.tell({"id": 0, "do": "forget", "sandbox": sandbox})

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

    def _hear(self, message: dict[str, Any]) -> None:
        """Take what it says of itself, once: that it is ready, or why it is not."""
        if self._ready.done():
            return
        if "failed" in message:
            self._ready.set_exception(SandboxError(f"{self._name} cannot be prepared: {message['failed']}"))
        else:
            self._ready.set_result(None)

    def _fail(self, reason: str) -> None:
        """One of the two processes has died: neither is of use without the other."""
        self._requests.fail(reason)
        self.mounter.fail(reason)
        self._mounters_end.close()
        if not self._ready.done():
            self._ready.set_exception(SandboxError(reason))
            _ = self._ready.exception()  # whoever waits hears of it; nobody else need

    def _close(self) -> None:
        self._requests.close()
        self.mounter.close()

    def _reap(self) -> None:
        _ = self._loop.remove_reader(self._pidfd)
        _ = self._process.poll()
        os.close(self._pidfd)
        if not self._gone.done():
            self._gone.set_result(None)
        self._fail(f"the spawner of {self._name} has died")
