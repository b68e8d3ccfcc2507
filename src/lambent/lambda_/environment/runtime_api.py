"""The Runtime API of one execution environment: `http://127.0.0.1:9001/2018-06-01/` inside its network namespace.

The listening socket was made in the sandbox and handed out, so whoever connects is the guest, and needs no token. The
guest is hostile: every request is checked against the state of its runtime (the table below) and answered as AWS's
supervisor answers; nothing that it sends can do more than end its own invocation.

          NEXT                  answer of an event          RESPONSE | ERROR           NEXT
   STARTED ─────▶ READY (parked) ────────────────▶ RUNNING ─────────────────▶ RESPONDED ─────▶ READY
      │ INIT_ERROR
      ▼
   INIT_FAILED

`next` is a request that waits: its connection is parked, and the event is written to it directly when one comes, so
that a warm invocation costs two writes and two reads and no task. What the guest does is told to one, the
environment, as `Ready`, `InitError`, `Result`; the guest's exit is told by the sandbox, not from here.

Sources: reference/lambda.md 2.8 (from the Runtime Interface Emulator), 2.5, 2.4.
"""

from __future__ import annotations

import asyncio
import enum
import json
import re
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from lambent.core.answers import encode
from lambent.core.budgets import Admission, Budget
from lambent.core.http import Connection
from lambent.core.limits import Fault, HttpLimits
from lambent.core.listeners import Listener
from lambent.lambda_.environment.allowance import Allowance
from lambent.wire.messages import Request, Response

RESPONSE_LIMIT_BYTES: Final = 6_291_556  # 6 MB and a hundred bytes, as the supervisor allows
ROOT: Final = "/2018-06-01/runtime/"
NEXT_PATH: Final = ROOT + "invocation/next"
INVOCATION: Final = ROOT + "invocation/"
ANSWERS: Final = ("response", "error")  # what is posted below the request id
INIT_ERROR_PATH: Final = ROOT + "init/error"
PING_PATH: Final = "/2018-06-01/ping"
ERROR_TYPE: Final = re.compile(r"(Runtime|Function|Extension)\.[A-Z][a-zA-Z]+")
GUEST_LIMITS: Final = HttpLimits(
    head_bytes=2 * 1024 * 1024,  # Lambda-Runtime-Function-XRay-Error-Cause alone may have 1 MB
    head_count=100,
    connections=32,
    buffered_bytes=4 * RESPONSE_LIMIT_BYTES,
)


class RuntimeState(enum.Enum):
    STARTED = "Started"
    READY = "Ready"
    RUNNING = "Running"
    RESPONDED = "InvocationResponse"
    INIT_FAILED = "InitError"


class Invocation(msgspec.Struct, frozen=True):
    """One event on its way to a runtime."""

    request_id: str
    payload: bytes
    deadline_ms: int  # Unix epoch
    function_arn: str  # as the caller named it: with its qualifier only if there was one
    trace_id: str
    client_context: str | None = None  # JSON
    tenant_id: str | None = None  # of a function whose tenants are isolated


class Ready(msgspec.Struct, frozen=True):
    """The runtime asked for an event."""


class InitError(msgspec.Struct, frozen=True):
    """The runtime could not start; it will exit."""

    error_type: str
    body: bytes


class Result(msgspec.Struct, frozen=True):
    """The runtime answered its invocation; `error_type` is None when the function succeeded."""

    body: bytes
    error_type: str | None


Report = Ready | InitError | Result
Tell = Callable[[Report], None]

ACCEPTED: Final = Response(status=202, headers=[("Content-Type", "application/json")], body=b'{"status":"OK"}\n')
ACCEPTED_BYTES: Final = encode(ACCEPTED, keep_alive=True, bodiless=False)
PONG: Final = Response(status=200, headers=[("Content-Type", "text/plain")], body=b"pong")


def refused(status: int, error_type: str, message: str) -> Response:
    """An error in the Runtime API's own form."""
    body = json.dumps({"errorMessage": message, "errorType": error_type}).encode()
    return Response(status=status, headers=[("Content-Type", "application/json")], body=body)


NOT_FOUND: Final = Response(status=404, headers=[("Content-Type", "text/plain")], body=b"404 page not found\n")
INVALID_REQUEST_ID: Final = refused(400, "InvalidRequestID", "Invalid request ID")
TOO_LARGE: Final = refused(
    413, "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
)


def illegal(state: RuntimeState, wanted: RuntimeState) -> Response:
    return refused(
        403,
        "InvalidStateTransition",
        f"State transition from {state.value} to {wanted.value} failed for runtime. "
        "Error: State transition is not allowed",
    )


class RuntimeApi:
    """The server's side of one runtime. One event at a time: `offer` only after `Ready` was told."""

    def __init__(self, tell: Tell, allowance: Allowance) -> None:
        self.state = RuntimeState.STARTED
        self.connections: Final[set[RuntimeConnection]] = set()
        self.allowance: Final = allowance
        self.budget: Final = Budget(GUEST_LIMITS.buffered_bytes)
        self.listener: Listener | None = None
        self._tell: Final = tell
        self._parked: RuntimeConnection | None = None
        self._invocation: Invocation | None = None
        self._undelivered = False  # the running invocation's event has not left yet: nobody waited for it

    def offer(self, invocation: Invocation) -> None:
        """Hand the event to the runtime that waits for one; if it has just hung up, it gets it when it asks again."""
        assert self.state is RuntimeState.READY, "an event was offered to a runtime that does not wait"
        self.state = RuntimeState.RUNNING
        self._invocation = invocation
        self.allowance.slice.credit()
        connection, self._parked = self._parked, None
        if connection is not None:
            connection.send_event(invocation)
        self._undelivered = connection is None

    def restart(self) -> None:
        """Forget the runtime that was; a new one is about to start."""
        for connection in list(self.connections):
            connection.close()
        self.state = RuntimeState.STARTED
        self._parked = self._invocation = None
        self._undelivered = False

    # --- what the guest does -----------------------------------------------------------------------------------------

    def next(self, connection: RuntimeConnection) -> Response | None:
        """Park the connection; None: it is answered later."""
        if self.state is RuntimeState.RUNNING and self._undelivered and self._invocation is not None:
            self._undelivered = False
            connection.send_event(self._invocation)
        elif self.state is RuntimeState.READY and self._parked is None:
            self._parked = connection
        elif self.state in (RuntimeState.STARTED, RuntimeState.RESPONDED):
            self.state = RuntimeState.READY
            self._parked = connection
            self._tell(Ready())
        else:
            return illegal(self.state, RuntimeState.READY)
        return None

    def result(self, request_id: str, body: bytes, error_type: str | None) -> Response:
        """Take the answer of the running invocation."""
        invocation = self._invocation
        if invocation is None or self.state is not RuntimeState.RUNNING:
            return illegal(self.state, RuntimeState.RESPONDED)
        if request_id != invocation.request_id:
            return INVALID_REQUEST_ID
        self.state = RuntimeState.RESPONDED
        self._invocation = None
        self._tell(Result(body, error_type))
        return ACCEPTED

    def oversized(self, head: Request) -> Response:
        """Refuse a body that is larger than may be; if it is the running invocation's answer, that is its result.

        Asked again, since a body of chunks may take so long that another invocation runs than when it began.
        """
        if (refusal := self.refusal_of(head)) is not None:
            return refusal
        if self._invocation is None:  # it was an error of the init
            return TOO_LARGE
        message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
        body = json.dumps({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}).encode()
        _ = self.result(self._invocation.request_id, body, "Function.ResponseSizeTooLarge")
        return TOO_LARGE

    def refusal_of(self, head: Request) -> Response | None:
        """Why a large body need not be read at all: it can only be the running invocation's answer, or the init's error."""
        if head.method != "POST":
            return NOT_FOUND
        if head.path == INIT_ERROR_PATH:
            return None if self.state is RuntimeState.STARTED else illegal(self.state, RuntimeState.INIT_FAILED)
        if not head.path.startswith(INVOCATION):
            return NOT_FOUND
        request_id, _, what = head.path[len(INVOCATION) :].partition("/")
        if what not in ANSWERS:
            return NOT_FOUND
        if self._invocation is None or self.state is not RuntimeState.RUNNING:
            return illegal(self.state, RuntimeState.RESPONDED)
        return None if request_id == self._invocation.request_id else INVALID_REQUEST_ID

    def init_error(self, error_type: str, body: bytes) -> Response:
        if self.state is not RuntimeState.STARTED:
            return illegal(self.state, RuntimeState.INIT_FAILED)
        self.state = RuntimeState.INIT_FAILED
        self._tell(InitError(error_type, body))
        return ACCEPTED

    def parks(self, connection: RuntimeConnection) -> bool:
        """Whether this connection waits for an event."""
        return self._parked is connection

    def left(self, connection: RuntimeConnection) -> None:
        """A connection has closed; if it was the one that waits, the runtime may connect and ask again."""
        if self._parked is connection:
            self._parked = None

    def tick(self) -> None:
        """A sweep has come by: nothing changes with time here."""

    def close(self) -> None:
        """Accept and read nothing more."""
        self.allowance.sweeper.forget(self)
        if self.listener is not None:
            self.listener.close()
        for connection in list(self.connections):
            connection.cut()


class RuntimeConnection(Connection):
    """One connection of the guest to its Runtime API; answers come at once, but for `next`."""

    __slots__ = ("_api", "_keep_alive", "_owed")

    def __init__(self, api: RuntimeApi) -> None:
        super().__init__(GUEST_LIMITS, api.budget, api.budget, api.allowance.unsent, api.allowance.slice)
        self._api: Final = api
        self._keep_alive = True
        self._owed = False  # the answer ACCEPTED, not written yet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.deadline = None  # a runtime may work, and be frozen, for as long as it likes between two requests
        self._api.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._api.connections.discard(self)
        if self._api.listener is not None:
            self._api.listener.left()
        self._api.left(self)

    def admit(self, head: Request) -> Admission | Response:
        return self._api.refusal_of(head) or super().admit(head)

    def turn_away(self, answer: Response) -> None:
        super().turn_away(answer)
        self._api.left(self)  # nothing can be written to it any more

    def body_limit(self, head: Request) -> int:
        del head
        return RESPONSE_LIMIT_BYTES

    def refusal(self, fault: Fault, head: Request | None) -> Response:
        if fault is Fault.BODY_TOO_LARGE and head is not None:
            return self._api.oversized(head)
        return refused(fault.value, "InvalidRequest", "The request could not be read")

    def received(self, request: Request, *, keep_alive: bool) -> None:
        self._keep_alive = keep_alive
        response = self._route(request)
        self._release()
        if response is ACCEPTED and keep_alive:
            self._owed = True
        elif response is not None:
            self._pay()
            self.send(response, keep_alive=keep_alive)

    def buffer_updated(self, nbytes: int) -> None:
        """A runtime that asks for the next event together with its result waits for that, not for our thanks.

        So they go with the event: one message less, and the runtime sleeps until there is something to do.
        """
        super().buffer_updated(nbytes)
        if self._owed and not self._api.parks(self):
            self._pay()

    def _pay(self) -> None:
        if self._owed and self.transport is not None:
            self._owed = False
            self.transport.write(ACCEPTED_BYTES)

    def _route(self, request: Request) -> Response | None:
        path, method = request.path, request.method
        if method == "GET":
            if path == NEXT_PATH:
                return self._api.next(self)
            return PONG if path == PING_PATH else NOT_FOUND
        if method == "POST":
            if path.startswith(INVOCATION):
                return self._invocation(request, path[len(INVOCATION) :])
            if path == INIT_ERROR_PATH:
                return self._api.init_error(error_type(request, "Runtime.Unknown"), request.body)
        return NOT_FOUND

    def _invocation(self, request: Request, rest: str) -> Response:
        request_id, _, what = rest.partition("/")
        if what == "response":
            return self._api.result(request_id, request.body, None)
        if what == "error":
            return self._api.result(request_id, request.body, error_type(request, "Function.Unknown"))
        return NOT_FOUND

    def send_event(self, invocation: Invocation) -> None:
        """Answer the parked `next`."""
        if self.transport is None:
            return  # the guest has just closed it: its exit, or the deadline, ends the invocation
        payload = invocation.payload
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Lambda-Runtime-Aws-Request-Id: {invocation.request_id}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {invocation.deadline_ms}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {invocation.function_arn}\r\n"
            f"Lambda-Runtime-Trace-Id: {invocation.trace_id}\r\n"
        )
        if invocation.client_context is not None:
            head += f"Lambda-Runtime-Client-Context: {invocation.client_context}\r\n"
        if invocation.tenant_id is not None:
            head += f"Lambda-Runtime-Aws-Tenant-Id: {invocation.tenant_id}\r\n"
        if not self._keep_alive:
            head += "Connection: close\r\n"
        thanks = ACCEPTED_BYTES if self._owed else b""
        self._owed = False
        self.transport.write(thanks + f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload)
        if not self._keep_alive:
            self.close()


def error_type(request: Request, otherwise: str) -> str:
    """The error type that the runtime claims, if it has the form that AWS accepts."""
    claimed = request.headers.get("lambda-runtime-function-error-type", "")
    return claimed if ERROR_TYPE.fullmatch(claimed) else otherwise


@asynccontextmanager
async def runtime_api(
    listener: socket.socket, tell: Tell, tasks: asyncio.TaskGroup, allowance: Allowance
) -> AsyncGenerator[RuntimeApi]:
    """Answer the Runtime API on a socket that listens inside a sandbox; takes the socket over."""
    api = RuntimeApi(tell, allowance)
    api.listener = Listener(listener, lambda: RuntimeConnection(api), tasks, allowance.slice, GUEST_LIMITS.connections)
    allowance.sweeper.watch(api)
    try:
        yield api
    finally:
        api.close()
