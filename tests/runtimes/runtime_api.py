"""The server's side of the Runtime API, as small as a test needs: the events of a list, and what came back for each.

It answers as reference 2.8 says, one thread per connection. When the list is used up, `next` waits until the block ends,
as it does between invocations.
"""

import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Queue
from typing import Any

DEADLINE_MS = 4_000_000_000_000
ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


@dataclass
class Event:
    payload: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def body(self) -> bytes:
        return self.payload if isinstance(self.payload, bytes) else json.dumps(self.payload).encode()


@dataclass
class Post:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        return self.path.removeprefix("/2018-06-01/runtime/")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class RuntimeApi:
    """`posts` in the order of their arrival; `statuses` are taken for the answers to posts, 202 when there is none."""

    def __init__(self, listener: socket.socket, events: Sequence[Event], statuses: Sequence[int] = ()) -> None:
        self.posts: Queue[Post] = Queue()
        self.requests: list[str] = []
        self.connections = 0
        self.idle = threading.Event()  # set when `next` waits with nothing to hand out
        self._events = list(events)
        self._statuses = list(statuses)
        self._handed_out = 0
        listener.setblocking(True)
        self._listener = listener
        self._open: list[socket.socket] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_connections()

    def drop_connections(self) -> None:
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as stream, suppress(OSError):
            while request_line := stream.readline().decode():
                headers = dict(_headers(stream))
                body = stream.read(int(headers.get("content-length", "0")))
                connection.sendall(self._answer(request_line, headers, body))

    def _answer(self, request_line: str, headers: dict[str, str], body: bytes) -> bytes:
        method, path, _ = request_line.split()
        self.requests.append(f"{method} {path}")
        if method == "POST":
            self.posts.put(Post(path, headers, body))
            status = self._statuses.pop(0) if self._statuses else 202
            return _message(status, {"Content-Type": "application/json"}, b'{"status":"OK"}')
        if not self._events:
            self.idle.set()
            threading.Event().wait()  # in a daemon thread; the guest's connection ends with the guest
        event = self._events.pop(0)
        self._handed_out += 1
        return _message(200, self._next_headers() | dict(event.headers), event.body)

    def _next_headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": f"request-{self._handed_out}",
            "Lambda-Runtime-Deadline-Ms": str(DEADLINE_MS),
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Lambda-Runtime-Trace-Id": f"Root=1-{self._handed_out}",
        }


@contextmanager
def runtime_api(
    *events: Event, statuses: Sequence[int] = (), listener: socket.socket | None = None
) -> Iterator[RuntimeApi]:
    api = RuntimeApi(listener or socket.create_server(("127.0.0.1", 0)), events, statuses)
    threading.Thread(target=api.accept, daemon=True).start()
    try:
        yield api
    finally:
        api.close()


def _headers(stream: Any) -> Iterator[tuple[str, str]]:
    while (line := stream.readline().decode().strip()) != "":
        name, _, value = line.partition(":")
        yield name.lower(), value.strip()


def _message(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
