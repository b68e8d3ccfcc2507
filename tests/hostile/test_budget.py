"""Functions that take all the machine's memory they can get: by many environments, and by growing while they run."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hostile.arena import Arena

BUDGET_MIB = 512
BOUND_MIB = BUDGET_MIB * 9 // 8  # the kernel's, for all groups together
PROLIFERATION = """
import boto3, concurrent.futures, json, os, time
from botocore.config import Config
client = boto3.client("lambda", config=Config(retries={"max_attempts": 0}, read_timeout=60))
HELD = bytearray(os.urandom(8 << 20))
def once(event):
    try:
        client.invoke(FunctionName=os.environ["AWS_LAMBDA_FUNCTION_NAME"], Payload=json.dumps(event))
    except client.exceptions.TooManyRequestsException as throttled:
        return throttled.response["Reason"]
    return "invoked"
def handler(event, context):
    if time.time() > event["until"]:
        return []
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        found = list(pool.map(once, [event] * 3))
    time.sleep(1)
    return found
"""
GROWTH = """
import time
def handler(event, context):
    held = bytearray(event["mib"] << 20)
    for page in range(0, len(held), 4096):
        held[page] = 1
    time.sleep(event["hold_s"])
    return len(held)
"""


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    return ("--memory-budget-mib", str(BUDGET_MIB))


def ending(arena: Arena, name: str, event: object) -> str:
    try:
        answer = arena.invoke(name, event)
    except arena.client.exceptions.TooManyRequestsException as throttled:
        return throttled.response["Reason"]
    return "failed" if "FunctionError" in answer else "answered"


def test_a_function_that_invokes_itself_stays_within_the_budget(arena: Arena) -> None:
    assert arena.capacity()["memory_budget_mib"] == BUDGET_MIB
    arena.deploy("proliferation", PROLIFERATION, memory_mib=1769, timeout_s=60)
    assert ending(arena, "bystander", 1) == "answered"
    most, bystanders = 0, Counter[str]()
    until = time.time() + 12
    with arena.attack("proliferation", {"until": until}, times=2) as attack:
        while time.time() < until:
            bystanders[ending(arena, "bystander", 1)] += 1
            most = max(most, arena.capacity()["memory_used_mib"])
            time.sleep(0.02)
    found = Counter(reason for each in attack for reason in each.result()["Payload"])
    assert most <= BOUND_MIB
    assert most >= BUDGET_MIB // 2  # else it was not an attack
    assert set(bystanders) == {"answered"}
    assert set(found) <= {"invoked", "ConcurrentInvocationLimitExceeded"}


def test_callers_beyond_the_budget_are_throttled_and_what_runs_goes_on(arena: Arena) -> None:
    arena.deploy("growth", GROWTH, memory_mib=512)
    assert ending(arena, "growth", {"mib": 100, "hold_s": 0}) == "answered"
    with ThreadPoolExecutor(12) as callers:
        endings = Counter(callers.map(lambda _: ending(arena, "growth", {"mib": 100, "hold_s": 3}), range(12)))
        assert arena.capacity()["memory_used_mib"] <= BOUND_MIB
    assert endings["answered"] >= 2
    assert set(endings) <= {"answered", "ConcurrentInvocationLimitExceeded"}


def test_those_that_grow_together_beyond_the_budget_end_by_themselves_and_the_server_stays(arena: Arena) -> None:
    arena.deploy("sudden", GROWTH, memory_mib=3008)
    with ThreadPoolExecutor(4) as callers:
        running = [callers.submit(ending, arena, "sudden", {"mib": 400, "hold_s": 2}) for _ in range(4)]
        while not all(each.done() for each in running):
            assert arena.capacity()["memory_used_mib"] <= BOUND_MIB
            assert arena.client.list_functions()["Functions"]
            time.sleep(0.05)
        endings = Counter(each.result() for each in running)
    assert endings["failed"]
    assert ending(arena, "bystander", 1) == "answered"


def test_small_ones_cost_what_they_use_and_not_their_memory_size(arena: Arena) -> None:
    arena.deploy("small", "import time\ndef handler(event, context): time.sleep(event)", memory_mib=3008)
    count = 30  # of 3 GB each
    with ThreadPoolExecutor(count) as callers:
        endings = Counter(callers.map(lambda _: ending(arena, "small", 2), range(count)))
    assert endings == {"answered": count}
