"""The `process` backend: a guardian process per sandbox, and the server's end of the socket to it.

    server -- control socket --> guardian (own session) -- fork, exec --> guest (own session)

Freezing is SIGSTOP to the guest's process group: it stops what stayed in the group. The listeners are on the machine's
own 127.0.0.1, at ports that the kernel chooses, so a value among the environment variables that names a listener's
address inside a sandbox ("127.0.0.1:9001") gets the real port. Nothing is mounted: `visible` is the source.
"""

import contextlib
import json
import os
import re
import signal
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import structlog
from msgspec import structs

from lambent.sandbox import memory
from lambent.sandbox.contract import (
    LISTENER_PORTS,
    Assignment,
    Exit,
    Limits,
    Mount,
    Sandbox,
    SandboxError,
    Template,
    Usage,
    Waiting,
)
from lambent.sandbox.process.guest import Guest

_ENTRANCE: Final = Path(__file__).with_name("entrance.py")
_BACKLOG: Final = 128
_ADDRESS: Final = re.compile(r"\b127\.0\.0\.1:(\d+)\b")

_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("lambent.sandbox.process")


@asynccontextmanager
async def process() -> AsyncGenerator["ProcessBackend"]:
    """A backend without isolation, which says so; leaving the block kills all its guests."""
    _log.warning(
        "guests are not isolated", backend="process", means="functions run as this user, on this machine's files"
    )
    backend = ProcessBackend()
    try:
        yield backend
    finally:
        await backend.end()


class ProcessBackend:
    @property
    def name(self) -> str:
        return "process"

    def __init__(self) -> None:
        self._guests: set[Guest] = set()

    def total_bytes(self) -> int:
        return memory.total_bytes()

    def used_bytes(self) -> int | None:
        return None

    def bound(self, bytes_: int) -> None:
        """Nothing bounds a process here."""

    def visible(self, mount: Mount) -> str:
        return str(mount.source)

    async def prepare(self, template: Template) -> "ProcessWaiting":
        guest = Guest(self._guests)
        if first := _first_program(template):
            try:
                await guest.run(
                    first, {}, "/", Limits(memory_mib=0).open_files, keep=True, framed_log=template.framed_log
                )
            except BaseException:
                guest.let_go()
                guest.close()
                raise
        return ProcessWaiting(template, guest, booted=bool(first))

    async def assign(self, waiting: Waiting, assignment: Assignment) -> Sandbox:
        if not isinstance(waiting, ProcessWaiting):
            raise TypeError(waiting)
        guest, booted = waiting.guest, waiting.booted
        if booted and assignment.fresh:
            await waiting.kill()
            guest, booted = Guest(self._guests), False
        listeners: dict[int, socket.socket] = {}
        try:
            listeners = _listeners()
            environment = _with_real_ports(assignment.environment, listeners)
            if booted:
                await guest.hand_over(assignment, environment)
            else:
                files = assignment.limits.open_files
                framed_log = waiting.template.framed_log
                await guest.run(assignment.argv, environment, assignment.cwd, files, framed_log=framed_log)
        except BaseException:
            guest.let_go()
            guest.close()
            for listener in listeners.values():
                listener.close()
            raise
        guest.channel.close()
        return ProcessSandbox(waiting.template, guest, listeners)

    async def start(self, template: Template, assignment: Assignment) -> Sandbox:
        return await self.assign(await self.prepare(template), assignment)

    async def restart(self, vacated: Sandbox, assignment: Assignment) -> Sandbox:
        if not isinstance(vacated, ProcessSandbox):
            raise TypeError(vacated)
        await vacated.kill()
        return await self.start(vacated.template, assignment)

    async def end(self) -> None:
        guests = list(self._guests)
        for guest in guests:
            guest.let_go()
        for guest in guests:
            await guest.gone.wait()


class ProcessWaiting:
    """A guardian that waits or, once `booted`, a guest that waits at the other end of its channel."""

    def __init__(self, template: Template, guest: "Guest", *, booted: bool) -> None:
        self.template, self.guest, self.booted = template, guest, booted

    @property
    def alive(self) -> bool:
        return not self.guest.ended.is_set() and not self.guest.gone.is_set()

    @property
    def stale(self) -> bool:
        """It shares nothing with others."""
        return False

    async def kill(self) -> None:
        await self.guest.kill()
        self.guest.close()


class ProcessSandbox:
    def __init__(self, template: Template, guest: "Guest", listeners: Mapping[int, socket.socket]) -> None:
        self.template = template
        self._guest, self._listeners = guest, listeners
        self.pid = guest.pid

    @property
    def listeners(self) -> Mapping[int, socket.socket]:
        return self._listeners

    @property
    def output(self) -> int:
        return self._guest.output

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def set_cpus(self, cpus: float) -> None:
        """Nothing limits a process here."""

    def weigh(self, weight: float) -> None:
        """All processes weigh the same here."""

    async def exited(self) -> Exit:
        await self._guest.ended.wait()
        return self._guest.exit

    @property
    def vacant(self) -> bool:
        return self._guest.ended.is_set()

    async def vacate(self) -> None:
        """The machine's /tmp is its own, and stays."""
        await self._guest.kill()

    async def kill(self) -> None:
        await self._guest.kill()

    def memory_peak_mib(self) -> int:
        return self._guest.usage.memory_peak_mib

    def usage(self) -> Usage:
        return self._guest.usage

    def _signal(self, number: signal.Signals) -> None:
        if not self._guest.ended.is_set():  # afterwards the number may be another's
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)


def _first_program(template: Template) -> tuple[str, ...]:
    """What is started when the sandbox is prepared; () where nothing can be before the assignment."""
    if server := template.fork_server:
        facts = structs.asdict(server)
        return (server.interpreter, "-S", str(_ENTRANCE), json.dumps(facts))
    program = template.boot[:1]
    return (*program, *template.arguments, *template.boot[1:]) if program else ()


def _listeners() -> dict[int, socket.socket]:
    """Listening sockets for the ports that a sandbox has, each at one that is free. Raises SandboxError."""
    made: dict[int, socket.socket] = {}
    try:
        for port in LISTENER_PORTS:
            made[port] = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
            made[port].setblocking(False)
    except OSError as error:
        for listener in made.values():
            listener.close()
        raise SandboxError(f"cannot listen on 127.0.0.1: {error}") from error
    return made


def _with_real_ports(environment: Mapping[str, str], listeners: Mapping[int, socket.socket]) -> dict[str, str]:
    def real(match: re.Match[str]) -> str:
        listener = listeners.get(int(match[1]))
        return f"127.0.0.1:{listener.getsockname()[1]}" if listener else match[0]

    return {name: _ADDRESS.sub(real, value) for name, value in environment.items()}
