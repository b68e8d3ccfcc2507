"""A server whose hard limit of open files is the usual soft one: more is asked of it than it may open."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from lambent.core.descriptors import ENVIRONMENT, divided
from tests.hostile.arena import Arena
from tests.system.conftest import started, stopped

OPEN_FILES = 1024
ALLOWED = divided(OPEN_FILES)
AT_ONCE = 120
SLEEPER = """
import time
def handler(event, context):
    time.sleep(event)
    return event
"""
LIMITS = """
import resource
def handler(event, context):
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 19, 1 << 19))
    except (ValueError, OSError):
        pass
    return resource.getrlimit(resource.RLIMIT_NOFILE)
"""


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    data = tmp_path_factory.mktemp("data")
    server = started(data, "--sandbox", "native", open_files=OPEN_FILES)
    arena = Arena(server, data)
    arena.deploy("bystander", "def handler(event, context): return event", memory_mib=1769)
    arena.deploy("sleeper", SLEEPER)
    yield arena
    assert stopped(server) == 0


def ending(arena: Arena, name: str, event: object) -> str:
    """How an invocation ends: with its event, with a throttle's Reason, or otherwise."""
    try:
        answer = arena.invoke(name, event)
    except arena.client.exceptions.TooManyRequestsException as throttled:
        return throttled.response["Reason"]
    return "answered" if answer["Payload"] == event else json.dumps(answer["Payload"])


def test_an_environment_costs_what_it_is_counted_for(arena: Arena) -> None:
    count = 16
    assert ending(arena, "sleeper", 0) == "answered"
    before = arena.spending().descriptors
    with ThreadPoolExecutor(count) as callers:
        running = [callers.submit(ending, arena, "sleeper", 3) for _ in range(count)]
        assert Counter(each.result() for each in running) == {"answered": count}
        cost = (arena.spending().descriptors - before) / (count - 1)
    assert ENVIRONMENT / 2 <= cost <= ENVIRONMENT


def test_more_at_once_than_may_be_open_are_throttled_and_what_runs_is_not_harmed(arena: Arena) -> None:
    assert ending(arena, "bystander", {"n": 1}) == "answered"  # it has an environment
    with ThreadPoolExecutor(AT_ONCE) as callers:
        running = [callers.submit(ending, arena, "sleeper", 4) for _ in range(AT_ONCE)]
        for _ in range(20):
            assert ending(arena, "bystander", {"n": 1}) == "answered"
            assert arena.client.list_functions()["Functions"]
        assert arena.spending().descriptors < OPEN_FILES
        endings = Counter(each.result() for each in running)
    assert set(endings) <= {"answered", "ConcurrentInvocationLimitExceeded"}
    assert endings["answered"] >= ALLOWED.environments - 1  # the bystander's is another


def test_an_idle_environment_makes_room_for_another_function(arena: Arena) -> None:
    with ThreadPoolExecutor(AT_ONCE) as callers:
        _ = list(callers.map(lambda _: ending(arena, "sleeper", 1), range(AT_ONCE)))
    arena.deploy("late", SLEEPER)
    assert ending(arena, "late", 0) == "answered"


def test_connections_above_the_limit_are_refused_and_the_others_are_served(arena: Arena) -> None:
    held = arena.invoke("bystander", {"n": 1})  # boto3 keeps its connection
    assert held["Payload"] == {"n": 1}
    with ExitStack() as flood:
        for _ in range(2 * OPEN_FILES):
            client = flood.enter_context(socket.socket())
            client.settimeout(5)
            client.connect(("127.0.0.1", arena.port))
        assert arena.spending().descriptors < OPEN_FILES
        assert ending(arena, "bystander", {"n": 1}) == "answered"
    assert ending(arena, "sleeper", 0) == "answered"


def test_a_guest_has_a_limit_of_its_own_and_cannot_raise_it(arena: Arena) -> None:
    arena.deploy("greedy", LIMITS)
    assert arena.invoke("greedy")["Payload"] == [1024, 1024]
