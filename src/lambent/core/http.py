"""One HTTP/1.1 server for both doors: the gateway's port (`core/door.py`) and the Runtime API inside each sandbox.

Bytes arrive at a `Connection`; httptools (llhttp) parses them; a whole request goes to `received`, and whoever answers
calls `send`. Nothing here knows AWS. What it defends against: heads and bodies without end (counted while they arrive,
never after), slow senders (one sweeper compares deadlines, so a request costs no timer), too many connections, bodies
that add up (one `Budget` for the whole door, in which a body counts until its request is answered), pipelined floods
(reading pauses while a request is being answered), clients that do not take their answers (nothing more is read or
answered before they have, and who takes nothing for long is cut off), and request smuggling (llhttp refuses a message
with both lengths; trailers are dropped; after any fault the connection ends). Nobody is spoken to in another protocol:
a request to upgrade is answered in this one, or refused if it has a body, which llhttp would take for another request.

A refused request still gets its answer: the connection goes on reading and discarding for a moment, because closing a
socket with unread input resets it and the client would see that instead of the reason.

Why not a framework: see docs/designs/one-http-server.md. The cost of a request through here is in docs/SPECIFICATION.md.
"""

from __future__ import annotations

import asyncio
import enum
import io
from abc import ABC, abstractmethod
from http import HTTPStatus
from typing import Final, cast

import httptools
import msgspec
import structlog

from lambent.core.budgets import Admission, Budget
from lambent.wire.messages import Request, Response

log: Final = structlog.get_logger()

STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
BODILESS: Final = frozenset({204, 304})
GATHERED_BYTES: Final = 1024 * 1024  # the chunks of a larger body are put together as they come
UNQUESTIONED_BYTES: Final = 16 * 1024  # a body that says it is so small is read without asking what it is for
LINGER_S: Final = 2.0  # how long a refused client may go on sending before the connection is closed
LINGER_BYTES: Final = 128 * 1024 * 1024  # and how much of it is read and thrown away

# What of a request has arrived; plain numbers, since they are compared for every read.
NOTHING: Final = 0
HEAD: Final = 1  # a part of its head
BODY: Final = 2  # its head, and perhaps a part of its body


class Fault(enum.Enum):
    """What is wrong with a request that never became one, with the status it is refused with."""

    MALFORMED = 400
    SLOW = 408
    BODY_TOO_LARGE = 413
    HEAD_TOO_LARGE = 431
    BUSY = 503


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one door spends on its clients."""

    head_bytes: int = 64 * 1024  # request line and headers together
    head_count: int = 200  # header lines
    head_timeout_s: float = 20.0  # from the first byte of a head to its end
    body_timeout_s: float = 300.0  # from the end of the head to the end of the body
    idle_timeout_s: float = 75.0  # between requests
    connections: int = 4096
    buffered_bytes: int = 512 * 1024 * 1024  # bodies that are being received or answered, all connections together


class Connection(asyncio.Protocol, ABC):
    """One client's connection. Subclasses say how large a body may be, and what becomes of a request."""

    __slots__ = (
        "_budget",
        "_chunks",
        "_counted_bytes",
        "_discarded",
        "_faulted",
        "_gathered",
        "_head",
        "_limit",
        "_limits",
        "_lines",
        "_loop",
        "_parser",
        "_part_bytes",
        "_peer",
        "_phase",
        "_received_bytes",
        "_small",
        "_taken",
        "_timed",
        "_unsent",
        "_url",
        "closing",
        "deadline",
        "since",
        "transport",
    )

    def __init__(self, limits: HttpLimits, budget: Budget) -> None:
        self._limits: Final = limits
        self._small: Final = budget  # for bodies that nobody asks about
        self._budget = budget  # of the body that is arriving
        self._parser: Final = httptools.HttpRequestParser(self)
        self._phase = NOTHING
        self._timed = NOTHING  # the phase that the deadline is for
        self._url = b""
        self._lines: list[tuple[bytes, bytes]] = []  # the header lines of a head that is arriving
        self._part_bytes = 0  # of a request that arrives in more than one read: since it began, or since it had body
        self._head: Request | None = None
        self._limit = 0
        self._chunks: list[bytes] = []
        self._gathered: io.BytesIO | None = None  # a large body: joining its chunks at the end would hold everybody up
        self._received_bytes = 0  # of the body
        self._counted_bytes = 0  # of the body, when a part was last looked at
        self._taken = 0  # of the budget, by the body that is arriving
        self._unsent: int | None = None  # bytes the client had not taken when its time was over
        self._faulted = False
        self._discarded = 0
        self._peer = ""
        self._loop: Final = asyncio.get_running_loop()
        self.closing = False
        self.since = 0.0  # when the client's turn began, on the loop's clock
        self.deadline: float | None = None  # on the loop's clock; None while we are the ones who work
        self.transport: asyncio.Transport | None = None

    # --- what a door decides -----------------------------------------------------------------------------------------

    @abstractmethod
    def received(self, request: Request, *, keep_alive: bool) -> None:
        """A whole request has arrived; some time later `send` is called for it, once."""

    def body_limit(self, head: Request) -> int:
        """How many bytes a body may have that is not small, where nobody else pays for it."""
        del head
        return UNQUESTIONED_BYTES

    def admit(self, head: Request) -> Admission | Response:
        """Decide about a request with more than a small body; a refusal is answered, and no byte of the body kept."""
        return Admission(self.body_limit(head), self._small)

    def take(self, size: int) -> bool:
        """Find room for a part of a body that has come."""
        return self._budget.take(size)

    @abstractmethod
    def refusal(self, fault: Fault, head: Request | None) -> Response: ...

    # --- asyncio -----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own class is not registered as one
        peer = cast("object", transport.get_extra_info("peername"))
        self._peer = str(cast("tuple[object, ...]", peer)[0]) if isinstance(peer, tuple) else ""
        self.wait(self._limits.idle_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.closing = True
        self.transport = None
        self._release()

    def data_received(self, data: bytes) -> None:
        if self._faulted:
            self._discard(len(data))
            return
        rest: bytes | memoryview = data
        while True:
            try:
                self._parser.feed_data(rest)
            except httptools.HttpParserUpgrade as asked:
                # The client would like another protocol behind this request. It may, and we stay with ours.
                rest = memoryview(rest)[cast("int", asked.args[0]) :]
                continue
            except httptools.HttpParserError:
                # Raised too when one of our own callbacks raised `_Refused`, which has then already answered.
                if not self._faulted:
                    self.refuse(Fault.MALFORMED)
                return
            break
        if self._phase != NOTHING:
            self._arrived_in_part(len(data))

    def _arrived_in_part(self, size: int) -> None:
        """Bound a request that did not arrive whole in one read, in time and in size; most do, and never come here.

        Its head is bounded, and so is what comes without anything of its body: the framing of chunks, and trailers.
        """
        limits, in_head = self._limits, self._phase == HEAD
        if self._received_bytes != self._counted_bytes:
            self._counted_bytes = self._received_bytes
            self._part_bytes = 0
        elif self._timed != NOTHING or self.deadline is not None:
            # Else it has just begun, in a read that may have begun with the end of another request: pipelined.
            self._part_bytes += size
        if self._part_bytes > limits.head_bytes:
            self.refuse(Fault.HEAD_TOO_LARGE if in_head else Fault.BODY_TOO_LARGE)
            return
        if self._timed != self._phase:
            self._timed = self._phase
            self.wait(limits.head_timeout_s if in_head else limits.body_timeout_s)

    def wait(self, seconds: float | None) -> None:
        """Expect the client's next bytes within `seconds`; None: it is our turn."""
        if seconds is None:
            self.deadline = None
        else:
            self.since = self._loop.time()
            self.deadline = self.since + seconds

    def overdue(self) -> None:
        """The deadline has passed: say so if a request had begun, else just close.

        A client that is still taking an answer has more time, as long as it takes some of it.
        """
        self.deadline = None
        unsent = 0 if self.transport is None else self.transport.get_write_buffer_size()
        if self.transport is not None and unsent:
            if self._unsent is not None and unsent >= self._unsent:
                self.transport.abort()
            else:
                self._unsent = unsent
                self.wait(self._limits.idle_timeout_s)
        elif self._faulted or self._phase == NOTHING:
            self.close()
        else:
            self.refuse(Fault.SLOW)

    def pause_writing(self) -> None:
        """The client does not take what it asked for: it may not ask for more."""
        if self.transport is not None:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """It has taken it."""
        self._unsent = None
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    # --- httptools ---------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._phase = HEAD
        self._timed = NOTHING
        self._part_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._phase == HEAD:  # else it is a trailer, which nobody has a use for
            self._lines.append((name, value))

    def on_headers_complete(self) -> None:
        self._phase = BODY
        url = self._url.decode("latin-1")
        headers = self._headers(len(url))
        self._url, self._lines = b"", []  # a connection that rests keeps nothing of what it said
        path, _, query = url.partition("?")
        if path[:1] != "/":  # absolute form, as a proxy is asked
            host, _, path = path.partition("://")[2].partition("/")
            path = "/" + path
            if host:  # which is who is meant, whatever the line says: RFC 9112, 3.2.2
                headers["host"] = host
        head = self._head = Request(self._parser.get_method().decode("latin-1"), path, query, headers, b"", self._peer)
        declared = headers.get("content-length")
        if declared is None and "transfer-encoding" not in headers:
            return
        if self._parser.should_upgrade():  # then the parser would take the body for what comes behind the request
            self.refuse(Fault.MALFORMED)
            raise _Refused
        size = int(declared) if declared is not None else None
        if size is not None and size <= UNQUESTIONED_BYTES:
            self._limit, self._budget = UNQUESTIONED_BYTES, self._small
        else:
            admitted = self.admit(head)
            if isinstance(admitted, Response):
                self.turn_away(admitted)
                raise _Refused
            self._limit, self._budget = admitted.body_max_bytes, admitted.budget
        if size is not None and size > self._limit:
            self.refuse(Fault.BODY_TOO_LARGE)
            raise _Refused
        if "expect" in headers and headers["expect"].lower() == "100-continue" and self.transport is not None:
            self.transport.write(CONTINUE)

    def _headers(self, size: int) -> dict[str, str]:
        """The lines of a whole head, whose URL has `size` bytes, by name. Raises _Refused."""
        headers: dict[str, str] = {}
        for name, value in self._lines:
            size += len(name) + len(value) + 4
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            if key in headers:
                text = (
                    f"{headers[key]}{'; ' if key == 'cookie' else ','}{text}"  # RFC 9113, 8.2.3: cookies are not a list
                )
            headers[key] = text
        if size > self._limits.head_bytes or len(self._lines) > self._limits.head_count:
            self.refuse(Fault.HEAD_TOO_LARGE)
            raise _Refused
        return headers

    def on_body(self, body: bytes) -> None:
        size = len(body)
        self._received_bytes += size
        if self._received_bytes > self._limit:
            self.refuse(Fault.BODY_TOO_LARGE)
            raise _Refused
        if not self.take(size):
            self.refuse(Fault.BUSY)
            raise _Refused
        self._taken += size
        if self._received_bytes <= GATHERED_BYTES:
            self._chunks.append(body)
            return
        if self._gathered is None:
            self._gathered = io.BytesIO()
            self._gathered.writelines(self._chunks)
            self._chunks = []
        self._gathered.write(body)

    def on_message_complete(self) -> None:
        request = self._head
        if request is None or self._faulted:
            return
        chunks, gathered = self._chunks, self._gathered
        if gathered is not None:
            request.body = gathered.getvalue()  # which copies nothing: the bytes are the buffer's own
        elif chunks:
            request.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        if self._received_bytes:
            self._chunks, self._gathered = [], None
            self._received_bytes = self._counted_bytes = 0
        self._head = None
        self._phase = NOTHING
        self.deadline = None
        self.received(request, keep_alive=self._parser.should_keep_alive())

    # --- answering ---------------------------------------------------------------------------------------------------

    def send(self, response: Response, *, keep_alive: bool, bodiless: bool = False) -> None:
        """Answer the request that was received; `bodiless` for HEAD, which gets the head of the answer only."""
        if self.transport is None or self.closing:
            return
        self.transport.write(encode(response, keep_alive=keep_alive, bodiless=bodiless))
        if not keep_alive:
            self.close()
        elif self.deadline is None:
            self.wait(self._limits.idle_timeout_s)

    def close(self) -> None:
        """Close when what was written has left; what the client does not take in time is thrown away."""
        self.closing = True
        self.deadline = None
        if self.transport is not None:
            if self.transport.get_write_buffer_size():
                self.wait(self._limits.idle_timeout_s)
            self.transport.close()

    def refuse(self, fault: Fault) -> None:
        """Answer with the fault, then discard what the client still sends, for a while."""
        self.turn_away(self.refusal(fault, self._head))

    def turn_away(self, answer: Response) -> None:
        """Answer a request that is not received, then discard what the client still sends, for a while."""
        self.forget_body()
        if self.transport is None or self.closing:
            return
        self.transport.write(encode(answer, keep_alive=False, bodiless=False))
        try:
            if self.transport.can_write_eof():
                self.transport.write_eof()
        except OSError:  # the client has gone this instant, and asyncio has not heard of it yet
            self.close()
            return
        self.wait(LINGER_S)

    def forget_body(self) -> None:
        """Keep nothing of a request that is refused."""
        self._faulted = True
        self._chunks, self._gathered = [], None
        self._release()

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > LINGER_BYTES:
            self.close()

    def _release(self) -> None:
        self._budget.give(self._taken)
        self._taken = 0


class _Refused(Exception):
    """Stops httptools in the middle of a message that has just been refused."""


def encode(response: Response, *, keep_alive: bool, bodiless: bool, file_bytes: int | None = None) -> bytes:
    """The response as bytes; its length and connection headers are ours.

    Of a response with a file, which has `file_bytes`, the head.
    """
    status, body = response.status, response.body
    lines = "".join([f"{name}: {value}\r\n" for name, value in response.headers])
    if status in BODILESS:
        length, bodiless = "", True
    else:
        length = f"content-length: {len(body) if file_bytes is None else file_bytes}\r\n"
    end = "\r\n" if keep_alive else "connection: close\r\n\r\n"
    start = STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n"
    head = f"{start}{lines}{length}{end}".encode("latin-1", "replace")
    return head if bodiless else head + body
