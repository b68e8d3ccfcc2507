"""RevisionIds: what gives $LATEST another one, and what leaves it and those of versions as they are. Recorded."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path

import pytest

from lambent.lambda_.activation import nothing_to_prepare
from lambent.lambda_.functions import FunctionVersion
from tests.lambda_.plane import ARN, Plane, plane, refused
from tests.lambda_.zips import OTHER


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncGenerator[Plane]:
    async with plane(tmp_path) as made:
        yield made


async def revision(aws: Plane, qualifier: str | None = None) -> str:
    return (await aws("GetFunction", FunctionName="f", Qualifier=qualifier))["Configuration"]["RevisionId"]


async def test_publishing_gives_latest_a_new_revision_and_the_version_one_of_its_own(aws: Plane) -> None:
    before = (await aws.active())["RevisionId"]
    published = (await aws("PublishVersion", FunctionName="f", RevisionId=before))["RevisionId"]
    after = await revision(aws)
    assert len({before, published, after}) == 3
    assert await revision(aws, "1") == published
    code, _ = await refused(aws("PublishVersion", FunctionName="f", RevisionId=before))
    assert code == "PreconditionFailedException"


async def test_publishing_nothing_new_and_naming_a_version_leave_every_revision(aws: Plane) -> None:
    await aws.active()
    published = (await aws("PublishVersion", FunctionName="f"))["RevisionId"]
    after = await revision(aws)
    assert (await aws("PublishVersion", FunctionName="f"))["RevisionId"] == published
    await aws("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert (await revision(aws), await revision(aws, "1")) == (after, published)


@pytest.mark.parametrize("operation", ["CreateFunction", "UpdateFunctionCode"])
async def test_a_version_that_is_made_with_its_code_keeps_its_revision_when_it_becomes_active(
    aws: Plane, operation: str
) -> None:
    if operation == "CreateFunction":
        made = await aws.create(Publish=True)
    else:
        await aws.active()
        made = await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER, Publish=True)
    assert made["State"] == "Pending"
    assert (await aws.settled(Qualifier="1"))["State"] == "Active"
    assert await revision(aws, "1") == made["RevisionId"]
    assert await revision(aws) != made["RevisionId"]


async def test_every_tagging_and_untagging_gives_latest_a_new_revision(aws: Plane) -> None:
    await aws.active(Tags={"a": "1"})
    await aws("PublishVersion", FunctionName="f")
    of_version, seen = await revision(aws, "1"), [await revision(aws)]
    for operation, members in (
        ("TagResource", {"Tags": {"b": "2"}}),
        ("TagResource", {"Tags": {"b": "2"}}),
        ("UntagResource", {"TagKeys": ["a"]}),
        ("UntagResource", {"TagKeys": ["a"]}),
    ):
        await aws(operation, Resource=ARN + "f", **members)
        seen.append(await revision(aws))
    assert len(set(seen)) == 5
    assert await revision(aws, "1") == of_version


async def test_what_is_tagged_while_it_is_prepared_becomes_ready_all_the_same(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def prepare(_: FunctionVersion) -> None:
        await gate.wait()

    async with plane(tmp_path, prepare=prepare) as aws:
        await aws.create(Publish=True)
        await aws("TagResource", Resource=ARN + "f", Tags={"a": "1"})
        gate.set()
        assert (await aws.settled())["State"] == "Active"
        assert (await aws.settled(Qualifier="1"))["State"] == "Active"
        gate.clear()
        await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
        await aws("UntagResource", Resource=ARN + "f", TagKeys=["a"])
        gate.set()
        assert (await aws.settled())["LastUpdateStatus"] == "Successful"


async def test_an_environment_belongs_to_code_and_configuration_and_not_to_a_revision(aws: Plane) -> None:
    """Else publishing and tagging would end every warm one."""
    await aws.active()
    first = aws.invoked()
    await aws("TagResource", Resource=ARN + "f", Tags={"a": "1"})
    await aws("PublishVersion", FunctionName="f")
    after = aws.invoked()
    assert after.revision_id != first.revision_id
    assert after.configuration_id == first.configuration_id
    await aws("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    await aws.settled()
    updated = aws.invoked()
    assert updated.configuration_id != first.configuration_id
    await aws("DeleteFunction", FunctionName="f")
    await aws.active(Timeout=9)
    assert aws.invoked().configuration_id != updated.configuration_id


@pytest.mark.parametrize("is_updating", [False, True])
async def test_rows_of_before_there_were_configuration_ids_are_told_apart_by_their_revisions(
    tmp_path: Path, is_updating: bool
) -> None:
    async def never(_: FunctionVersion) -> None:
        await asyncio.Event().wait()

    async with plane(tmp_path) as aws:
        await aws.active()
    if is_updating:
        async with plane(tmp_path, prepare=never, seed=1) as aws:
            await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
    with closing(sqlite3.connect(tmp_path / "lambda.db")) as rows, rows:
        for table, column in (("function_versions", "document"), ("functions", "serving")):
            rows.execute(f"UPDATE {table} SET {column} = json_remove({column}, '$.configuration_id')")
    async with plane(tmp_path, seed=2, prepare=never if is_updating else nothing_to_prepare) as aws:
        old = aws.invoked()
        assert old.configuration_id == old.revision_id
        await aws("TagResource", Resource=ARN + "f", Tags={"a": "1"})
        if not is_updating:
            await aws("PublishVersion", FunctionName="f")
            assert (await revision(aws)) != old.revision_id
        assert aws.invoked().configuration_id == old.configuration_id
    async with plane(tmp_path, seed=3) as aws:
        await aws.settled()
        assert (aws.invoked().configuration_id == old.configuration_id) is not is_updating
