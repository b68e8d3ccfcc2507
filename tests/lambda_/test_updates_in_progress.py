"""An update can be seen to be under way: its status is held for a least time, and nothing else is.

Time is the test's: nothing passes until it says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from lambent.core.clock import FakeClock
from lambent.lambda_.activation import CannotRun
from lambent.lambda_.functions import FunctionVersion
from lambent.lambda_.states import Reason
from tests.lambda_.plane import ARN, Plane, only, plane, refused
from tests.lambda_.zips import HELLO, OTHER, zipped

LEAST_S = 0.5
IN_PROGRESS = {
    "State": "Active",
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}
CONFLICT = (
    "ResourceConflictException",
    f"The operation cannot be performed at this time. An update is in progress for resource: {ARN}f",
)


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncGenerator[Plane]:
    async with plane(tmp_path, update_least_s=LEAST_S) as made:
        await made.active()
        yield made


class Gate:
    """Versions are prepared while it is open, as it is at first."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()

    async def prepare(self, _: FunctionVersion) -> None:
        await self.open.wait()


async def configuration(aws: Plane, qualifier: str | None = None) -> dict[str, Any]:
    return (await aws("GetFunction", FunctionName="f", Qualifier=qualifier))["Configuration"]


async def until(is_so: Callable[[], bool]) -> None:
    """Let the jobs run, without letting time pass, until it is so."""
    while not is_so():
        await asyncio.sleep(0.001)


async def invoked_is_new(aws: Plane, before: FunctionVersion) -> None:
    await until(lambda: aws.invoked().configuration_id != before.configuration_id)


@pytest.mark.parametrize(
    ("operation", "members"),
    [("UpdateFunctionCode", {"ZipFile": OTHER}), ("UpdateFunctionConfiguration", {"Timeout": 9})],
)
async def test_an_update_stays_in_progress_for_its_least_time_and_is_invoked_meanwhile(
    aws: Plane, operation: str, members: dict[str, Any]
) -> None:
    before = aws.invoked()
    answer = await aws(operation, FunctionName="f", **members)
    await invoked_is_new(aws, before)
    shown = await configuration(aws)
    assert only(shown, *IN_PROGRESS) == IN_PROGRESS
    assert shown["RevisionId"] == answer["RevisionId"]
    assert aws.invoked().invocable
    aws.clock.advance(LEAST_S - 0.01)
    await asyncio.sleep(0.01)
    assert (await configuration(aws))["RevisionId"] == answer["RevisionId"]
    running = aws.invoked().configuration_id
    aws.clock.advance(0.01)
    settled = await aws.settled()
    assert settled["LastUpdateStatus"] == "Successful"
    assert "LastUpdateStatusReason" not in settled
    assert settled["RevisionId"] != answer["RevisionId"]
    assert aws.invoked().configuration_id == running  # so its environments stay


async def test_while_an_update_is_held_no_other_begins(aws: Plane) -> None:
    before = aws.invoked()
    await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
    await invoked_is_new(aws, before)
    for operation, members in (
        ("UpdateFunctionCode", {"ZipFile": HELLO}),
        ("UpdateFunctionConfiguration", {"Timeout": 9}),
        ("PublishVersion", {}),
    ):
        assert await refused(aws(operation, FunctionName="f", **members)) == CONFLICT
    aws.clock.advance(LEAST_S)
    await aws.settled()
    await aws("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)


async def test_a_version_published_with_an_update_becomes_active_with_it_and_not_before(aws: Plane) -> None:
    before = aws.invoked()
    published = await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER, Publish=True)
    await invoked_is_new(aws, before)
    assert (await configuration(aws, "1"))["State"] == "Pending"
    aws.clock.advance(LEAST_S)
    while (version := await configuration(aws, "1"))["State"] == "Pending":
        assert (await configuration(aws))["LastUpdateStatus"] == "InProgress"
        await asyncio.sleep(0)
    assert (version["State"], version["RevisionId"]) == ("Active", published["RevisionId"])
    assert (await configuration(aws))["LastUpdateStatus"] == "Successful"


async def test_neither_creation_nor_publishing_is_held(aws: Plane) -> None:
    assert (await aws.active("g", Publish=True))["State"] == "Active"
    assert (await aws.settled("g", Qualifier="1"))["State"] == "Active"
    assert (await aws("PublishVersion", FunctionName="f"))["State"] == "Active"


async def test_an_update_that_takes_longer_than_its_least_time_is_not_held_besides(tmp_path: Path) -> None:
    gate = Gate()
    async with plane(tmp_path, update_least_s=LEAST_S, prepare=gate.prepare) as aws:
        await aws.active()
        before = aws.invoked()
        gate.open.clear()
        await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
        await asyncio.sleep(0.01)
        aws.clock.advance(LEAST_S)
        assert (await configuration(aws))["LastUpdateStatus"] == "InProgress"
        assert aws.invoked() == before
        gate.open.set()
        assert (await aws.settled())["LastUpdateStatus"] == "Successful"


async def test_an_update_that_cannot_run_is_held_too_and_what_was_there_is_invoked(tmp_path: Path) -> None:
    async def prepare(version: FunctionVersion) -> None:
        if version.timeout_s == 13:
            raise CannotRun(Reason.INVALID_CONFIGURATION, "It is Friday.")

    async with plane(tmp_path, update_least_s=LEAST_S, prepare=prepare) as aws:
        await aws.active()
        before = aws.invoked()
        await aws("UpdateFunctionConfiguration", FunctionName="f", Timeout=13)
        await asyncio.sleep(0.01)
        assert only(await configuration(aws), *IN_PROGRESS) == IN_PROGRESS
        aws.clock.advance(LEAST_S)
        failed = await aws.settled()
        assert (failed["LastUpdateStatus"], failed["LastUpdateStatusReason"]) == ("Failed", "It is Friday.")
        assert aws.invoked() == before


async def test_a_caller_in_haste_does_not_wait(aws: Plane) -> None:
    await aws.at_once("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    assert (await aws.settled())["LastUpdateStatus"] == "Successful"
    await aws.at_once("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
    assert (await aws.settled())["LastUpdateStatus"] == "Successful"


@pytest.mark.parametrize("is_ready", [True, False])
async def test_after_a_crash_while_it_is_held_an_update_becomes_successful(tmp_path: Path, is_ready: bool) -> None:
    """kill -9 leaves the rows as they are here: nothing is written at the end of a block."""
    gate = Gate()
    async with plane(tmp_path, update_least_s=LEAST_S, prepare=gate.prepare) as aws:
        await aws.active()
        old = aws.invoked()
        if not is_ready:
            gate.open.clear()
        updated = await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER, Publish=True)
        if is_ready:
            await invoked_is_new(aws, old)
    async with plane(tmp_path, update_least_s=LEAST_S, seed=1) as aws:
        await invoked_is_new(aws, old)
        assert (await configuration(aws))["LastUpdateStatus"] == "InProgress"
        assert (await configuration(aws, "1"))["State"] == "Pending"
        aws.clock.advance(LEAST_S)
        settled = await aws.settled()
        assert (settled["LastUpdateStatus"], settled["CodeSha256"]) == ("Successful", updated["CodeSha256"])
        assert (await aws.settled(Qualifier="1"))["State"] == "Active"
        assert len(aws.trees()) == 1


async def test_an_update_that_a_machine_without_its_interpreter_takes_up_fails_and_can_be_repaired(
    tmp_path: Path,
) -> None:
    """What was invoked already goes on being invoked, also while the next update is prepared."""
    gate = asyncio.Event()

    async def cannot(_: FunctionVersion) -> None:
        raise CannotRun(Reason.INVALID_RUNTIME, "Somebody has removed Python.")

    async def slowly(_: FunctionVersion) -> None:
        await gate.wait()

    async with plane(tmp_path, update_least_s=LEAST_S) as aws:
        await aws.active()
        old = aws.invoked()
        await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
        await invoked_is_new(aws, old)
        invoked = aws.invoked().configuration_id
    async with plane(tmp_path, prepare=cannot, seed=1) as aws:
        assert (await aws.settled())["LastUpdateStatus"] == "Failed"
        assert aws.invoked().configuration_id == invoked
    async with plane(tmp_path, prepare=slowly, seed=2) as aws:
        await aws("UpdateFunctionCode", FunctionName="f", ZipFile=zipped({"app.py": "third"}))
        assert aws.invoked().configuration_id == invoked
        gate.set()
        assert (await aws.settled())["LastUpdateStatus"] == "Successful"
        assert aws.invoked().configuration_id != invoked


async def test_a_held_update_of_a_function_that_is_deleted_and_made_anew_changes_nothing_of_the_new_one(
    aws: Plane,
) -> None:
    before = aws.invoked()
    await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
    await invoked_is_new(aws, before)
    await aws("DeleteFunction", FunctionName="f")
    await aws.active()
    aws.clock.advance(LEAST_S - 0.1)  # the new update is held longer than the old one would be
    again = await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
    await asyncio.sleep(0.01)
    aws.clock.advance(0.1)
    await asyncio.sleep(0.01)
    assert (await configuration(aws))["RevisionId"] == again["RevisionId"]
    aws.clock.advance(LEAST_S)
    assert (await aws.settled())["LastUpdateStatus"] == "Successful"


async def test_many_updates_are_held_at_the_same_time(tmp_path: Path) -> None:
    """More than are prepared at once: what is held is in nobody's way."""
    clock = FakeClock()
    async with plane(tmp_path, update_least_s=LEAST_S, clock=clock) as aws:
        names = [f"f{number}" for number in range(20)]
        for name in names:
            await aws.active(name)
        for name in names:
            await aws("UpdateFunctionConfiguration", FunctionName=name, Timeout=9)
        await until(lambda: all(aws.invoked(name).timeout_s == 9 for name in names))
        clock.advance(LEAST_S)
        for name in names:
            assert (await aws.settled(name))["LastUpdateStatus"] == "Successful"
