"""A request as bytes over a socket, and whether what comes back is an answer of AWS's kind."""

from __future__ import annotations

import json
import socket
from functools import cache
from typing import Any, Final, NamedTuple
from xml.etree import ElementTree as ET

from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.session import Session

ANSWER_S: Final = 30.0  # what takes longer hangs
BUGS: Final = frozenset({"ServiceException", "InternalFailure", "InternalError"})


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]  # by lower-case name
    body: bytes


class Unreadable(AssertionError):
    """No SDK could read it."""


def visited(port: int, request: bytes, *, leaves: bool, bodiless: bool) -> Answer | None:
    """Send the bytes on a connection of their own; None when it was closed without an answer.

    `leaves`: the client has nothing more to send, and says so, although the request promised it. `bodiless`: HEAD.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S) as connection:
        received = b""
        try:
            connection.sendall(request)
            if leaves:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server has heard enough, and its answer is there already
        while True:
            answer = _answer(received, bodiless=bodiless)
            if answer is not None:
                return answer
            try:
                data = connection.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            if not data:
                if received:
                    raise Unreadable(f"cut: {received[:300]!r}")
                return None
            received += data


def _answer(received: bytes, *, bodiless: bool) -> Answer | None:
    """The first answer that is none of 100 Continue; None: not whole yet."""
    if received.startswith(b"HTTP/1.1 100 "):
        _, end, received = received.partition(b"\r\n\r\n")
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return None
    lines = head.decode("latin-1").split("\r\n")
    if not lines[0].startswith("HTTP/1.1 "):
        raise Unreadable(f"not HTTP: {received[:300]!r}")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(": ")
        if not colon or any(c < " " for c in value):
            raise Unreadable(f"not a header: {line!r}")
        headers[name.lower()] = value
    size = 0 if bodiless else int(headers.get("content-length", 0))
    return Answer(int(lines[0].split(" ")[1]), headers, body[:size]) if len(body) >= size else None


def check(answer: Answer, *, bodiless: bool) -> None:
    """Raises AssertionError for what AWS would not answer, whatever was asked."""
    assert answer.status not in (500, 502), answer
    assert answer.headers.get("x-amzn-requestid"), answer
    if bodiless or answer.status < 300:
        return
    kind = answer.headers.get("content-type", "")
    if "json" in kind:
        told = json.loads(answer.body)
        code = answer.headers.get("x-amzn-errortype") or told["__type"]
        assert "message" in told or "Message" in told, answer  # null where a function URL refuses, as AWS says it
    elif "xml" in kind:
        root = ET.fromstring(answer.body)
        code = next((element.text for element in root.iter() if element.tag.endswith("Code")), None)
    else:
        assert kind == "application/cbor", answer
        code = answer.headers.get("x-amzn-errortype")
    assert code, answer
    assert code not in BUGS, answer


def check_as_sdk(answer: Answer, service: str, operation: str) -> dict[str, Any]:
    """What boto3 makes of the answer to a call of the operation; raises AssertionError where it can make nothing of it."""
    model = _model(service)
    shape = model.operation_model(operation).output_shape
    streaming = shape is not None and any(
        member.serialization.get("streaming") for member in getattr(shape, "members", {}).values()
    )
    parser = create_parser(model.protocol)
    given = {"status_code": answer.status, "headers": HeadersDict(answer.headers), "body": answer.body}
    if streaming and answer.status < 300:
        return {}
    told = parser.parse(given, shape)
    if answer.status >= 300:
        assert told["Error"]["Code"], answer
        assert told["Error"]["Code"] not in BUGS, answer
    return told


@cache
def _model(service: str) -> Any:
    return Session().get_service_model(service)
