"""A client as lean as can be: one request, made ahead, sent over and over on raw sockets that are kept alive.

It runs in a process of its own, so that it takes no time from whoever measures. One client is a blocking socket; several are
as many sockets and one epoll loop, because threads would measure each other. The control is driven by the same code.
"""

from __future__ import annotations

import base64
import json
import select
import socket
import subprocess
import sys
import time
from typing import NamedTuple

CHUNK_BYTES = 65536
PATIENCE_S = 60.0


class Target(NamedTuple):
    """A server, and a request that it answers with 200."""

    port: int  # on 127.0.0.1
    request: bytes


class Timing(NamedTuple):
    seconds: list[float]  # of each request, sorted
    took_s: float  # all of them

    @property
    def p50_us(self) -> float:
        return self.seconds[len(self.seconds) // 2] * 1e6

    @property
    def p99_ms(self) -> float:
        return self.seconds[len(self.seconds) * 99 // 100] * 1e3

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.seconds) / self.took_s


class Refused(Exception):
    """An answer is not that of a function that has succeeded; its text begins with the answer."""


def timed(target: Target, requests: int, clients: int = 1) -> Timing:
    """Send so many requests, `clients` at once, from another process. Raises Refused."""
    work = {"port": target.port, "request": base64.b64encode(target.request).decode()}
    command = [sys.executable, "-m", "benchmarks.client"]
    given = json.dumps(work | {"requests": requests, "clients": clients})
    ended = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Refused(ended.stderr[-1000:])
    return Timing(**json.loads(ended.stdout))


def connected(target: Target) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", target.port), timeout=PATIENCE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def exchange(connection: socket.socket, request: bytes) -> None:
    """Send a request and read its whole answer. Raises Refused."""
    connection.sendall(request)
    answer = b""
    while not whole(answer):
        answer += received(connection)


def received(connection: socket.socket) -> bytes:
    data = connection.recv(CHUNK_BYTES)
    if not data:
        raise Refused("the connection ended before the answer did")
    return data


def whole(answer: bytes) -> bool:
    """Whether this is all of an answer. Raises Refused when it is not one of success."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    head = head.lower()
    if not head.startswith(b"http/1.1 200 ") or b"x-amz-function-error" in head:
        raise Refused(answer[:500].decode("latin-1"))
    return len(body) >= int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])


def one_by_one(target: Target, requests: int) -> list[float]:
    seconds: list[float] = []
    with connected(target) as connection:
        for _ in range(requests):
            began = time.perf_counter()
            exchange(connection, target.request)
            seconds.append(time.perf_counter() - began)
    return seconds


class Pending(NamedTuple):
    """A request under way."""

    connection: socket.socket
    began: float
    answer: bytes


def together(target: Target, connections: list[socket.socket], requests: int) -> list[float]:
    """As many at once as there are connections; each sends its next request when it has its answer."""
    seconds: list[float] = []
    pending: dict[int, Pending] = {}

    def send(connection: socket.socket) -> None:
        pending[connection.fileno()] = Pending(connection, time.perf_counter(), b"")
        connection.sendall(target.request)

    with select.epoll() as epoll:
        for connection in connections:
            epoll.register(connection, select.EPOLLIN)
            send(connection)
        to_send = requests - len(connections)
        while pending:
            ready = epoll.poll(PATIENCE_S)
            if not ready:
                raise Refused(f"{len(pending)} requests have no answer after {PATIENCE_S} s")
            for descriptor, _ in ready:
                connection, began, answer = pending.pop(descriptor)
                answer += received(connection)
                if not whole(answer):
                    pending[descriptor] = Pending(connection, began, answer)
                    continue
                seconds.append(time.perf_counter() - began)
                if to_send > 0:
                    to_send -= 1
                    send(connection)
    return seconds


def main() -> None:
    given = json.load(sys.stdin)
    target = Target(given["port"], base64.b64decode(given["request"]))
    connections = [connected(target) for _ in range(given["clients"] if given["clients"] > 1 else 0)]
    began = time.perf_counter()
    requests: int = given["requests"]
    seconds = together(target, connections, requests) if connections else one_by_one(target, requests)
    took_s = time.perf_counter() - began
    json.dump({"seconds": sorted(seconds), "took_s": took_s}, sys.stdout)


if __name__ == "__main__":
    main()
