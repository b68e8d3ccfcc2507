"""Backends to test, and puppets in their sandboxes: a test tells a guest what to do and sees what comes of it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import textwrap
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from lambent.sandbox.contract import (
    RUNTIME_API_PORT,
    Assignment,
    Backend,
    ForkServer,
    Limits,
    Mount,
    Sandbox,
    Template,
)

GUARD_S: Final = 30.0  # only against hanging
WAYS: Final = ("exec", "fork", "boot", "fresh")
PUPPET: Final = Path(__file__).with_name("puppet.py")


class Refused(Exception):
    """What the guest was told to do raised there."""

    def __init__(self, kind: str, text: str, number: int | None) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind, self.errno = kind, number


class Puppet:
    """A sandbox whose guest obeys."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.written = bytearray()
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def connected(self) -> Puppet:
        async with asyncio.timeout(GUARD_S):
            loop = asyncio.get_running_loop()
            strings, _ = await loop.sock_accept(self.sandbox.listeners[RUNTIME_API_PORT])
            self._reader, self._writer = await asyncio.open_connection(sock=strings, limit=1 << 26)
        return self

    async def does(self, source: str) -> Any:
        """Have the guest run the body of a function; return its value. Raises Refused with what it raised."""
        self.tell(source)
        return await self.answer()

    def tell(self, source: str) -> None:
        assert self._writer
        self._writer.write(json.dumps({"source": textwrap.dedent(source)}).encode() + b"\n")

    async def answer(self) -> Any:
        async with asyncio.timeout(GUARD_S):
            line = await self._reader.readline()
        if not line:
            raise EOFError(f"the guest has gone: {self.output()!r}")
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"], answer["text"], answer["errno"])
        return answer["value"]

    async def silent_for(self, seconds: float) -> bool:
        """Ask something; tell whether nothing is heard for so long. The answer is still to be read then."""
        self.tell("return 'awake'")
        try:
            async with asyncio.timeout(seconds):
                await self._reader.readuntil(b"\n")
        except TimeoutError:
            return True
        return False

    async def refuses(self, source: str) -> Refused:
        """Have the guest try what must fail there."""
        try:
            value = await self.does(source)
        except Refused as refused:
            return refused
        raise AssertionError(f"the guest could: {source.strip()} -> {value!r}")

    def output(self) -> bytes:
        """What it has written to stdout and stderr until now."""
        while True:
            try:
                piece = os.read(self.sandbox.output, 65536)
            except BlockingIOError:
                break
            if not piece:
                break
            self.written += piece
        return bytes(self.written)

    async def close(self) -> None:
        if self._writer:
            self._writer.close()
        await self.sandbox.kill()
        for listener in self.sandbox.listeners.values():
            listener.close()
        os.close(self.sandbox.output)


class Stage:
    """One backend, and what is on it: a template for each way to start, code, and the puppets until the block ends."""

    def __init__(self, backend: Backend, directory: Path, stack: AsyncExitStack) -> None:
        self.backend, self.directory = backend, directory
        self._stack = stack
        interpreter = Path(os.path.realpath(sys.executable))
        prefix = Path(sys.base_prefix)
        self.interpreter = str(interpreter)
        self._tools = Mount(PUPPET.parent, "/var/runtime")
        mounts = (self._tools, *([Mount(prefix, str(prefix))] if not prefix.is_relative_to("/usr") else []))
        tools = backend.visible(self._tools)
        puppet = (self.interpreter, f"{tools}/{PUPPET.name}")
        fork_server = ForkServer(self.interpreter, (tools,), ("json", "puppet"), "puppet:main")
        self.argv = puppet
        self.templates = {
            "exec": Template("puppet-exec", mounts),
            "fork": Template("puppet-fork", mounts, fork_server=fork_server),
            "rehearsed": Template(
                "puppet-rehearsed", mounts, fork_server=replace(fork_server, rehearse="puppet:rehearse")
            ),
            "boot": Template("puppet-boot", mounts, boot=(*puppet, "boot")),
            "fresh": Template("puppet-fork", mounts, fork_server=fork_server),
        }
        self.code = directory / "code"
        self.code.mkdir(exist_ok=True)
        (self.code / "handler.txt").write_text("code")
        self.task = Mount(self.code, "/var/task")

    def assignment(
        self,
        way: str = "exec",
        *,
        argv: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        limits: Limits | None = None,
        mounts: tuple[Mount, ...] = (),
    ) -> Assignment:
        return Assignment(
            mounts=(self.task, *mounts),
            environment={"PUPPET_API": "127.0.0.1:9001"} if environment is None else environment,
            argv=argv or self.argv,
            limits=limits or Limits(memory_mib=256, tmp_mib=16),
            cwd=self.backend.visible(self.task),
            fresh=way == "fresh",
        )

    async def puppet(self, way: str = "exec", **facts: Any) -> Puppet:
        """A sandbox started that way, with its guest waiting for orders; killed when the stage is left."""
        sandbox = await self.backend.start(self.templates[way], self.assignment(way, **facts))
        return await self.keep(sandbox).connected()

    def keep(self, sandbox: Sandbox) -> Puppet:
        puppet = Puppet(sandbox)
        self._stack.push_async_callback(puppet.close)
        return puppet

    async def program(self, *argv: str, **facts: Any) -> Puppet:
        """A sandbox that executes another program than the puppet."""
        return self.keep(await self.backend.start(self.templates["exec"], self.assignment(argv=argv, **facts)))


@asynccontextmanager
async def staged(backend: Backend, directory: Path) -> AsyncGenerator[Stage]:
    async with AsyncExitStack() as stack:
        yield Stage(backend, directory, stack)
