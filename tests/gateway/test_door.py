"""The gateway behind its real server, met by clients who are slow, huge, cut off, or not speaking HTTP at all.

Sockets are raw, because no client library would send what is sent here. What takes time is bounded by the server's own
deadlines, which are set short; no test measures any.
"""

from __future__ import annotations

import asyncio
import json
import socket
import string
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambent.core.door import serving
from lambent.core.http import HttpLimits
from lambent.gateway.gateway import Mode
from lambent.wire.messages import Request
from tests.gateway.small import gateway
from tests.wire.signing import signed

SHORT = HttpLimits(head_bytes=4096, head_count=20, head_timeout_s=0.2, body_timeout_s=0.2, idle_timeout_s=5.0)
LONG = HttpLimits()
ANSWER_S = 10.0  # when a test gives up
MODES: tuple[Mode, ...] = ("enforced", "open")


@asynccontextmanager
async def door(limits: HttpLimits = LONG) -> AsyncIterator[int]:
    made = gateway()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    async with serving(
        made.handle, sockets=[listener], limits=limits, admit=made.admit, refusal=made.refuse, grace_s=0.1
    ):
        yield port


async def told(port: int, octets: bytes, *, end: bool = False) -> tuple[int, dict[str, str], bytes]:
    """Send these octets and read one answer: status, headers, body."""
    async with asyncio.timeout(ANSWER_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(octets)
        if end:
            writer.write_eof()
        try:
            return await answer(reader)
        finally:
            writer.close()


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), headers, await reader.readexactly(int(headers.get("content-length", "0")))


def sent(request: Request, **replaced: str) -> bytes:
    headers = {**request.headers, **{name.replace("_", "-"): value for name, value in replaced.items()}}
    if "transfer-encoding" not in headers:
        headers.setdefault("content-length", str(len(request.body)))
    query = f"?{request.query}" if request.query else ""
    lines = [
        f"{request.method} {request.path}{query} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + request.body


def invocation(port: int, body: bytes = b'{"a": 1}') -> Request:
    return signed("POST", f"http://127.0.0.1:{port}/2015-03-31/functions/hello/invocations", body=body)


async def test_a_signed_invocation_over_a_socket_is_answered():
    async with door() as port:
        status, headers, body = await told(port, sent(invocation(port)))
    assert (status, body) == (200, b'{"a": 1}')
    assert headers["x-amzn-requestid"]


async def test_two_requests_on_one_connection_are_answered_in_order():
    async with door() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent(invocation(port, b"1")) + sent(invocation(port, b"2")))
        assert [(await answer(reader))[2] for _ in range(2)] == [b"1", b"2"]
        writer.close()


async def test_a_chunked_body_is_answered():
    async with door() as port:
        request = invocation(port)
        request.headers.pop("content-length", None)
        request.body = b'4\r\n{"a"\r\n4\r\n: 1}\r\n0\r\n\r\n'
        assert (await told(port, sent(request, transfer_encoding="chunked")))[2] == b'{"a": 1}'


async def test_an_invocation_that_is_too_large_is_refused_from_its_head():
    async with door() as port:
        request = signed("POST", f"http://127.0.0.1:{port}/2015-03-31/functions/hello/invocations")
        status, headers, body = await told(port, sent(request, content_length="7000000"))
    assert (status, headers["x-amzn-errortype"]) == (413, "RequestEntityTooLargeException")
    assert json.loads(body)["message"] == "Request must be smaller than 6291456 bytes for the InvokeFunction operation"


async def test_a_function_that_is_too_large_is_refused_and_one_of_fifty_megabytes_is_not():
    async with door() as port:
        request = signed("POST", f"http://127.0.0.1:{port}/2015-03-31/functions")
        status, _, body = await told(port, sent(request, content_length="70167212"))
        assert status == 413
        assert b"Request must be smaller than 70167211 bytes for the CreateFunction operation" in body
        body = b'{"FunctionName":"f","Role":"arn:aws:iam::1:role/r","Code":{}, "Description":"' + b"x" * 40_000_000
        request = signed("POST", f"http://127.0.0.1:{port}/2015-03-31/functions", body=body)
        assert (await told(port, sent(request)))[0] != 413


async def test_a_chunked_body_without_end_is_refused_when_it_is_too_large():
    async with door() as port:
        request = signed("POST", f"http://127.0.0.1:{port}/2015-03-31/tags/x")
        request.headers.pop("content-length", None)
        request.body = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        head = sent(request, transfer_encoding="chunked")
        status, _, _ = await told(port, head + request.body * 20)
    assert status == 413


async def test_a_head_that_is_too_large_is_refused():
    async with door(SHORT) as port:
        octets = b"GET / HTTP/1.1\r\nhost: x\r\nx-long: " + b"y" * 10_000 + b"\r\n\r\n"
        assert (await told(port, octets))[0] == 431
        many = b"GET / HTTP/1.1\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(30)) + b"\r\n"
        assert (await told(port, many))[0] == 431


@pytest.mark.parametrize(
    "octets", [b"GET / HTTP/1.1\r\nhost:", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc"]
)
async def test_a_request_that_never_ends_is_refused_in_time(octets: bytes):
    async with door(SHORT) as port:
        status, headers, body = await told(port, octets)
    assert (status, headers["x-amzn-errortype"]) == (408, "RequestTimeoutException")
    assert json.loads(body)["message"] == "The request did not arrive in time."


@pytest.mark.parametrize(
    "octets",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nhost x\r\n\r\n",
    ],
)
async def test_what_is_not_http_gets_a_clear_answer(octets: bytes):
    async with door() as port:
        status, headers, body = await told(port, octets)
    assert status == 400
    assert headers["x-amzn-requestid"]
    assert json.loads(body)["message"] == "The request is not well-formed HTTP/1.1."


async def test_a_body_that_is_not_framed_as_its_head_says_gets_a_clear_answer():
    async with door() as port:
        head = sent(invocation(port, b""), transfer_encoding="chunked")
        status, _, body = await told(port, head + b"zz\r\n\r\n")
    assert (status, json.loads(body)["message"]) == (400, "The request is not well-formed HTTP/1.1.")


async def test_a_client_that_leaves_in_the_middle_harms_no_one():
    async with door() as port:
        for octets in (b"POST", b"POST / HTTP/1.1\r\ncontent-length: 100\r\n\r\nabc"):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(octets)
            await writer.drain()
            writer.close()
        assert (await told(port, sent(invocation(port))))[0] == 200


async def test_rubbish_behind_a_request_ends_its_connection_and_nothing_else():
    """Found by the fuzzing below: the refusal closed the stream under the answer, and that ended the server."""
    health = b"GET /_lambent/health HTTP/1.1\r\nhost: x\r\n\r\n"
    async with door() as port:
        status, _, _ = await told(port, health + b"\x00")
        assert status == 200  # answers keep the order of their requests
        assert (await told(port, health))[0] == 200


async def test_anyone_may_ask_whether_it_is_ready():
    async with door() as port:
        status, _, body = await told(port, b"GET /_lambent/health HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (status, json.loads(body)["status"]) == (200, "ready")


FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LETTERS = string.ascii_letters + string.digits + "-_./%=&?$+,;: \xe9\xff"
SIGNATURE = "AWS4-HMAC-SHA256 Credential=a/20261124/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=00"
HEADERS = (
    "authorization",
    "content-type",
    "date",
    "host",
    "smithy-protocol",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-target",
    "x-amz-trailer",
)
VALUES = (
    SIGNATURE,
    "20261124T000000Z",
    "Logs_20140328.DescribeLogGroups",
    "application/x-www-form-urlencoded",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
)
PIECES = (
    b"GET / HTTP/1.1\r\n",
    b"POST /2015-03-31/functions/f/invocations HTTP/1.1\r\n",
    b"host: x\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"content-length: 3\r\n",
    b"transfer-encoding: chunked\r\n",
    b"3\r\nabc\r\n",
    b"0\r\n\r\n",
    b"expect: 100-continue\r\n",
)
texts = st.text(LETTERS, max_size=60)


@FEW
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]),
    path=st.one_of(texts, st.sampled_from(["2015-03-31/functions/hello/invocations", "_lambent/x"])),
    query=texts,
    headers=st.dictionaries(st.sampled_from(HEADERS), st.one_of(texts, st.sampled_from(VALUES))),
    body=st.binary(max_size=200),
    mode=st.sampled_from(MODES),
)
async def test_no_request_ends_in_a_failure_of_ours(
    method: str, path: str, query: str, headers: dict[str, str], body: bytes, mode: Mode
):
    request = Request(method, "/" + path, query, headers, body)
    async with asyncio.timeout(ANSWER_S):
        response = await gateway(mode).handle(request)
    assert response.status < 500 or response.status == 501
    assert dict(response.headers)["x-amzn-RequestId"]


@FEW
@given(octets=st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(PIECES)), max_size=12).map(b"".join))
async def test_no_octets_end_in_a_failure_of_ours_or_in_silence(octets: bytes):
    async with door(SHORT) as port, asyncio.timeout(ANSWER_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(octets)
        writer.write_eof()
        received = await reader.read()
        writer.close()
    assert b"HTTP/1.1 500" not in received
