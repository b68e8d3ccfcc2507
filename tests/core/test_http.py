"""The HTTP server, spoken to through raw sockets, as a client does that means no good."""

import asyncio
import io
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lambent.core.budgets import Payer
from lambent.core.door import Door
from lambent.core.limits import Fault, HttpLimits
from lambent.core.serving import serving
from lambent.core.sweeper import sweeping
from lambent.wire.messages import Request, Response

FILE_BYTES = 3_000_001
LIMITS = HttpLimits(head_bytes=4096, head_count=20, head_timeout_s=0.2, body_timeout_s=0.2, buffered_bytes=100_000)


async def echo(request: Request) -> Response:
    return Response(200, [("x-path", request.path), ("x-query", request.query)], request.body)


def told(fault: Fault, head: Request | None) -> Response:
    return Response(fault.value, [("x-fault", fault.name)], (head.path if head else "?").encode())


@asynccontextmanager
async def door(
    handle: Callable[[Request], Awaitable[Response]] = echo,
    limits: HttpLimits = LIMITS,
    refusal: Callable[[Fault, Request | None], Response] = told,
    admit: Callable[[Request], Payer | Response] = lambda _head: Payer("caller", 50_000),
    grace_s: float = 0.1,
    listener: socket.socket | None = None,
) -> AsyncIterator[tuple[int, Door]]:
    listener = listener or socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    async with (
        sweeping() as sweeper,
        serving(
            handle,
            sweeper,
            sockets=[listener],
            limits=limits,
            admit=admit,
            refusal=refusal,
            grace_s=grace_s,
        ) as opened,
    ):
        yield port, opened


async def said(port: int, *parts: bytes) -> bytes:
    """Everything the server says to `parts` until it closes, or until we have heard nothing more for a while."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0)
    heard = b""
    try:
        while data := await asyncio.wait_for(reader.read(65536), 0.5):
            heard += data
    except TimeoutError:
        pass  # kept alive: nothing more is coming
    writer.close()
    return heard


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
async def test_a_client_of_ipv4_has_its_own_address_on_a_socket_of_both_families():
    async def peer(request: Request) -> Response:
        return Response(200, [], request.peer.encode())

    both = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    async with door(peer, listener=both) as (port, _):
        assert (await said(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).endswith(b"\r\n127.0.0.1")


async def test_a_request_is_answered_and_the_connection_kept():
    async with door() as (port, _):
        heard = await said(port, b"POST /a%20b?c=d HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi" * 2)
    assert heard.count(b"HTTP/1.1 200 OK") == 2
    assert heard.count(b"x-path: /a%20b\r\nx-query: c=d") == 2


async def test_lines_of_one_header_are_a_list_and_cookies_are_not():
    async def headers(request: Request) -> Response:
        return Response(200, [], f"{request.headers['x-a']} {request.headers['cookie']}".encode())

    async with door(headers) as (port, _):
        heard = await said(port, b"GET / HTTP/1.1\r\nX-A: 1\r\nCookie: a=1\r\nx-a: 2\r\nCOOKIE: b=2\r\n\r\n")
    assert heard.endswith(b"1,2 a=1; b=2")


async def test_a_request_for_a_whole_url_is_for_the_host_of_the_url():
    async def host(request: Request) -> Response:
        return Response(200, [("x-path", request.path)], request.headers["host"].encode())

    async with door(host) as (port, _):
        whole = await said(port, b"GET http://a.test:80/b?c=http://d/ HTTP/1.1\r\nHost: other\r\n\r\n")
        bare = await said(port, b"GET http://a.test?c HTTP/1.1\r\nHost: other\r\n\r\n")
        no_url = await said(port, b"OPTIONS * HTTP/1.1\r\nHost: other\r\n\r\n")
    assert b"x-path: /b\r\n" in whole
    assert whole.endswith(b"\r\n\r\na.test:80")
    assert b"x-path: /\r\n" in bare
    assert bare.endswith(b"\r\n\r\na.test")
    assert no_url.endswith(b"\r\n\r\nother")


async def test_a_request_in_single_bytes_is_read_as_one():
    request = b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    async with door() as (port, _):
        heard = await said(port, *[bytes([byte]) for byte in request])
    assert heard.endswith(b"\r\n\r\nabc")


async def test_a_chunked_body_is_joined_and_counted():
    async with door() as (port, _):
        heard = await said(
            port,
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        )
        endless = await said(
            port,
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            *[b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n"] * 3,
        )
    assert heard.endswith(b"abcde")
    assert b"413" in endless.split(b"\r\n")[0]


async def test_a_declared_body_that_is_too_large_is_refused_before_it_is_sent():
    async with door() as (port, opened):
        heard = await said(port, b"POST /big HTTP/1.1\r\nHost: x\r\nContent-Length: 50001\r\n\r\n")
        assert free_bytes(opened) == LIMITS.buffered_bytes
    assert heard.startswith(b"HTTP/1.1 413")
    assert heard.endswith(b"/big")


async def test_a_client_that_goes_on_sending_after_a_refusal_still_reads_the_answer():
    async with door() as (port, _):
        body = b"x" * 3_000_000
        heard = await said(port, b"POST /big HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n", body)
    assert heard.startswith(b"HTTP/1.1 413")


def half_upload(size: int, *, of: int = 50_000, path: str = "/") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {of}\r\n\r\n".encode() + b"x" * size


async def sending(port: int, *octets: bytes) -> list[asyncio.StreamWriter]:
    """Connections that have sent these bytes, and wait."""
    writers: list[asyncio.StreamWriter] = []
    for part in octets:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(part)
        await writer.drain()
        writers.append(writer)
    return writers


def free_bytes(opened: Door) -> int:
    """What bodies of either kind may still take."""
    return opened.budgets.small.free + opened.budgets.free_bytes


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):  # only against hanging
        while not true():
            await asyncio.sleep(0.001)


def patient(**limits: int) -> HttpLimits:
    """Limits under which nothing is refused for being slow."""
    return HttpLimits(**{"buffered_bytes": 100_000, "connections": 1000, **limits})


async def test_half_uploads_of_one_payer_do_not_keep_out_small_bodies_nor_other_payers():
    async def size(request: Request) -> Response:
        return Response(200, [], b"%d" % len(request.body))

    def payer(head: Request) -> Payer:
        return Payer(head.path, 50_000)

    async with door(size, patient(), admit=payer) as (port, opened):
        held = await sending(port, *[half_upload(24_000)] * 9)
        await until(lambda: free_bytes(opened) <= 100_000 - 48_000)
        for path in ("/", "/other"):
            assert (await said(port, half_upload(2_000, of=2_000, path=path))).endswith(b"\r\n2000")
        assert (await said(port, half_upload(16_384, of=16_384))).endswith(b"\r\n16384")
        assert (await said(port, half_upload(16_400, of=16_400, path="/other"))).endswith(b"\r\n16400")
        for writer in held:
            writer.close()
        await until(lambda: not opened.connections)
        assert free_bytes(opened) == 100_000


async def test_an_upload_that_stands_still_gives_way_to_one_that_comes_and_one_that_comes_does_not():
    async with door(limits=patient()) as (port, opened):
        held = await sending(port, half_upload(40_000))
        await until(lambda: opened.budgets.free_bytes == 35_000)
        assert (await said(port, half_upload(30_000, of=30_000))).startswith(b"HTTP/1.1 503")
        opened.budgets.tick()
        opened.budgets.tick()
        assert (await said(port, half_upload(30_000, of=30_000))).startswith(b"HTTP/1.1 200")
        await until(lambda: free_bytes(opened) == 100_000)
        held[0].close()


async def test_an_upload_that_gives_way_behind_a_request_that_is_being_answered_is_told_after_it():
    answer = asyncio.Event()

    async def wait(request: Request) -> Response:
        if request.method == "GET":
            await answer.wait()
        return Response(200, [], b"%d" % len(request.body))

    async with door(wait, patient()) as (port, opened):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + half_upload(40_000))
        await until(lambda: opened.budgets.free_bytes == 35_000)
        opened.budgets.tick()
        opened.budgets.tick()
        assert (await said(port, half_upload(30_000, of=30_000))).endswith(b"\r\n30000")
        await until(lambda: free_bytes(opened) == 100_000)
        answer.set()
        heard = await reader.read()
        assert heard.startswith(b"HTTP/1.1 200")
        assert heard.count(b"HTTP/1.1 503") == 1
        writer.close()


async def test_what_is_refused_from_its_head_is_answered_and_none_of_its_body_kept():
    def refuse(_head: Request) -> Payer | Response:
        return Response(403, [], b"who are you?")

    async with door(limits=patient(), admit=refuse) as (port, opened):
        for head in (half_upload(50_000), b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"):
            heard = await said(port, head)
            assert heard.startswith(b"HTTP/1.1 403")
            assert heard.endswith(b"connection: close\r\n\r\nwho are you?")
        assert free_bytes(opened) == 100_000
        assert (await said(port, half_upload(16_384, of=16_384))).startswith(b"HTTP/1.1 200")


async def test_a_head_without_end_is_refused():
    async with door() as (port, _):
        long_url = await said(port, b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n")
        many = await said(port, b"GET / HTTP/1.1\r\n" + b"".join(b"h%d: v\r\n" % i for i in range(30)) + b"\r\n")
    assert long_url.startswith(b"HTTP/1.1 431")
    assert many.startswith(b"HTTP/1.1 431")


async def test_trailers_without_end_are_refused_by_their_bytes_like_any_framing():
    limits = HttpLimits(head_bytes=4096, head_timeout_s=5.0, body_timeout_s=5.0)
    request = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx: "
    async with door(limits=limits) as (port, _):
        heard = await said(port, request, *[b"y" * 64_000] * 10)
    assert heard.startswith(b"HTTP/1.1 413")


async def test_what_is_not_http_gets_400_and_the_connection_ends():
    async with door() as (port, _):
        for junk in (
            b"\x16\x03\x01\x02\x00\x01",
            b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
        ):
            heard = await said(port, junk)
            assert heard.startswith(b"HTTP/1.1 400"), junk
            assert b"connection: close" in heard


async def test_a_sender_that_stops_in_the_middle_is_told_so():
    async with door() as (port, _):
        head = asyncio.create_task(until_closed(port, b"GET / HTTP/1.1\r\nHost"))
        body = asyncio.create_task(until_closed(port, b"POST /b HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"))
        assert (await head).startswith(b"HTTP/1.1 408")
        assert (await body).startswith(b"HTTP/1.1 408")


async def until_closed(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    heard = await reader.read()
    writer.close()
    return heard


async def test_pipelined_requests_are_answered_in_their_order():
    first_may_end = asyncio.Event()

    async def handle(request: Request) -> Response:
        if request.path == "/0":
            await first_may_end.wait()
        return Response(200, [], request.path.encode())

    async with door(handle) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % i for i in range(5)))
        await writer.drain()
        first_may_end.set()
        heard = b""
        while heard.count(b"HTTP/1.1") < 5 or not heard.endswith(b"/4"):
            heard += await reader.read(65536)
        writer.close()
    bodies = [part.split(b"\r\n\r\n")[1] for part in heard.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert bodies == [b"/0", b"/1", b"/2", b"/3", b"/4"]


async def test_expect_100_continue_is_answered_before_the_body_comes():
    async with door() as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hi")
        assert (await reader.readuntil(b"hi")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_the_answer_to_head_and_to_204_has_no_body():
    async def handle(request: Request) -> Response:
        return Response(204 if request.method == "GET" else 200, [], b"body")

    async with door(handle) as (port, _):
        heard = await said(port, b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"content-length: 4" in heard
    assert heard.endswith(b"HTTP/1.1 204 No Content\r\n\r\n")


async def test_those_who_bring_nothing_make_room_for_who_comes():
    async with door(limits=patient(connections=130)) as (port, opened):
        reader, kept = await asyncio.open_connection("127.0.0.1", port)
        kept.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        openings = (b"", b"GET / HT", half_upload(10, of=100), b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ")
        idle = await sending(port, *[openings[n % len(openings)] for n in range(300)])
        assert len(opened.connections) <= 130
        assert (await said(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 200")
        kept.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")  # it was served once, and stays before all who were not
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert opened.budgets.small.free >= 25_000 - 130 * 10
        for writer in (*idle, kept):
            writer.close()


async def test_of_those_who_were_served_the_longest_idle_makes_room():
    async with door(limits=patient(connections=4)) as (port, opened):
        clients = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        for reader, writer in [*clients, clients[0]]:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
        assert (await said(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert await clients[1][0].read() == b""
        assert len(opened.connections) <= 4
        for _reader, writer in clients:
            writer.close()


async def test_a_connection_too_many_is_refused_when_all_others_are_at_work():
    answer = asyncio.Event()

    async def wait(_request: Request) -> Response:
        await answer.wait()
        return Response(200, [], b"")

    async with door(wait, patient(connections=2)) as (port, opened):
        held = await sending(port, *[b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"] * 2)
        await until(lambda: sum(connection.busy for connection in opened.connections) == 2)
        assert (await said(port)).startswith(b"HTTP/1.1 503")
        answer.set()
        for writer in held:
            writer.close()


async def test_leaving_the_door_cancels_what_does_not_end_within_the_grace():
    cancelled = asyncio.Event()

    async def handle(_request: Request) -> Response:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError("unreachable")

    async with door(handle) as (port, opened):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while not any(connection.task for connection in opened.connections):
            await asyncio.sleep(0.001)
    assert cancelled.is_set()
    writer.close()


async def test_leaving_the_door_cancels_what_is_answered_to_a_client_who_has_gone():
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def handle(_request: Request) -> Response:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError("unreachable")

    async with door(handle) as (port, opened):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await begun.wait()
        writer.close()
        while opened.connections:
            await asyncio.sleep(0.001)
        assert not cancelled.is_set()  # it goes on, as a function does whose client has gone
    assert cancelled.is_set()
    assert not opened.answering


async def test_an_idle_connection_does_not_hold_up_leaving_and_one_that_has_ended_is_forgotten():
    async with door(grace_s=3600.0) as (port, opened):
        assert (await said(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 200")
        while opened.answering:
            await asyncio.sleep(0.001)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        assert len(opened.answering) == 1
    assert await reader.read() == b""
    writer.close()


async def test_a_bug_in_the_handler_ends_one_connection_and_not_the_door():
    async def handle(request: Request) -> Response:
        if request.path == "/bug":
            raise RuntimeError("bug")
        return Response(200, [], b"fine")

    async with door(handle) as (port, _):
        assert (await said(port, b"GET /bug HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 500")
        assert (await said(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).endswith(b"fine")


async def test_rubbish_behind_a_request_is_told_after_its_answer_and_ends_only_this_connection():
    may_end = asyncio.Event()

    async def handle(_request: Request) -> Response:
        await may_end.wait()
        return Response(200, [], b"fine")

    async with door(handle) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\x00")
        await writer.drain()
        may_end.set()
        heard = await reader.read()
        assert heard.index(b"HTTP/1.1 200") < heard.index(b"HTTP/1.1 400")
        assert (await said(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).endswith(b"fine")
        writer.close()


async def test_a_bug_in_refusing_what_is_behind_a_request_or_late_ends_one_connection_and_not_the_door():
    def refusal(_fault: Fault, _head: Request | None) -> Response:
        raise RuntimeError("bug")

    async def handle(_request: Request) -> Response:
        await asyncio.sleep(0)
        return Response(200, [], b"fine")

    async with door(handle, refusal=refusal) as (port, _):
        assert (await said(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\x00")).endswith(b"fine")
        assert await until_closed(port, b"GET / HTTP/1.1\r\nHo") == b""
        assert (await said(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).endswith(b"fine")


async def test_a_request_for_another_protocol_is_answered_in_this_one():
    """As Java's HttpClient and `curl --http2` begin with every server."""
    upgrade = b"GET /%d HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    async with door() as (port, _):
        heard = await said(port, upgrade % 1 + upgrade % 2 + b"GET /3 HTTP/1.1\r\nHost: x\r\n\r\n")
        tunnel = await said(port, b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n\x16\x03\x01")
    assert heard.count(b"HTTP/1.1 200 OK") == 3
    assert b"x-path: /3" in heard
    assert b"HTTP/1.1 400" in tunnel


async def test_a_body_is_never_taken_for_a_request_though_another_protocol_is_asked_for():
    inner = b"GET /inner HTTP/1.1\r\nHost: x\r\n\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(inner)
    async with door() as (port, _):
        for start in (
            b"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n" + length,
            b"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n" + length,
        ):
            heard = await said(port, start + inner)
            assert heard.startswith(b"HTTP/1.1 400")
            assert heard.count(b"HTTP/1.1") == 1


async def test_many_small_requests_at_once_are_not_taken_for_a_large_one():
    requests = 2_000  # 60 KB at once, where a head may have 4
    async with door() as (port, _):
        heard = await said(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * requests)
    assert heard.count(b"HTTP/1.1 200 OK") == requests


async def test_trailers_are_dropped_and_their_number_is_bounded():
    def sent(trailers: bytes) -> bytes:
        return b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n" + trailers

    async def handle(request: Request) -> Response:
        return Response(200, [], " ".join(request.headers).encode())

    limits = HttpLimits(head_bytes=4096, head_timeout_s=5.0, body_timeout_s=5.0)
    async with door(handle, limits) as (port, _):
        fine = await said(port, sent(b"Authorization: x\r\n\r\n") + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        endless = await said(port, sent(b""), *[b"a:b\r\n" * 10_000] * 10)
    assert fine.count(b"HTTP/1.1 200 OK") == 2
    assert b"authorization" not in fine
    assert endless.startswith(b"HTTP/1.1 413")


async def test_who_does_not_take_the_answers_gets_no_more_of_them_until_they_do():
    answered = 0

    async def handle(_request: Request) -> Response:
        nonlocal answered
        answered += 1
        return Response(200, [], b"x" * 100_000)

    async with door(handle) as (port, opened):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
        while not any(connection.unsent_bytes for connection in opened.connections):
            await asyncio.sleep(0.001)
        assert answered < 500  # the rest waits: 50 MB would not fit into what the machine buffers for us
        heard = 0
        while heard < 500 * 100_000:
            heard += len(await reader.read(1 << 20))
        writer.close()
    assert answered == 500


async def test_who_takes_nothing_for_long_is_cut_off():
    async def handle(_request: Request) -> Response:
        return Response(200, [], b"x" * 10_000_000)

    async with door(handle, HttpLimits(idle_timeout_s=0.1)) as (port, opened):
        for connection in (b"keep-alive", b"close"):
            with socket.create_connection(("127.0.0.1", port)) as client:
                request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: %s\r\n\r\n" % connection
                await asyncio.to_thread(client.sendall, request * 3)
                while not opened.connections:
                    await asyncio.sleep(0.001)
                while opened.connections:
                    await asyncio.sleep(0.001)


async def test_a_request_behind_another_has_as_much_time_as_it_needs():
    async def handle(request: Request) -> Response:
        if request.path == "/long":
            await asyncio.sleep(1.0)  # longer than a client may be idle, and than it takes to notice
        return Response(200, [], b"")

    async with door(handle, HttpLimits(idle_timeout_s=0.1)) as (port, _):
        heard = await until_closed(
            port, b"".join(b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in (b"short", b"long"))
        )
    assert heard.count(b"HTTP/1.1 200 OK") == 2


async def test_a_body_counts_until_its_own_request_is_answered_even_if_nobody_waits_any_more():
    may_end = asyncio.Event()

    async def handle(request: Request) -> Response:
        if request.path == "/held":
            await may_end.wait()
        return Response(200, [], b"")

    async with door(handle) as (port, opened):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = b"HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000
        writer.write(b"POST /first " + body + b"POST /held " + body)
        await writer.drain()
        assert (await _reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert free_bytes(opened) == LIMITS.buffered_bytes - 1000
        writer.close()
        while opened.connections:
            await asyncio.sleep(0.001)
        assert free_bytes(opened) == LIMITS.buffered_bytes - 1000
        may_end.set()
        while free_bytes(opened) != LIMITS.buffered_bytes:
            await asyncio.sleep(0.001)


async def answer_with_a_file(_: Request) -> Response:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the door closes it
    file.truncate(FILE_BYTES)
    return Response(200, [], b"", file)


async def test_a_file_is_sent_whole_and_the_connection_kept():
    size = FILE_BYTES
    async with door(answer_with_a_file) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"content-length: %d\r\n" % size in head
            assert await reader.readexactly(size) == bytes(size)
        writer.write(b"HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head = await reader.read()
        writer.close()
    assert b"content-length: %d\r\n" % size in head
    assert head.endswith(b"\r\n\r\n")


async def test_a_file_is_read_no_faster_than_the_client_takes_it():
    size = 50_000_000
    taken: list[int] = []

    class Counted(io.BytesIO):
        def fileno(self) -> int:
            return backing.fileno()

        def read(self, count: int | None = -1, /) -> bytes:
            taken.append(count or 0)
            return bytes(count or 0)

    async def answer(_: Request) -> Response:
        return Response(200, [], b"", Counted())

    with tempfile.TemporaryFile() as backing:
        backing.truncate(size)
        async with door(answer) as (port, opened):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            while not any(visitor.transport.get_write_buffer_size() for visitor in opened.connections):  # type: ignore[union-attr]
                await asyncio.sleep(0)
            assert sum(taken) < size / 2  # the rest waits, until the kernel's buffers have room again
            writer.close()


async def test_a_file_that_is_on_its_way_when_the_door_is_left_arrives_whole_and_ends_the_connection():
    size = 50_000_000

    async def answer(_: Request) -> Response:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the door closes it
        file.truncate(size)
        return Response(200, [], b"", file)

    async with door(answer, grace_s=3600.0) as (port, opened):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        while not any(visitor.transport.get_write_buffer_size() for visitor in opened.connections):  # type: ignore[union-attr]
            await asyncio.sleep(0)
        reading = asyncio.create_task(reader.read())
    assert len(await reading) == size
    writer.close()


async def test_a_file_that_ends_early_ends_the_connection_and_not_the_answer(tmp_path: Path):
    class Shrinking(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes | None:  # type: ignore[override]
            self.truncate(300_000)
            return super().read(-1 if size is None else size)

    async def answer(_: Request) -> Response:
        return Response(200, [], b"", Shrinking(path, "r+b"))  # type: ignore[arg-type]

    path = tmp_path / "file"
    path.write_bytes(bytes(600_000))
    async with door(answer) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"content-length: 600000\r\n" in head
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await reader.readexactly(600_000)
        writer.close()
