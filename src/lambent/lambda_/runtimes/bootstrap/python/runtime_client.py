"""The Runtime API client under awslambdaric: its compiled module `runtime_client`, in plain Python over one socket.

awslambdaric imports a module of this name and calls four functions. Its own is a curl in C++, built for one version
of Python each; this one is quicker, serves every version, and makes no thread necessary for signals: `recv` returns
to the interpreter when one arrives (PEP 475), which the C++ one does not.

It is not an HTTP client. It speaks to one server, Lambent's, that answers each request with a Content-Length. What it
promises: one `sendmsg` a message; a message is sent once. A connection that the server closed while we were idle is
noticed before a POST is sent (a peek), never after; only `next`, which hands nothing over, is asked again.

Errors are RuntimeErrors with the texts of the C++ module, since functions' logs show them.
"""

# Nothing is imported here that AWS's runtime has not imported: whatever is, hides a function's file of that name.
# So not `socket`, which brings `selectors`, `select` and others.
import _socket as socket
import os
import sys
import time
from collections.abc import Iterable

_HEAD_LIMIT_BYTES = 2 * 1024 * 1024  # a client context and a trace id are far smaller
_PREFIX = "/2018-06-01/runtime/"
_ASK = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n"
_REFUSABLE_BYTES = 6 * 1024 * 1024  # a result of this size may be too large: then nothing more is asked
_ABSENT_IS_EMPTY = "Lambda-Runtime-Invoked-Function-Arn"
_NEXT_HEADERS = {
    name.lower().encode(): name
    for name in (
        "Lambda-Runtime-Aws-Request-Id",
        "Lambda-Runtime-Trace-Id",
        _ABSENT_IS_EMPTY,
        "Lambda-Runtime-Deadline-Ms",
        "Lambda-Runtime-Client-Context",
        "Content-Type",
        "Lambda-Runtime-Cognito-Identity",
        "Lambda-Runtime-Aws-Tenant-Id",
        "Lambda-Runtime-Invocation-Id",
    )
}


class ClosedError(ConnectionError):
    """The server closed the connection before it answered."""


class Connection:
    """One keep-alive connection to the Runtime API, opened when it is first needed (so: after the fork)."""

    def __init__(self, user_agent: str) -> None:
        self.user_agent = user_agent
        self._socket: socket.socket | None = None
        self._common = b""
        self.asked = False  # the next event was asked for already, and its answer is owed
        self._ahead = b""  # received with an answer, and belonging to the one after it

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Iterable[tuple[str, str]] = (),
    ) -> tuple[int, list[bytes], bytes]:
        """The answer's status, header lines and body. Raises OSError; the request was then perhaps received."""
        self.send(method, path, body, headers)
        return self.answer()

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Iterable[tuple[str, str]] = (),
        then: bytes = b"",
    ) -> None:
        """Send a request, and `then` another that is already made. Raises OSError; it was then perhaps received."""
        connection = self._socket or self.open(os.environ["AWS_LAMBDA_RUNTIME_API"])
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
        length = b"" if method == "GET" else b"Content-Length: %d\r\n" % len(body)
        head = f"{method} {path} HTTP/1.1\r\n{lines}".encode("utf-8", "surrogatepass") + length + self._common
        then = then and then + self._common
        try:
            sent = connection.sendmsg((head, body, then))
            if sent < len(head) + len(body) + len(then):
                connection.sendall(memoryview(head + body + then)[sent:])
        except BaseException:
            self.close()
            raise

    def answer(self) -> tuple[int, list[bytes], bytes]:
        """The next answer that is owed: its status, header lines and body. Raises OSError."""
        if self._socket is None:
            raise ClosedError("the Runtime API closed the connection")
        try:
            return self._read(self._socket)
        except BaseException:
            self.close()
            raise

    def close_if_stale(self) -> None:
        """Drop a connection that the server has closed, so that the next message goes over a new one."""
        if self._socket is None:
            return
        try:
            self._socket.recv(
                1, socket.MSG_PEEK | socket.MSG_DONTWAIT
            )  # nothing is owed to us: only an end can be read
        except BlockingIOError:
            return
        except OSError:
            pass
        self.close()

    def close(self) -> None:
        self._ahead = b""
        self.asked = False
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def open(self, address: str) -> socket.socket:
        host, _, port = address.rpartition(":")
        opened = socket.socket()
        opened.connect((host, int(port)))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.use(opened, address)
        return opened

    def use(self, opened: socket.socket, address: str, *, asked: bool = False) -> None:
        self._common = f"Host: {address}\r\nUser-Agent: {self.user_agent}\r\n\r\n".encode()
        self._socket = opened
        self.asked = asked

    def _read(self, connection: socket.socket) -> tuple[int, list[bytes], bytes]:
        data = self._ahead or connection.recv(65536)
        self._ahead = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            more = connection.recv(65536)
            if not more:
                raise ClosedError("the Runtime API closed the connection")
            data += more
            if len(data) > _HEAD_LIMIT_BYTES:
                raise ConnectionError("the Runtime API sent a head without end")
        status, *lines = data[:end].split(b"\r\n")
        length = _content_length(lines)
        whole = end + 4 + length
        body, self._ahead = data[end + 4 : whole], data[whole:]
        missing = length - len(body)
        parts = [body]
        while missing > 0:
            part = connection.recv(missing, socket.MSG_WAITALL)
            if not part:
                raise ClosedError("the Runtime API closed the connection within a message")
            parts.append(part)
            missing -= len(part)
        return int(status[9:12]), lines, body if len(parts) == 1 else b"".join(parts)


def _content_length(lines: list[bytes]) -> int:
    for line in lines:
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    raise ConnectionError("the Runtime API answered without a Content-Length")


_connection = Connection("aws-lambda-python")


def initialize_client(user_agent: str) -> None:
    """Called by awslambdaric at import, before the fork: nothing is opened here."""
    _connection.user_agent = user_agent


def connection() -> Connection:
    """The connection of this process, for the messages that awslambdaric would send by http.client."""
    return _connection


def next() -> tuple[bytes, dict[str, str | int | None]]:  # noqa: A001  # the name that awslambdaric calls
    """Wait for an invocation: its event and the headers awslambdaric reads, None where absent."""
    try:
        if _connection.asked:
            _connection.asked = False
            status, lines, event = _connection.answer()
        else:
            _connection.close_if_stale()
            status, lines, event = _connection.request("GET", _PREFIX + "invocation/next")
    except ClosedError:
        status, lines, event = _connection.request("GET", _PREFIX + "invocation/next")
    if status != 200:
        _complain("Failed to get next invocation.", status, event)
        raise RuntimeError("Failed to get next")
    headers: dict[str, str | int | None] = dict.fromkeys(_NEXT_HEADERS.values())
    headers[_ABSENT_IS_EMPTY] = ""
    for line in lines:
        name, _, value = line.partition(b":")
        known = _NEXT_HEADERS.get(name.lower())
        if known is not None:
            headers[known] = value.strip().decode("utf-8", "replace")
    headers["Lambda-Runtime-Deadline-Ms"] = int(str(headers["Lambda-Runtime-Deadline-Ms"] or 0))
    return event, headers


def post_invocation_result(
    invoke_id: str,
    result: bytes,
    content_type: str = "application/json",
    invocation_id: str | None = None,
) -> None:
    """Hand the answer over, and ask for the next event with the same message; returns when the server has it.

    awslambdaric asks as soon as this returns; asked at once, it costs one message less and nobody has to wake up for it.
    """
    headers = _post_headers(content_type, invocation_id)
    ask = _ASK if len(result) < _REFUSABLE_BYTES else b""
    if not _posted(invoke_id, "response", result, headers, ask):
        raise RuntimeError("Failed to post invocation response")


def post_error(invoke_id: str, error: str, xray_fault: str, invocation_id: str | None = None) -> None:
    """Hand over what the function raised: awslambdaric's JSON, and the cause for X-Ray when it fits into a header."""
    headers = _post_headers("application/json", invocation_id)
    if xray_fault:
        headers.append(("Lambda-Runtime-Function-XRay-Error-Cause", _one_line(xray_fault)))
    if not _posted(invoke_id, "error", error.encode("utf-8", "surrogatepass"), headers):
        raise RuntimeError("Failed to post invocation error")


def _posted(invoke_id: str, what: str, body: bytes, headers: list[tuple[str, str]], then: bytes = b"") -> bool:
    _connection.close_if_stale()
    _connection.send("POST", f"{_PREFIX}invocation/{invoke_id}/{what}", body, headers, then)
    status, _, answer = _connection.answer()
    if 200 <= status < 300:
        _connection.asked = then != b""
        return True
    if then:
        _connection.close()  # and with it the question, which nobody will wait for now
    _complain("Failed to post handler success response.", status, answer)
    return False


def _post_headers(content_type: str, invocation_id: str | None) -> list[tuple[str, str]]:
    headers = [("Content-Type", content_type)]
    if invocation_id:
        headers.append(("Lambda-Runtime-Invocation-Id", invocation_id))
    return headers


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")  # JSON has neither, but a function may have its own marshaller


def _complain(what: str, status: int, answer: bytes) -> None:
    text = answer.decode("utf-8", "replace")
    now_ms = int(time.time() * 1000)
    print(
        f"[ERROR] [{now_ms}] LAMBDA_RUNTIME {what} Http response code: {status}. {text}",
        file=sys.stderr,
        flush=True,
    )
