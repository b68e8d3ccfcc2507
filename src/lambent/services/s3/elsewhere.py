"""Objects in an S3 that is not ours: AWS's, or any that speaks its protocol, at the endpoint that the configuration names.

One GET on a connection of its own, in the path style (endpoint/bucket/key) that every S3 understands, signed unless there
is no key. A package is read now and then, so nothing is kept open. What S3 answers instead of the object is passed on in
its own words; whatever keeps it from answering (no such host, no answer in time, an answer that is not HTTP) becomes such
an answer too, so that a caller always reads why.

It asks with the operator's key and not with the caller's: whether the caller may read is asked before (`Sources`). What
it defends against: names that would mean something else in a path (`names`), an endpoint that sends more than was asked
for, that never ends its answer, or errors without end. It follows no redirect. The content itself is as little trusted as
an upload.
"""

from __future__ import annotations

import asyncio
import html
import io
import re
from typing import Final
from urllib.parse import urlsplit

import httptools
import msgspec

from lambent.core.clock import Clock
from lambent.core.ports import CallRefused, ObjectTooLarge
from lambent.services.s3.names import NameRefused, ObjectPath
from lambent.wire.sigv4_signing import SigningKey, signed_headers

SERVICE: Final = "S3"
OPERATION: Final = "GetObject"
READ_BYTES: Final = 256 * 1024
ERROR_MAX_BYTES: Final = 64 * 1024  # of an answer that is not the object
CODE: Final = re.compile(rb"<Code>([^<]{1,200})</Code>")
MESSAGE: Final = re.compile(rb"<Message>([^<]{1,2000})</Message>")


class Endpoint(msgspec.Struct, frozen=True):
    """Where S3 is, and in whose name it is asked."""

    url: str  # https://host:port, with a path where S3 is below one
    timeout_s: float  # for one object
    key: SigningKey | None = None  # None: requests are not signed


class S3Elsewhere:
    """The `Objects` of an endpoint."""

    def __init__(self, endpoint: Endpoint, clock: Clock) -> None:
        self._endpoint: Final = endpoint
        self._clock: Final = clock

    async def read(self, bucket: str, key: str, version_id: str | None, /, *, max_bytes: int) -> bytes:
        """Raises CallRefused, ObjectTooLarge."""
        try:
            async with asyncio.timeout(self._endpoint.timeout_s):
                return await self._read(bucket, key, version_id, max_bytes)
        except TimeoutError:
            raise refused("RequestTimeout", f"{self._endpoint.url} did not answer in time") from None
        except OSError as error:  # ssl's errors among them
            reason = error.strerror or str(error)
            raise refused("ServiceUnavailable", f"{self._endpoint.url} cannot be reached: {reason}") from None
        except httptools.HttpParserError:
            raise refused("ServiceUnavailable", f"{self._endpoint.url} does not speak HTTP") from None

    async def _read(self, bucket: str, key: str, version_id: str | None, max_bytes: int) -> bytes:
        url = urlsplit(self._endpoint.url)
        try:
            path = ObjectPath(url.path, bucket, key, version_id)
        except NameRefused as wrong:
            raise refused(wrong.code, wrong.message) from None
        answer = Answer(max_bytes)
        encrypted = url.scheme == "https"
        reader, writer = await asyncio.open_connection(
            url.hostname, url.port or (443 if encrypted else 80), ssl=encrypted or None
        )
        try:
            writer.write(self._request(url.netloc, path))
            while not answer.complete and (data := await reader.read(READ_BYTES)):
                answer.receive(data)
        finally:
            writer.close()
        return answer.content()

    def _request(self, host: str, path: ObjectPath) -> bytes:
        key = self._endpoint.key
        now = self._clock.now()
        headers = {"host": host}
        if key is not None:
            headers = signed_headers(key, host=host, path=path.signed, query=path.query, now=now)
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        target = path.sent + (path.query and "?" + path.query)
        return f"GET {target} HTTP/1.1\r\n{lines}connection: close\r\n\r\n".encode("latin-1")


class Answer:
    """What S3 answers, as httptools reads it; an object's bytes are kept once."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes: Final = max_bytes
        self._parser: Final = httptools.HttpResponseParser(self)
        self._body: Final = io.BytesIO()
        self._status = 0
        self._excess = False
        self.complete = False

    def receive(self, data: bytes) -> None:
        """Take what arrived. Raises httptools.HttpParserError, ObjectTooLarge."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if not self._excess:
                raise
        if self._excess:
            raise ObjectTooLarge

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-length" and self._parser.get_status_code() == 200:
            self._excess = not value.isdigit() or int(value) > self._max_bytes

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        room = (self._max_bytes if self._status == 200 else ERROR_MAX_BYTES) - self._body.tell()
        if len(body) <= room:
            self._body.write(body)
        elif self._status == 200:
            self._excess = True
        else:
            self._body.write(body[:room])

    def on_message_complete(self) -> None:
        self.complete = True

    def content(self) -> bytes:
        """The object. Raises CallRefused, also when the connection ended before the answer did."""
        if not self.complete:
            raise refused("IncompleteBody", "The connection ended before the object did")
        body = self._body.getvalue()
        if self._status == 200:
            return body
        raise refused(
            _found(CODE, body) or str(self._status),
            _found(MESSAGE, body) or f"S3 answered with the status {self._status}",
        )


def refused(code: str, message: str) -> CallRefused:
    return CallRefused(SERVICE, OPERATION, code, message)


def _found(pattern: re.Pattern[bytes], body: bytes) -> str | None:
    found = pattern.search(body)
    return html.unescape(found[1].decode("utf-8", "replace")) if found else None
