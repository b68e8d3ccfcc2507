"""Links from which packages are downloaded: who has one may, for ten minutes, and nobody else."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lambent.core.clock import FakeClock
from lambent.lambda_.code.links import Links
from lambent.lambda_.code.store import Code, CodeStore, code_store
from lambent.wire.messages import Request, Response
from tests.lambda_.zips import HELLO

ENDPOINT = "http://127.0.0.1:4566"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[CodeStore]:
    async with code_store(tmp_path, lambda _: False, FakeClock(), durable=False) as made:
        yield made


@pytest.fixture
async def code(store: CodeStore) -> AsyncGenerator[Code]:
    async with store.added(HELLO) as content:
        yield content


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def links(store: CodeStore, clock: FakeClock) -> Links:
    return Links(store, b"k" * 32, clock)


def request(url: str, method: str = "GET") -> Request:
    parts = urlsplit(url)
    return Request(method, parts.path, parts.query, {"host": parts.netloc}, b"")


async def answered(links: Links, url: str, method: str = "GET") -> Response:
    return await links.answer(request(url, method), "id")


async def refused(links: Links, url: str, method: str = "GET") -> tuple[int, str]:
    answer = await answered(links, url, method)
    assert dict(answer.headers)["Content-Type"] == "application/xml"
    text = answer.body.decode()
    assert "<RequestId>id</RequestId>" in text
    return answer.status, text.partition("<Code>")[2].partition("</Code>")[0]


async def test_a_link_downloads_the_package(links: Links, code: Code):
    url = links.to(code.digest, ENDPOINT)
    assert url.startswith(f"{ENDPOINT}/_lambent/code/{code.digest}.zip?X-Amz-Algorithm=")
    assert "&X-Amz-Expires=600&" in url
    answer = await answered(links, url)
    assert answer.status == 200
    assert ("Content-Type", "application/zip") in answer.headers
    assert answer.file is not None
    with answer.file as file:
        assert file.read() == HELLO


async def test_a_link_ends_after_ten_minutes(links: Links, code: Code, clock: FakeClock):
    url = links.to(code.digest, ENDPOINT)
    clock.advance(599)
    answer = await answered(links, url)
    assert answer.file is not None
    answer.file.close()
    clock.advance(2)
    assert await refused(links, url) == (403, "AccessDenied")


async def test_no_part_of_a_link_can_be_changed(links: Links, code: Code):
    url = links.to(code.digest, ENDPOINT)
    head, _, signature = url.rpartition("=")
    other = "0" if signature[0] != "0" else "1"
    for changed in (
        url.replace("X-Amz-Expires=600", "X-Amz-Expires=6000"),
        url.replace("X-Amz-Date=2", "X-Amz-Date=3"),
        url.replace(code.digest, "0" * 64),
        url.replace(".zip", ".zap"),
        f"{head}={other}{signature[1:]}",
        f"{head}={signature}0",
        f"{head}={signature}&X-Amz-Expires=9999",
        f"{head}=ÿ",
    ):
        assert await refused(links, changed) == (403, "SignatureDoesNotMatch")
    for unsigned in (f"{head}=", url.partition("?")[0], head.rpartition("&")[0]):
        assert await refused(links, unsigned) == (403, "AccessDenied")


async def test_a_key_of_another_lambent_opens_nothing(links: Links, store: CodeStore, code: Code, clock: FakeClock):
    assert await refused(Links(store, b"o" * 32, clock), links.to(code.digest, ENDPOINT)) == (
        403,
        "SignatureDoesNotMatch",
    )


async def test_a_package_that_is_gone_is_not_found(links: Links):
    assert await refused(links, links.to("a" * 64, ENDPOINT)) == (404, "NoSuchKey")


async def test_a_link_only_reads(links: Links, code: Code):
    for method in ("PUT", "POST", "DELETE"):
        assert await refused(links, links.to(code.digest, ENDPOINT), method) == (405, "MethodNotAllowed")
