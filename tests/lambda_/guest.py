"""A sandbox twin: no isolation and no process, but a real listener and a real pipe, and a runtime that a test plays."""

import asyncio
import os
import socket
import time
from collections.abc import Mapping

from lambent.core.budgets import Budgets
from lambent.core.slices import Slice, Slices
from lambent.core.sweeper import Sweeper
from lambent.core.unsent import Unsent
from lambent.lambda_.environment.allowance import Allowance
from lambent.sandbox.contract import RUNTIME_API_PORT, Exit, Usage


def guest_allowance() -> Allowance:
    """What a guest may cost, with nobody to sweep."""
    return Allowance(guest_slice(), Budgets(1 << 26, 1 << 24), Unsent(1 << 26, time.monotonic), Sweeper())


def guest_slice(cpus: float = 1.0) -> Slice:
    """What a guest may take of the running loop, by the machine's clock."""
    return Slices(time.monotonic, asyncio.get_running_loop().call_later).of(cpus)


class Guest:
    """A sandbox whose runtime is the test itself, over a real connection to the Runtime API."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.output, self._stdout = os.pipe()
        os.set_blocking(self.output, False)
        self.pid = 0
        self.frozen = False
        self.cpus: float | None = None
        self.vacated = False
        self.dies: asyncio.Event | None = None  # until it is set, the guest's processes are on their way out
        self.killed = False
        self.weight = 1.0
        self._exit: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()

    # --- what the server does ---

    @property
    def listeners(self) -> Mapping[int, socket.socket]:
        return {RUNTIME_API_PORT: self.listener}

    def freeze(self) -> None:
        self.frozen = True

    def thaw(self) -> None:
        self.frozen = False

    def set_cpus(self, cpus: float) -> None:
        self.cpus = cpus

    def weigh(self, weight: float) -> None:
        self.weight = weight

    async def exited(self) -> Exit:
        return await asyncio.shield(self._exit)

    @property
    def vacant(self) -> bool:
        return self.vacated and not self.killed

    async def vacate(self) -> None:
        self.exit(Exit(None, 9))
        if self.dies is not None:
            await self.dies.wait()
        self.vacated = True
        await asyncio.sleep(0)

    async def kill(self) -> None:
        await self.vacate()
        self.killed = True

    def memory_peak_mib(self) -> int:
        return 36

    def usage(self) -> Usage:
        return Usage(memory_peak_mib=36, cpu_s=0.1)

    # --- what the runtime does ---

    def exit(self, how: Exit) -> None:
        if not self._exit.done():
            os.close(self._stdout)
            self._exit.set_result(how)

    def print(self, text: str) -> None:
        self.write(text.encode())

    def write(self, data: bytes) -> None:
        assert os.write(self._stdout, data) == len(data)

    async def connect(self) -> "Client":
        return Client(*await asyncio.open_connection("127.0.0.1", self.port, limit=16 * 1024 * 1024))


class Client:
    """A runtime's HTTP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        head += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self._writer.write(head.encode() + b"\r\n" + body)

    def begin_chunks(self, path: str) -> None:
        """The head of a POST whose body follows in chunks."""
        self._writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())

    async def send_chunk(self, content: bytes) -> None:
        self._writer.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        await self._writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:] if line)}
        return int(lines[0].split()[1]), headers, await self._reader.readexactly(int(headers["content-length"]))

    async def call(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        self.ask(method, path, body, **headers)
        return await self.answer()

    def ask_next(self) -> None:
        self.ask("GET", "/2018-06-01/runtime/invocation/next")

    async def respond(self, request_id: str, body: bytes) -> int:
        return (await self.call("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", body))[0]

    def close(self) -> None:
        self._writer.close()
