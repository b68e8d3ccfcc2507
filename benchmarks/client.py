"""A client as lean as can be: signed requests made ahead, sent over raw sockets, timed one by one.

It runs in a process of its own, so that it takes no time from the server's event loop; eight clients are eight threads of one
process, for the control too.
"""

from __future__ import annotations

import hashlib
import hmac
import multiprocessing
import socket
import threading
import time
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import NamedTuple
from urllib.parse import quote


class Target(NamedTuple):
    """A server, and a request that it answers with 200."""

    host: str
    port: int
    request: bytes


class Timing(NamedTuple):
    seconds: list[float]  # of each request, sorted
    rate: float  # requests a second, all clients together

    @property
    def p50(self) -> float:
        return self.seconds[len(self.seconds) // 2]


def invocation(endpoint: tuple[str, int], keys: tuple[str, str], function: str, event: bytes) -> Target:
    """A signed Invoke; the signature holds for fifteen minutes."""
    host, port = endpoint
    path = f"/2015-03-31/functions/{quote(function)}/invocations"
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{now[:8]}/us-east-1/lambda/aws4_request"
    headers = f"host:{host}:{port}\nx-amz-date:{now}\n"
    canonical = f"POST\n{path}\n\n{headers}\nhost;x-amz-date\n{hashlib.sha256(event).hexdigest()}"
    to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + keys[1]).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    credential = f"Credential={keys[0]}/{scope}, SignedHeaders=host;x-amz-date, Signature={signature}"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nX-Amz-Date: {now}\r\n"
        f"Authorization: AWS4-HMAC-SHA256 {credential}\r\nContent-Length: {len(event)}\r\n\r\n"
    )
    return Target(host, port, head.encode() + event)


def timed(target: Target, requests: int, clients: int = 1) -> Timing:
    """Send so many requests, `clients` at once, from another process. Raises RuntimeError when one is not answered 200."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, target, requests, clients))
    process.start()
    outcome = ours.recv()
    process.join()
    if isinstance(outcome, Timing):
        return outcome
    raise RuntimeError(outcome)


def answered(connection: socket.socket, request: bytes) -> None:
    """Send a request and read its whole answer. Raises RuntimeError."""
    connection.sendall(request)
    data = connection.recv(65536)
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    if b" 200 " not in head[:16] or b"x-amz-function-error" in head.lower():
        raise RuntimeError(data[:500].decode("latin-1"))
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)


def connected(target: Target) -> socket.socket:
    connection = socket.create_connection((target.host, target.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _run(pipe: Connection, target: Target, requests: int, clients: int) -> None:
    seconds: list[float] = []
    failures: list[str] = []

    def client() -> None:
        try:
            with connected(target) as connection:
                for _ in range(requests // clients):
                    began = time.perf_counter()
                    answered(connection, target.request)
                    seconds.append(time.perf_counter() - began)
        except (OSError, RuntimeError) as error:
            failures.append(str(error))

    threads = [threading.Thread(target=client) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    pipe.send(failures[0] if failures else Timing(sorted(seconds), len(seconds) / took))
