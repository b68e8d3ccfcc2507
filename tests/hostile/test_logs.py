"""Functions that write as fast as they can: they wait, their neighbours lose no line, and what they wrote can be deleted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.arena import Arena

GROUP_MIB = 24
INVOCATION_MIB = 8

FLOOD = """
import os, subprocess, sys, threading, time

LINES = {
    "newlines": b"\\n" * 65536,
    "single letters": b"x\\n" * 32768,
    "lines of 256 KB": (b"y" * (256 * 1024 - 1) + b"\\n"),
    "no newline": b"z" * 65536,
    "binary": bytes(range(256)) * 256,
    "carriage returns": b"\\r" * 65535 + b"\\n",
}
TYPE, NO_TIME = b"\\xa5\\x5a\\x00\\x03", b"\\xa5\\x5a\\x00\\x01"
FRAMES = {  # and what looks like them
    "records of a letter": (NO_TIME + b"\\0\\0\\0\\1r") * 7000,
    "empty records": (NO_TIME + bytes(4)) * 8000,
    "records of 1 MB": TYPE + (1 << 20).to_bytes(4, "big") + bytes(8) + b"y" * (1 << 20),
    "frames of 64 MB": TYPE + (64 << 20).to_bytes(4, "big") + bytes(8) + b"z" * 60000,
    "frames of 4 GB": TYPE + b"\\xff" * 12 + b"z" * 60000,
    "half frames": (TYPE + bytes(3)) * 8000,
    "marks": TYPE[:3] * 20000,
}

def flood(descriptor, data, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        os.write(descriptor, data)

def handler(event, context):
    data = LINES.get(event["how"], LINES["newlines"])
    seconds = event.get("seconds", 2)
    if event["how"] == "stderr":
        flood(2, b"error\\n" * 10000, seconds)
    elif event["how"] in FRAMES:
        flood(4, FRAMES[event["how"]], seconds)
    elif event["how"] == "frames of many threads":
        data = FRAMES["records of 1 MB"][:100_000]
        threads = [threading.Thread(target=flood, args=(4, data, seconds)) for _ in range(20)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    elif event["how"] == "threads":
        threads = [threading.Thread(target=flood, args=(1, b"t\\n" * 2048, seconds)) for _ in range(50)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    elif event["how"] == "processes":
        children = [os.fork() for _ in range(20)]
        if 0 in children:
            flood(1, data, seconds)
            os._exit(0)
        for child in children: os.waitpid(child, 0)
    elif event["how"] == "outlive":
        if os.fork() == 0:
            flood(1, data, 30)
            os._exit(0)
    elif event["how"] == "until killed":
        flood(1, data, 600)
    elif event["how"] == "pipe of 1 MB":
        import fcntl
        fcntl.fcntl(1, 1031, 1 << 20)
        flood(1, data, seconds)
    else:
        flood(1, data, seconds)
    return "done"
"""

HOWS = (
    *("newlines", "single letters", "lines of 256 KB", "no newline", "binary", "carriage returns", "stderr"),
    *("threads", "processes", "outlive", "until killed", "pipe of 1 MB"),
    *("records of a letter", "empty records", "records of 1 MB", "frames of 64 MB", "frames of 4 GB", "half frames"),
    *("marks", "frames of many threads"),
)

SPOILER = """
import os, time

TYPE = b"\\xa5\\x5a\\x00\\x03"

def frame(text, at_us, size=None):
    return TYPE + (len(text) if size is None else size).to_bytes(4, "big") + at_us.to_bytes(8, "big") + text

def handler(event, context):
    if event == "times":
        for at_us in (0, 1, 2**64 - 1, 2**62, int(time.time() * 1e6) + 10**12, int(time.time() * 1e6) - 10**15):
            os.write(4, frame(b"claimed", at_us))
    elif event == "half":
        os.write(4, frame(b"a beginning", 0, size=50_000_000))
    elif event == "garbage":
        os.write(4, b"\\xa5\\x5a\\x00" + os.urandom(5000) + b"\\xa5\\x5a")
    elif event == "none":
        os.close(4)
    print("printed")
"""

NEIGHBOUR = """
def handler(event, context):
    for number in range(10):
        print(f"neighbour {event} {number}")
"""

MANY = """
def handler(event, context):
    for number in range(20000):
        print(f"{number:099d}")
"""


PUTTER = """
import boto3, time
from botocore.config import Config

def handler(event, context):
    logs = boto3.client("logs", config=Config(retries={"max_attempts": 1}))
    group, outcomes = event["group"], set()
    def call(operation, **members):
        try:
            getattr(logs, operation)(logGroupName=group, **members)
            outcomes.add("done")
        except Exception as error:
            outcomes.add(type(error).__name__)
    call("create_log_group")
    call("create_log_stream", logStreamName="s")
    batch = ["x" * 100_000] * 10
    end = time.monotonic() + 15
    while time.monotonic() < end and "ServiceUnavailableException" not in outcomes:
        now = int(time.time() * 1000)
        call("put_log_events", logStreamName="s", logEvents=[{"timestamp": now, "message": text} for text in batch])
    for number in range(200):
        call("create_log_stream", logStreamName=f"{number:0400d}")
    return sorted(outcomes)
"""


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    bounds = ("--log-group-bytes", str(GROUP_MIB << 20), "--log-invocation-bytes", str(INVOCATION_MIB << 20))
    return (*bounds, "--log-total-bytes", str(128 << 20))


@pytest.fixture(scope="module")
def logs(arena: Arena) -> Iterator[Any]:
    client = arena.server.client("logs", read_timeout=120)
    arena.deploy("flood", FLOOD, timeout_s=4)
    arena.deploy("neighbour", NEIGHBOUR, memory_mib=1769)
    yield client


def messages(logs: Any, group: str) -> list[str]:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    return [event["message"] for page in pages for event in page["events"]]


def kept_bytes(arena: Arena) -> int:
    return sum(
        (arena.data / name).stat().st_size for name in ("logs.db", "logs.db-wal") if (arena.data / name).exists()
    )


def settled(arena: Arena, logs: Any, group: str, count: int) -> list[str]:
    """The neighbour's lines, once they are written."""
    found: list[str] = []
    for _ in range(100):
        found = [message for message in messages(logs, group) if message.startswith("neighbour")]
        if len(found) >= count:
            break
        time.sleep(0.1)
    return found


@pytest.mark.parametrize("how", HOWS)
def test_a_flood_costs_its_neighbours_no_line_and_the_server_neither_memory_nor_disk(
    arena: Arena, logs: Any, how: str
) -> None:
    before = arena.spending()
    with arena.attack("flood", {"how": how}, times=2) as under_way:
        for number in range(40):
            _ = arena.invoke("neighbour", f"{how} {number}")
        during = arena.spending()
    results = [attack.result() for attack in under_way]
    if how != "until killed":
        assert all(result["Payload"] == "done" or "Timedout" in str(result["Payload"]) for result in results)
    wanted = [f"neighbour {how} {number} {line}\n" for number in range(40) for line in range(10)]
    found = [line for line in settled(arena, logs, "/aws/lambda/neighbour", 400) if f" {how} " in line]
    assert sorted(found) == sorted(wanted)
    assert during.resident_mib <= before.resident_mib + 256  # twice the attacker's memory
    assert kept_bytes(arena) < 300 << 20
    logs.delete_log_group(logGroupName="/aws/lambda/neighbour")


def test_an_invocation_keeps_what_its_bound_allows_and_says_what_is_missing(arena: Arena, logs: Any) -> None:
    arena.deploy("verbose", FLOOD, timeout_s=60, memory_mib=1769)
    _ = arena.invoke("verbose", {"how": "lines of 256 KB", "seconds": 5})
    for _ in range(100):
        found = messages(logs, "/aws/lambda/verbose")
        if found and found[-1].startswith("REPORT"):
            break
        time.sleep(0.1)
    assert INVOCATION_MIB << 20 <= sum(map(len, found)) <= (INVOCATION_MIB << 20) + 600_000
    (notice,) = [message for message in found if message.startswith("[lambent]")]
    assert "were not kept: one invocation may log 8 MB (log_invocation_bytes)" in notice


def test_twenty_thousand_lines_of_a_hundred_bytes_are_all_kept_and_in_order(arena: Arena, logs: Any) -> None:
    arena.deploy("many", MANY, timeout_s=60)
    assert arena.invoke("many")["Payload"] is None
    found: list[str] = []
    for _ in range(100):
        found = [message for message in messages(logs, "/aws/lambda/many") if message[0] == "0"]
        if len(found) == 20_000:
            break
        time.sleep(0.1)
    assert found == [f"{number:099d}\n" for number in range(20_000)]


@pytest.mark.parametrize("how", ["half", "garbage", "none"])
def test_a_guest_that_spoils_its_log_spoils_that_of_one_invocation(arena: Arena, logs: Any, how: str) -> None:
    arena.deploy(f"spoiler-{how}", SPOILER)
    for event in (how, None, None):
        assert "FunctionError" not in arena.invoke(f"spoiler-{how}", event)
    found: list[str] = []
    while sum(message.startswith("REPORT") for message in found) < 3:
        time.sleep(0.1)
        found = messages(logs, f"/aws/lambda/spoiler-{how}")
    second = [number for number, message in enumerate(found) if message.startswith("START")][1]
    assert [message.split()[0] for message in found[second:]] == ["START", "printed", "END", "REPORT"] * 2
    assert any("printed" in message for message in found[:second])


def test_the_time_that_a_guest_claims_for_a_record_is_within_its_invocation(arena: Arena, logs: Any) -> None:
    arena.deploy("claims", SPOILER)
    for _ in range(2):
        _ = arena.invoke("claims", "times")
    events: list[Any] = []
    while sum(event["message"].startswith("REPORT") for event in events) < 2:
        time.sleep(0.1)
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName="/aws/lambda/claims")
        events = [event for page in pages for event in page["events"]]
    kinds = ["START", *["claimed"] * 6, "printed", "END", "REPORT"]
    assert [event["message"].split()[0] for event in events] == ["INIT_START", *kinds, *kinds]
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)
    assert times[-1] <= time.time() * 1000


def test_what_floods_have_left_can_be_deleted_and_the_file_shrinks(arena: Arena, logs: Any) -> None:
    with ThreadPoolExecutor(4) as pool:
        _ = list(pool.map(lambda how: arena.invoke("flood", {"how": how}), HOWS[:4]))
    assert kept_bytes(arena) > 20 << 20
    for group in logs.describe_log_groups()["logGroups"]:
        logs.delete_log_group(logGroupName=group["logGroupName"])
    for _ in range(300):
        if kept_bytes(arena) < 10 << 20:
            break
        time.sleep(0.1)
    assert kept_bytes(arena) < 10 << 20


def test_nothing_of_the_data_directory_but_the_log_has_grown(arena: Arena, logs: Any) -> None:
    del logs
    others = [path for path in Path(arena.data).iterdir() if path.is_file() and not path.name.startswith("logs.db")]
    assert sum(path.stat().st_size for path in others) < 100 << 20


def test_a_function_that_floods_logs_by_their_api_stops_at_the_bounds_and_costs_its_neighbours_no_line(
    arena: Arena, logs: Any
) -> None:
    iam = arena.server.client("iam")
    statement = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    _ = iam.put_role_policy(RoleName="for-tests", PolicyName="logs", PolicyDocument=document)
    arena.deploy("putter", PUTTER, memory_mib=1769, timeout_s=60)
    with arena.attack("putter", {"group": "attack"}, times=2) as under_way:
        for number in range(20):
            _ = arena.invoke("neighbour", f"api {number}")
    outcomes = [attack.result()["Payload"] for attack in under_way]
    assert {"ServiceUnavailableException"} <= set(outcomes[0]) | set(outcomes[1])
    wanted = [f"neighbour api {number} {line}\n" for number in range(20) for line in range(10)]
    found = [line for line in settled(arena, logs, "/aws/lambda/neighbour", 200) if " api " in line]
    assert sorted(found) == sorted(wanted)
    (group,) = logs.describe_log_groups(logGroupNamePrefix="attack")["logGroups"]
    assert group["storedBytes"] <= (GROUP_MIB + 3) << 20
    logs.delete_log_group(logGroupName="attack")
