"""What strangers say about themselves is not kept: memory after thousands of requests is what it was before."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.hostile.arena import Arena

TIMES = 9000
KEPT_MIB = 40  # of which most is what the allocator has not given back
LONG = 60_000  # characters: a head may have 64 KB


def request(number: int, *, key: str = "", scope: str = "", names: str = "", path: str = "/", **headers: str) -> bytes:
    """An unsigned request that names a scope, signed headers and others, each different for each number."""
    today = datetime.now(UTC)
    scope = scope or "us-east-1/lambda"
    signed = f"host;x-amz-date{names}"
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={key or 'AKIANOBODY'}/{today:%Y%m%d}/{scope}/aws4_request, "
        f"SignedHeaders={signed}, Signature={number:064d}"
    )
    lines = [
        f"GET {path} HTTP/1.1",
        f"host: {headers.pop('host', 'x')}",
        f"authorization: {authorization}",
        f"x-amz-date: {today:%Y%m%dT%H%M%SZ}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def filled(number: int, size: int = LONG) -> str:
    return f"{number:012d}".ljust(size, "a")


VARIANTS: dict[str, Callable[[int], bytes]] = {
    "a token": lambda n: request(n, x_amz_security_token=filled(n)),
    "a token in the query": lambda n: request(n, path=f"/?X-Amz-Security-Token={filled(n)}"),
    "an access key id": lambda n: request(n, key=filled(n)),
    "an access key id that is short enough to remember": lambda n: request(n, key=filled(n, 800)),
    "signed headers": lambda n: request(n, names=f";{n}" + "".join(f";{c:x}" for c in range(n * 7, n * 7 + 150))),
    "a host": lambda n: request(n, host=filled(n)),
    "a path": lambda n: request(n, path="/2015-03-31/functions/" + filled(n)),
    "a path that is short enough to remember": lambda n: request(n, path="/2015-03-31/functions/" + filled(n, 480)),
    "a region": lambda n: request(n, scope=f"{filled(n, 400)}/lambda"),
    "a service": lambda n: request(n, scope=f"us-east-1/{filled(n, 400)}"),
    "a date": lambda n: request(n, date=filled(n)),
    "a trace": lambda n: request(n, x_amzn_trace_id=filled(n)),
}


def send_all(port: int, make: Callable[[int], bytes], times: int, connections: int = 100) -> list[socket.socket]:
    """Send these requests by so many connections, which stay open; each is refused."""
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    for number, connection in zip(range(times), itertools.cycle(held), strict=False):
        connection.sendall(make(number))
        assert connection.recv(65536).split(b" ", 2)[1] in (b"400", b"403", b"404"), make(number)[:200]
    return held


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_strangers_say_is_not_kept(arena: Arena, variant: str) -> None:
    before = arena.spending()
    held = send_all(arena.port, VARIANTS[variant], TIMES if variant == "a token" else TIMES // 3)
    after = arena.spending()
    for connection in held:
        connection.close()
    assert after.resident_mib - before.resident_mib < KEPT_MIB


def test_a_head_is_not_kept_for_as_long_as_its_connection_is(arena: Arena) -> None:
    before = arena.spending()
    held = send_all(arena.port, VARIANTS["a token"], 800, connections=800)
    after = arena.spending()
    for connection in held:
        connection.close()
    assert after.resident_mib - before.resident_mib < 0.5 * 800 * LONG / 2**20
