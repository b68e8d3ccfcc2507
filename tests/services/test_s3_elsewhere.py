"""Reading objects from an S3 that is not ours: a real one, and some that mean no good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lambent.core.clock import Clock
from lambent.core.ports import CallRefused, ObjectTooLarge
from lambent.services.s3.elsewhere import Endpoint, S3Elsewhere
from lambent.wire.sigv4_signing import SigningKey
from tests.s3_server import KEY, REGION, SECRET, S3Server, s3_server

MAX_BYTES = 1 << 20


@pytest.fixture
async def s3(tmp_path: Path) -> AsyncGenerator[S3Server]:
    async with s3_server(tmp_path) as server:
        yield server


def reader(
    url: str, *, region: str = REGION, secret: str = SECRET, key_id: str = KEY, timeout_s: float = 10
) -> S3Elsewhere:
    key = SigningKey(key_id, secret, region, "s3") if key_id else None
    return S3Elsewhere(Endpoint(url, timeout_s, key), Clock())


async def refused(
    objects: S3Elsewhere, bucket: str = "code", key: str = "a", version: str | None = None
) -> CallRefused:
    with pytest.raises(CallRefused) as caught:
        await objects.read(bucket, key, version, max_bytes=MAX_BYTES)
    assert (caught.value.service, caught.value.operation) == ("S3", "GetObject")
    return caught.value


@pytest.mark.parametrize("key", ["a.zip", "a b/c+d&e=f?g%20h/ü.zip", "x/./y", "~tilde-_.zip", "x/../y", "x/y/../z"])
async def test_an_object_is_read_whatever_its_key(s3: S3Server, key: str):
    await s3.put("code", key, b"content")
    assert await reader(s3.endpoint).read("code", key, None, max_bytes=MAX_BYTES) == b"content"


@pytest.mark.parametrize(
    "key", ["../other/secret", "a/../../other/secret", "./../other/secret", "a/b/../../../other/secret"]
)
async def test_a_key_does_not_lead_out_of_its_bucket(s3: S3Server, key: str):
    await s3("create_bucket", Bucket="other")
    await s3.put("other", "secret", b"secret")
    assert (await refused(reader(s3.endpoint), key=key)).code == "InvalidURI"


@pytest.mark.parametrize("bucket", ["..", "a/b", "code/../other", "127.0.0.1", "code?x", "x\r\nhost: y"])
async def test_a_bucket_that_cannot_be_is_not_asked_for(bucket: str):
    error = await refused(reader("http://127.0.0.1:1"), bucket=bucket)
    assert (error.code, error.message) == ("InvalidBucketName", "The specified bucket is not valid.")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_told_and_not_followed(status: int):
    async with answering(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret") as elsewhere:
        head = f"HTTP/1.1 {status} Moved\r\nlocation: {elsewhere}/x\r\ncontent-length: 0\r\n\r\n".encode()
        async with answering(head) as url:
            assert (await refused(reader(url))).code == str(status)


async def test_an_object_without_content_is_empty(s3: S3Server):
    await s3.put("code", "empty", b"")
    assert await reader(s3.endpoint).read("code", "empty", None, max_bytes=MAX_BYTES) == b""


async def test_the_newest_version_is_read_unless_one_is_named(s3: S3Server):
    first = await s3.put("code", "a", b"first")
    await s3.put("code", "a", b"second")
    objects = reader(s3.endpoint)
    assert await objects.read("code", "a", None, max_bytes=MAX_BYTES) == b"second"
    assert await objects.read("code", "a", first, max_bytes=MAX_BYTES) == b"first"


async def test_what_s3_answers_instead_of_the_object_is_passed_on(s3: S3Server):
    await s3.put("code", "a", b"content")
    bucket = await refused(reader(s3.endpoint), bucket="ghosts")
    assert (bucket.code, bucket.message.rstrip(".")) == ("NoSuchBucket", "The specified bucket does not exist")
    key = await refused(reader(s3.endpoint), key="ghost")
    assert (key.code, key.message) == ("NoSuchKey", "The specified key does not exist.")
    assert (await refused(reader(s3.endpoint, secret="wrong"))).code == "SignatureDoesNotMatch"
    assert (await refused(reader(s3.endpoint, region="us-west-1"))).code == "AuthorizationHeaderMalformed"
    assert (await refused(reader(s3.endpoint, key_id=""))).code == "AccessDenied"
    assert (await refused(reader(s3.endpoint), version="ghost")).code in ("NoSuchVersion", "InvalidArgument")


async def test_an_object_that_is_too_large_is_not_read(s3: S3Server):
    await s3.put("code", "large", bytes(MAX_BYTES + 1))
    await s3.put("code", "just", bytes(MAX_BYTES))
    objects = reader(s3.endpoint)
    with pytest.raises(ObjectTooLarge):
        await objects.read("code", "large", None, max_bytes=MAX_BYTES)
    assert len(await objects.read("code", "just", None, max_bytes=MAX_BYTES)) == MAX_BYTES


@asynccontextmanager
async def answering(*parts: bytes, hold: bool = False) -> AsyncGenerator[str]:
    """A server that says these bytes to everyone, and then closes the connection or holds it."""
    ended = asyncio.Event()

    async def answer(client: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await client.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
        if hold:
            await ended.wait()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        ended.set()
        server.close()


async def test_an_answer_without_a_length_is_counted_as_it_comes():
    chunk = b"80000\r\n" + bytes(0x80000) + b"\r\n"
    async with answering(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", *[chunk] * 3, hold=True) as url:
        with pytest.raises(ObjectTooLarge):
            await reader(url).read("code", "a", None, max_bytes=MAX_BYTES)


async def test_an_error_without_end_is_cut_off():
    head = b"HTTP/1.1 500 Oops\r\ncontent-length: 5000000\r\n\r\n<Error><Code>InternalError</Code></Error>"
    async with answering(head, bytes(5_000_000 - 41)) as url:
        error = await refused(reader(url))
    assert (error.code, error.message) == ("InternalError", "S3 answered with the status 500")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", "IncompleteBody"),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnope", "404"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "ServiceUnavailable"),
        (b"", "IncompleteBody"),
    ],
)
async def test_an_answer_that_is_not_s3s_is_told_as_one(said: bytes, code: str):
    async with answering(said) as url:
        assert (await refused(reader(url))).code == code


async def test_an_s3_that_does_not_answer_in_time_is_told():
    async with answering(b"HTTP/1.1 200 OK\r\n", hold=True) as url:
        error = await refused(reader(url, timeout_s=0.05))
    assert (error.code, error.message) == ("RequestTimeout", f"{url} did not answer in time")


async def test_an_s3_that_is_not_there_is_told():
    async with answering() as url:
        pass
    error = await refused(reader(url))
    assert error.code == "ServiceUnavailable"
    assert error.message.startswith(f"{url} cannot be reached: ")
