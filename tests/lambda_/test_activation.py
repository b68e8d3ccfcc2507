"""How a version gets ready, or does not; and that a crash leaves none Pending."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from lambent.core.errors import AwsError
from lambent.lambda_.activation import JOBS_AT_ONCE, CannotRun
from lambent.lambda_.functions import FunctionVersion
from lambent.lambda_.states import Event, IllegalTransition, Phase, Reason, after
from tests.lambda_.plane import Plane, only, plane
from tests.lambda_.zips import HELLO, OTHER

STATE = ("State", "StateReason", "StateReasonCode", "LastUpdateStatus")
UPDATE = ("State", "LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode")


async def test_a_function_whose_interpreter_is_missing_fails_and_says_what_to_install(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        assert only(await aws.active(Runtime="python3.12"), *STATE) == {
            "State": "Failed",
            "StateReason": "This machine has no Python 3.12. Install it.",
            "StateReasonCode": "InvalidRuntime",
            "LastUpdateStatus": None,
        }
        assert not aws.invoked().invocable
        assert aws.invoked().state == "Failed"


async def test_a_failed_function_can_be_repaired_by_an_update(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        await aws.active(Runtime="python3.12")
        updated = await aws("UpdateFunctionConfiguration", FunctionName="f", Runtime="python3.11")
        assert updated["State"] == "Pending"
        assert (await aws.settled())["State"] == "Active"


async def test_a_function_for_another_architecture_fails(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        other = "x86_64" if await this_machine(aws) == "arm64" else "arm64"
        found = await aws.active("g", Architectures=[other])
        assert found["StateReasonCode"] == "InvalidConfiguration"
        assert other in found["StateReason"]


async def this_machine(aws: Plane) -> str:
    found = await aws.active("probe", Architectures=["x86_64"])
    return "x86_64" if found["State"] == "Active" else "arm64"


async def test_during_an_update_and_after_a_failed_one_invocations_run_what_was_there(tmp_path: Path) -> None:
    gate = asyncio.Event()
    gate.set()

    async def prepare(_: FunctionVersion) -> None:
        await gate.wait()

    async with plane(tmp_path, prepare=prepare) as aws:
        await aws.active()
        before = aws.invoked()
        gate.clear()
        await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
        assert aws.invoked() == before
        assert len(aws.trees()) == 2
        gate.set()
        await aws.settled()
        assert aws.invoked() != before
        assert len(aws.trees()) == 1
        before = aws.invoked()
        await aws("UpdateFunctionConfiguration", FunctionName="f", Runtime="python3.12")
        assert only(await aws.settled(), *UPDATE) == {
            "State": "Active",
            "LastUpdateStatus": "Failed",
            "LastUpdateStatusReason": "This machine has no Python 3.12. Install it.",
            "LastUpdateStatusReasonCode": "InvalidRuntime",
        }
        assert aws.invoked() == before
        assert aws.invoked().invocable
        await aws("UpdateFunctionConfiguration", FunctionName="f", Runtime="python3.11")
        assert (await aws.settled())["LastUpdateStatus"] == "Successful"
        assert aws.invoked().revision_id != before.revision_id


async def test_what_the_data_plane_cannot_prepare_fails_with_its_reason(tmp_path: Path) -> None:
    async def prepare(_: FunctionVersion) -> None:
        raise CannotRun(Reason.INVALID_CONFIGURATION, "It needs a moon.")

    async with plane(tmp_path, prepare=prepare) as aws:
        assert only(await aws.active(), "State", "StateReason") == {
            "State": "Failed",
            "StateReason": "It needs a moon.",
        }


async def test_a_bug_of_ours_fails_the_function_and_not_the_server(tmp_path: Path) -> None:
    async def prepare(version: FunctionVersion) -> None:
        if version.arn.name == "f":
            raise ZeroDivisionError

    async with plane(tmp_path, prepare=prepare) as aws:
        assert only(await aws.active(), "State", "StateReasonCode") == {
            "State": "Failed",
            "StateReasonCode": "InternalError",
        }
        assert (await aws.active("g"))["State"] == "Active"


async def test_a_function_deleted_while_it_is_pending_leaves_nothing(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def prepare(_: FunctionVersion) -> None:
        await gate.wait()

    async with plane(tmp_path, prepare=prepare) as aws:
        await aws.create()
        await aws("DeleteFunction", FunctionName="f")
        created = await aws.create(content=OTHER)
        gate.set()
        active = await aws.settled()
        assert active["CodeSha256"] == created["CodeSha256"]
        assert len(aws.trees()) == 1


async def test_a_function_deleted_before_its_turn_is_not_prepared_nor_taken_out_of_its_grave(tmp_path: Path) -> None:
    gate, prepared = asyncio.Event(), list[str]()

    async def prepare(version: FunctionVersion) -> None:
        prepared.append(version.arn.name)
        await gate.wait()

    async with plane(tmp_path, prepare=prepare) as aws:
        for number in range(JOBS_AT_ONCE):
            await aws.create(f"f{number}")
        while len(prepared) < JOBS_AT_ONCE:
            await asyncio.sleep(0)
        await aws.create("late", content=OTHER)
        await aws("DeleteFunction", FunctionName="late")
        graves = aws.graves()
        gate.set()
        for number in range(JOBS_AT_ONCE):
            await aws.settled(f"f{number}")
        await aws.active("behind")  # and so the job before it is over
        assert "late" not in prepared
        assert aws.graves() == graves
        assert len(aws.trees()) == 1


async def test_a_function_deleted_while_it_is_prepared_keeps_its_package_so_long_and_leaves_no_traceback(
    tmp_path: Path,
) -> None:
    there = list[bool]()
    async with AsyncExitStack() as on:

        async def prepare(version: FunctionVersion) -> None:
            await aws("DeleteFunction", FunctionName=version.arn.name)
            there.append(aws.control.code.archive(version.code_digest).exists())
            raise FileNotFoundError("somebody has deleted what was to be prepared")

        logs = on.enter_context(capture_logs())
        aws = await on.enter_async_context(plane(tmp_path, prepare=prepare))
        await aws.create()
        while aws.trees():
            await asyncio.sleep(0)
    assert there == [True]
    assert [line for line in logs if line["log_level"] in ("warning", "error")] == []


async def test_after_a_restart_everything_is_as_it_was(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        await aws.active(Tags={"a": "1"}, Publish=True, Environment={"Variables": {"AB": "1"}})
        await aws.settled(Qualifier="1")
        await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
        await aws.settled()
        before = [await aws("GetFunction", FunctionName="f", Qualifier=q) for q in (None, "$LATEST", "1")]
        trees = aws.trees()
    async with plane(tmp_path, seed=1) as aws:
        after = [await aws("GetFunction", FunctionName="f", Qualifier=q) for q in (None, "$LATEST", "1")]
        assert after == before
        assert aws.trees() == trees
        assert aws.invoked("f", "1").invocable


async def test_after_a_crash_pending_versions_are_taken_up_again(tmp_path: Path) -> None:
    async def never(_: FunctionVersion) -> None:
        await asyncio.Event().wait()

    async with plane(tmp_path) as aws:
        await aws.active("g")
        served = aws.invoked("g")
    async with plane(tmp_path, prepare=never, seed=1) as aws:
        await aws.create("f", Publish=True)
        await aws("UpdateFunctionCode", FunctionName="g", ZipFile=OTHER)
    async with plane(tmp_path, prepare=never, seed=2) as aws:
        assert (await aws("GetFunctionConfiguration", FunctionName="f"))["State"] == "Pending"
        assert aws.invoked("g") == served
        assert len(aws.trees()) == 2
    async with plane(tmp_path, seed=3) as aws:
        assert (await aws.settled("f"))["State"] == "Active"
        assert (await aws.settled("f", Qualifier="1"))["State"] == "Active"
        assert (await aws.settled("g"))["LastUpdateStatus"] == "Successful"
        assert aws.invoked("g").code != served.code


async def test_code_that_a_crash_took_is_unpacked_again_and_code_of_nobody_is_removed(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        await aws.active()
        tree = aws.control.code.tree(aws.invoked().code_digest)
        stray = tree.parent / ("0" * 64)
        stray.mkdir()
        (tree.parent / ".new-crashed").mkdir()
        tree.rename(tree.parent / ".old-crashed")
    async with plane(tmp_path, seed=1) as aws:
        tree = aws.control.code.tree(aws.invoked().code_digest)
        assert (tree / "app.py").read_bytes()
        assert aws.trees() == {tree.name}


async def test_code_in_use_outlives_its_function(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        await aws.active()
        with aws.control.code.holding(aws.invoked().code_digest) as tree:
            await aws("DeleteFunction", FunctionName="f")
            assert (tree / "app.py").exists()
        assert not tree.exists()


async def test_a_refused_package_leaves_nothing_behind(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        corrupt = HELLO.replace(b"app.py", b"app.pz", 1)
        with pytest.raises(AwsError, match="Could not unzip uploaded file"):
            await aws.create(content=corrupt)
        assert list((tmp_path / "code").rglob("*.p*")) == []
        assert aws.trees() == set()


def test_an_event_that_the_table_does_not_have_cannot_happen() -> None:
    for phase in (Phase.ACTIVE, Phase.FAILED, Phase.UPDATE_FAILED):
        with pytest.raises(IllegalTransition):
            after(phase, Event.PREPARED)
