"""The control: a bare asyncio HTTP server that gives a request's body back, on the standard event loop, with no framework."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

from benchmarks.client import Target


class Control(NamedTuple):
    """A running echo server."""

    target: Target
    pid: int
    ready_s: float  # from exec to its port


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def control(request: bytes = b"") -> Generator[Control]:
    """The control in a process of its own, given the same request as the server under test."""
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "benchmarks.control"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            yield Control(Target(port, request), process.pid, time.perf_counter() - began)
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(main())
