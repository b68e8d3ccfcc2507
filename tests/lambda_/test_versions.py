"""Published versions: numbered once, never changed, found again when nothing is new."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from lambent.core.errors import AwsError
from tests.lambda_.plane import ARN, Plane, only, plane, refused
from tests.lambda_.zips import OTHER


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncGenerator[Plane]:
    async with plane(tmp_path) as made:
        yield made


async def test_a_version_of_an_active_function_is_active_at_once(aws: Plane) -> None:
    latest = await aws.active()
    version = await aws("PublishVersion", FunctionName="f", Description="first")
    assert only(version, "Version", "FunctionArn", "State", "LastUpdateStatus", "Description") == {
        "Version": "1",
        "FunctionArn": ARN + "f:1",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "Description": "first",
    }
    assert version["RevisionId"] != latest["RevisionId"]
    after = await aws("GetFunctionConfiguration", FunctionName="f")
    assert after | {"RevisionId": latest["RevisionId"]} == latest  # test_revisions
    assert await aws("GetFunctionConfiguration", FunctionName="f", Qualifier="1") == version
    assert aws.invoked("f", "1").version == "1"


async def test_publishing_again_without_a_change_gives_the_same_version(aws: Plane) -> None:
    await aws.active()
    first = await aws("PublishVersion", FunctionName="f", Description="first")
    assert await aws("PublishVersion", FunctionName="f", Description="again") == first
    assert await aws("PublishVersion", FunctionName="f") == first


async def test_a_changed_description_of_latest_makes_a_new_version(aws: Plane) -> None:
    await aws.active()
    await aws("PublishVersion", FunctionName="f")
    await aws("UpdateFunctionConfiguration", FunctionName="f", Description="Second version :))")
    await aws.settled()
    second = await aws("PublishVersion", FunctionName="f")
    assert only(second, "Version", "Description") == {"Version": "2", "Description": "Second version :))"}


async def test_a_version_stays_as_it_was(aws: Plane) -> None:
    await aws.active(Environment={"Variables": {"AB": "1"}})
    first = await aws("PublishVersion", FunctionName="f")
    await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
    await aws.settled()
    await aws("UpdateFunctionConfiguration", FunctionName="f", Environment={"Variables": {}}, Timeout=60)
    await aws.settled()
    assert await aws("GetFunctionConfiguration", FunctionName="f", Qualifier="1") == first
    assert len(aws.trees()) == 2
    await aws("DeleteFunction", FunctionName="f", Qualifier="1")
    assert len(aws.trees()) == 1


async def test_publishing_may_be_guarded_by_the_code_sha256(aws: Plane) -> None:
    latest = await aws.active()
    with pytest.raises(AwsError) as caught:
        await aws("PublishVersion", FunctionName="f", CodeSha256="somenonexistentsha256")
    assert caught.value.code == "InvalidParameterValueException"
    assert str(caught.value) == (
        "CodeSHA256 (somenonexistentsha256) is different from current CodeSHA256 in $LATEST "
        f"({latest['CodeSha256']}). Please try again with the CodeSHA256 in $LATEST."
    )
    version = await aws("PublishVersion", FunctionName="f", CodeSha256=latest["CodeSha256"])
    assert version["Version"] == "1"


async def test_create_and_update_may_publish(aws: Plane) -> None:
    created = await aws.create(Publish=True)
    assert only(created, "Version", "FunctionArn", "State") == {
        "Version": "1",
        "FunctionArn": ARN + "f",  # recorded: unlike all others it is the function's own
        "State": "Pending",
    }
    await aws.settled()
    assert (await aws.settled(Qualifier="1"))["FunctionArn"] == ARN + "f:1"
    updated = await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER, Publish=True)
    assert only(updated, "Version", "FunctionArn") == {"Version": "2", "FunctionArn": ARN + "f:2"}
    assert (await aws.settled(Qualifier="2"))["State"] == "Active"


async def test_versions_are_listed_from_latest_upwards(aws: Plane) -> None:
    await aws.active()
    for number in range(11):
        await aws("UpdateFunctionConfiguration", FunctionName="f", Timeout=number + 1)
        await aws.settled()
        await aws("PublishVersion", FunctionName="f")
    first = await aws("ListVersionsByFunction", FunctionName="f", MaxItems=5)
    second = await aws("ListVersionsByFunction", FunctionName="f", Marker=first["NextMarker"])
    listed = first["Versions"] + second["Versions"]
    assert [version["Version"] for version in listed] == ["$LATEST", *(str(number + 1) for number in range(11))]
    assert listed[0]["FunctionArn"] == ARN + "f:$LATEST"
    assert "State" not in listed[0]


async def test_a_number_is_never_given_twice(aws: Plane) -> None:
    await aws.active(Publish=True)
    await aws("DeleteFunction", FunctionName="f", Qualifier="1")
    assert (await aws("PublishVersion", FunctionName="f"))["Version"] == "2"
    await aws("DeleteFunction", FunctionName="f")
    await aws.active()
    assert (await aws("PublishVersion", FunctionName="f"))["Version"] == "3"


async def test_a_version_that_is_not_there_is_deleted_as_often_as_you_like(aws: Plane) -> None:
    await aws.active(Publish=True)
    before = await aws("ListVersionsByFunction", FunctionName="f")
    for written in ({"FunctionName": "f", "Qualifier": "7"}, {"FunctionName": "f:7"}, {"FunctionName": "f:01"}):
        for _ in range(2):
            assert (await aws("DeleteFunction", **written))["StatusCode"] == 204
    assert await aws("ListVersionsByFunction", FunctionName="f") == before
    for _ in range(2):
        assert (await aws("DeleteFunction", FunctionName="f", Qualifier="1"))["StatusCode"] == 204


async def test_of_a_function_that_is_not_there_no_version_is_deleted(aws: Plane) -> None:
    for qualifier in (None, "7", "noalias"):
        found = await refused(aws("DeleteFunction", FunctionName="ghost", Qualifier=qualifier))
        assert found == ("ResourceNotFoundException", f"Function not found: {ARN}ghost")
    await aws.active()
    found = await refused(aws("DeleteFunction", FunctionName="f", Qualifier="noalias"))
    assert found == ("ResourceNotFoundException", f"Function not found: {ARN}f:noalias")


async def test_pages_of_all_versions_break_anywhere_in_a_function(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        for name in ("a", "a-b", "b"):
            await aws.active(name)
            for number in range(3):
                await aws("UpdateFunctionConfiguration", FunctionName=name, Timeout=10 + number)
                await aws.settled(name)
                await aws("PublishVersion", FunctionName=name)
        found: list[tuple[str, str]] = []
        marker: dict[str, object] = {}
        while len(found) < 100:
            page = await aws("ListFunctions", FunctionVersion="ALL", MaxItems=5, **marker)
            found += [(function["FunctionName"], function["Version"]) for function in page["Functions"]]
            if "NextMarker" not in page:
                break
            marker = {"Marker": page["NextMarker"]}
        assert found == [(name, version) for name in ("a", "a-b", "b") for version in ("$LATEST", "1", "2", "3")]


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("GetFunctionConfiguration", {}),
        ("PutFunctionEventInvokeConfig", {"MaximumRetryAttempts": 1}),
        ("PutProvisionedConcurrencyConfig", {"ProvisionedConcurrentExecutions": 1}),
        ("AddPermission", {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}),
        ("PutRuntimeManagementConfig", {"UpdateRuntimeOn": "Auto"}),
    ],
)
async def test_a_version_has_one_name(tmp_path: Path, operation: str, members: dict[str, Any]) -> None:
    async with plane(tmp_path) as lambda_:
        await lambda_.active(Publish=True)
        for other in ("01", "001", "0"):
            with pytest.raises(AwsError) as caught:
                await lambda_(operation, FunctionName="f", Qualifier=other, **members)
            assert caught.value.code == "ResourceNotFoundException"
        with pytest.raises(AwsError, match=f"Function not found: {ARN}f:01"):
            await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="01")
        weights = {"AdditionalVersionWeights": {"01": 0.5}}
        with pytest.raises(AwsError, match=f"Function not found: {ARN}f:01"):
            await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=weights)
        with pytest.raises(AwsError, match=f"Function not found: {ARN}f:01"):
            lambda_.invoked("f", "01")


async def test_a_function_of_another_partition_is_not_here(tmp_path: Path) -> None:
    async with plane(tmp_path) as lambda_:
        await lambda_.active()
        elsewhere = (ARN + "f").replace("arn:aws:", "arn:aws-cn:")
        with pytest.raises(AwsError, match=f"Function not found: {elsewhere}"):
            await lambda_("GetFunctionConfiguration", FunctionName=elsewhere)
