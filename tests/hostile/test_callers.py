"""Callers that nobody has let in: what they begin and do not end keeps nobody out, and nothing of it is kept."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from tests.hostile.arena import Arena

MIB = 1024 * 1024
PATH = "/2015-03-31/functions"
CONNECTIONS = 400
IDLE = 600


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    return ("--http-connections", str(CONNECTIONS))


def claim(key: str) -> str:
    day = f"{datetime.now(UTC):%Y%m%d}"
    scope = f"{day}/us-east-1/lambda/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"


def upload(port: int, size: int, headers: dict[str, str], path: str = PATH, framing: str = "") -> socket.socket:
    """Half of an upload; what the server does not take is not sent."""
    connection = socket.create_connection(("127.0.0.1", port))
    length = framing or f"content-length: {size * 2}"
    lines = [f"POST {path} HTTP/1.1", "host: x", length, *(f"{name}: {value}" for name, value in headers.items())]
    connection.settimeout(5)
    try:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        connection.sendall((b"%x\r\n" % size if framing else b"") + b"x" * size)
    except OSError:
        pass  # it is refused before it is sent
    return connection


@contextmanager
def uploads(count: int, port: int, headers: dict[str, str], framing: str = "") -> Generator[list[socket.socket]]:
    held = [upload(port, 30 * MIB, headers, framing=framing) for _ in range(count)]
    try:
        yield held
    finally:
        for connection in held:
            connection.close()


def now() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


@pytest.mark.parametrize("who", ["nobody", "an unknown key", "a key without a secret", "a declared hash"])
@pytest.mark.parametrize("framing", ["", "transfer-encoding: chunked"])
def test_half_uploads_of_whoever_has_not_signed_refuse_neither_events_nor_uploads(
    arena: Arena, who: str, framing: str
) -> None:
    root = arena.server.keys["AWS_ACCESS_KEY_ID"]
    headers = {
        "nobody": {},
        "an unknown key": {"authorization": claim("AKIANOBODY"), "x-amz-date": now()},
        "a key without a secret": {"authorization": claim(root), "x-amz-date": now()},
        "a declared hash": {"authorization": claim(root), "x-amz-date": now(), "x-amz-content-sha256": "0" * 64},
    }[who]
    before = arena.spending().resident_mib
    with uploads(18, arena.port, headers, framing):
        event = {"text": "x" * 2048}
        assert [arena.invoke("bystander", event)["Payload"] for _ in range(20)] == [event] * 20
        if who != "a key without a secret":  # else it cannot be known until the body is there: it gives way
            assert arena.spending().resident_mib - before < 100
        large = {"text": "x" * 4 * MIB}
        assert arena.invoke("bystander", large)["Payload"] == large


def test_idle_connections_of_somebody_refuse_nobody(arena: Arena) -> None:
    opened: list[socket.socket] = []
    try:
        for number in range(IDLE):
            connection = socket.create_connection(("127.0.0.1", arena.port))
            if number % 3:
                connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n"[: number % 24])
            opened.append(connection)
        for _ in range(20):
            fresh = http.client.HTTPConnection("127.0.0.1", arena.port)
            fresh.request("GET", "/_lambent/health")
            assert json.loads(fresh.getresponse().read())["status"] == "ready"
            fresh.close()
        assert arena.invoke("bystander", 1)["Payload"] == 1
    finally:
        for connection in opened:
            connection.close()
