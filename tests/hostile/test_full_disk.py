"""A disk of 96 MB that functions fill with their logs, or that another program has filled."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.arena import Arena
from tests.small_disk import fill, small_disk
from tests.system.conftest import started, stopped

SIZE_MIB = 96
CODE = """
import os, time
def handler(event, context):
    end = time.monotonic() + 3
    while event and time.monotonic() < end:
        os.write(1, b"x" * 4095 + b"\\n")
    return "done"
"""


@pytest.fixture
def arena(tmp_path: Path) -> Iterator[Arena]:
    """A Lambent on a small disk of its own."""
    with small_disk(tmp_path / "disk", SIZE_MIB) as data:
        server = started(data, "--sandbox", "native", "--log-invocation-bytes", str(200 << 20))
        yield Arena(server, data)
        assert stopped(server) == 0


def free_mib(arena: Arena) -> float:
    facts = os.statvfs(arena.data)
    return facts.f_bavail * facts.f_frsize / (1 << 20)


def test_logs_stop_at_the_reserve_state_goes_on_and_deleting_gives_the_room_back(arena: Arena) -> None:
    arena.deploy("flood", CODE, memory_mib=1769)
    arena.deploy("quiet", CODE)
    before = free_mib(arena)
    for _ in range(4):
        assert arena.invoke("flood", {"flood": True})["Payload"] == "done"
    assert free_mib(arena) >= SIZE_MIB * 0.05 - 4
    arena.deploy("another", CODE)  # state is written
    assert arena.invoke("another")["Payload"] == "done"
    arena.client.delete_function(FunctionName="flood")
    logs = arena.server.client("logs", read_timeout=60)
    logs.delete_log_group(logGroupName="/aws/lambda/flood")
    for _ in range(300):
        if free_mib(arena) > before - 10:
            break
        time.sleep(0.1)
    assert free_mib(arena) > before - 10


def test_on_a_disk_that_another_program_filled_functions_run_and_deletes_work(arena: Arena) -> None:
    arena.deploy("flood", CODE, memory_mib=1769)
    arena.deploy("quiet", CODE)
    assert arena.invoke("flood", {"flood": True})["Payload"] == "done"
    _ = fill(arena.data)
    assert arena.invoke("flood", {"flood": True})["Payload"] == "done"
    assert arena.invoke("quiet")["Payload"] == "done"
    logs = arena.server.client("logs", read_timeout=60)
    logs.delete_log_group(logGroupName="/aws/lambda/flood")
    arena.client.delete_function(FunctionName="flood")
    assert [row["FunctionName"] for row in arena.client.list_functions()["Functions"]] == ["quiet"]
    for _ in range(300):
        if free_mib(arena) > 10:
            break
        time.sleep(0.1)
    assert free_mib(arena) > 10  # what the logs had is free, though the other program's file is still there
