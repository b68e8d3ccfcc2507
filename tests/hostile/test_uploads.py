"""Packages that are large, or of many files: neither invocations nor other deployments wait for them."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

from tests.hostile.arena import RUNTIME, Arena
from tests.system.conftest import role

FILES = 40_000
LARGE_BYTES = 45_000_000
BYSTANDER_FACTOR = 10.0  # of its quiet median


def package(sizes: list[int]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for number, size in enumerate(sizes):
            archive.writestr(f"{number // 200}/{number}", os.urandom(size))
    return content.getvalue()


def create(arena: Arena, name: str, content: bytes) -> Callable[[], Any]:
    arn = role(arena.server)
    settings = {"Runtime": RUNTIME, "Handler": "app.handler", "Role": arn, "Code": {"ZipFile": content}}
    return lambda: arena.client.create_function(FunctionName=name, **settings)


def unpackers(arena: Arena) -> int:
    """How many processes are unpacking at this moment."""
    pid = arena.server.process.pid
    found = 0
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += b"unpacking_process" in Path(f"/proc/{child}/cmdline").read_bytes()
    return found


def test_a_small_deployment_does_not_wait_for_packages_of_many_files(arena: Arena) -> None:
    with ThreadPoolExecutor(3) as pool:
        creations = [create(arena, f"many-{number}", package([number] * FILES)) for number in (10, 11, 12)]
        large = [pool.submit(creation) for creation in creations]
        while not unpackers(arena):
            assert not any(upload.done() for upload in large)
        arena.deploy("small", "def handler(event, context): return 'small'")
        assert arena.invoke("small")["Payload"] == "small"
        assert not all(upload.done() for upload in large)  # it came last, and was ready before them
        assert {upload.result()["PackageType"] for upload in large} == {"Zip"}
    assert unpackers(arena) == 0


def test_a_bystander_does_not_notice_large_uploads(arena: Arena) -> None:
    arena.deploy("replaced", "def handler(event, context): return event")
    content, measured = package([LARGE_BYTES]), Event()
    quiet = arena.bystander_at_best(300)

    def replace() -> int:
        uploads = 0
        while not measured.is_set():
            arena.client.update_function_code(FunctionName="replaced", ZipFile=content)
            arena.client.get_waiter("function_updated_v2").wait(FunctionName="replaced")
            uploads += 1
        return uploads

    with ThreadPoolExecutor(1) as pool:
        replacing = pool.submit(replace)
        during = arena.bystander_at_best(300)
        measured.set()
        assert replacing.result() > 0
    assert during.p50_us <= quiet.p50_us * BYSTANDER_FACTOR


def test_memory_of_large_uploads_is_given_back(arena: Arena) -> None:
    content = package([LARGE_BYTES])

    def replace() -> None:
        arena.client.update_function_code(FunctionName="bystander-2", ZipFile=content)
        arena.client.get_waiter("function_updated_v2").wait(FunctionName="bystander-2")

    arena.deploy("bystander-2", "def handler(event, context): return event")
    replace()
    before = arena.spending()
    for _ in range(4):
        replace()
    after = arena.spending()
    assert after.resident_mib <= before.resident_mib + 30
    assert after.descriptors <= before.descriptors + 2
