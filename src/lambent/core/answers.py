"""A response as the bytes of HTTP/1.1."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from lambent.wire.messages import Response

STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
BODILESS: Final = frozenset({204, 304})


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
