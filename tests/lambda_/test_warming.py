"""After a start, which runtimes are started ahead, and what happens when one cannot be."""

import asyncio
from pathlib import Path

from lambent.lambda_.activation import CannotRun
from lambent.lambda_.functions import FunctionVersion
from lambent.lambda_.invoke.warming import RUNTIMES_MAX, commonest, warming
from lambent.lambda_.states import Reason
from lambent.sandbox.contract import SandboxError
from tests.lambda_.plane import Plane, plane

RUNTIMES = ["python3.11", "python3.13", "python3.14", "nodejs20.x", "nodejs22.x", "nodejs24.x", "provided.al2023"]


async def with_functions(aws: Plane, **counts: int) -> None:
    for runtime, count in counts.items():
        for number in range(count):
            await aws.active(f"{runtime}-{number}".replace(".", "_"), Runtime=runtime)


def runtimes(aws: Plane) -> list[str]:
    return [version.runtime for version in commonest(aws.control.functions.everything())]


async def test_the_runtime_with_the_most_functions_is_first_and_each_is_warmed_once(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        await with_functions(aws, **{"nodejs20.x": 1, "python3.11": 3, "nodejs22.x": 2})
    async with plane(tmp_path) as restarted:
        assert runtimes(restarted) == ["python3.11", "nodejs22.x", "nodejs20.x"]


async def test_only_so_many_runtimes_are_warmed(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        await with_functions(aws, **dict.fromkeys(RUNTIMES, 1))
        assert len(RUNTIMES) > RUNTIMES_MAX
        assert len(runtimes(aws)) == RUNTIMES_MAX


async def test_what_has_failed_or_is_pending_is_not_warmed(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        await aws.active("failed", Runtime="python3.12")
        await aws.create("pending")
        assert runtimes(aws) == []


async def test_one_that_cannot_be_started_does_not_keep_the_others_from_it(tmp_path: Path) -> None:
    refusals = {"python3.11": CannotRun(Reason.INVALID_RUNTIME, "gone"), "nodejs22.x": SandboxError("no room")}
    warmed: list[str] = []
    done = asyncio.Event()

    async def prepare(version: FunctionVersion) -> None:
        if version.runtime in refusals:
            raise refusals[version.runtime]
        warmed.append(version.runtime)
        done.set()

    async with plane(tmp_path) as aws:
        await with_functions(aws, **{"python3.11": 3, "nodejs22.x": 2, "nodejs20.x": 1})
        async with warming(aws.control.functions.everything(), prepare):
            await done.wait()
    assert warmed == ["nodejs20.x"]


async def test_a_stop_does_not_wait_for_it(tmp_path: Path) -> None:
    begun, ended = asyncio.Event(), False

    async def prepare(_: FunctionVersion) -> None:
        nonlocal ended
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended = True

    async with plane(tmp_path) as aws:
        await with_functions(aws, **{"python3.11": 1})
        async with warming(aws.control.functions.everything(), prepare):
            await begun.wait()
        assert ended
