"""Layers, their versions and policies, and what a function may have of them. In process; sentences recorded (14)."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from lambent.core.kernel import Caller, Context
from lambent.lambda_.limits import AccountLimits
from tests.lambda_.code.test_sources import with_buckets
from tests.lambda_.plane import ACCOUNT, REGION, Members, Plane, only, plane, refused
from tests.lambda_.zips import HELLO, OTHER, zipped

INVALID = "InvalidParameterValueException"
MISSING = "ResourceNotFoundException"
DENIED = "AccessDeniedException"
FRIEND = "210987654321"
LAYER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:"
NOT_THERE = (MISSING, "The resource you requested does not exist.")


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncGenerator[Plane]:
    async with plane(tmp_path) as made:
        yield made


async def published(aws: Plane, name: str = "l", content: bytes = HELLO, **members: object) -> Members:
    return await aws("PublishLayerVersion", LayerName=name, Content={"ZipFile": content}, **members)


async def friend(aws: Plane, operation: str, region: str = REGION, **members: object) -> Members:
    """The same call by the root of another account."""
    caller = Caller(FRIEND, f"arn:aws:iam::{FRIEND}:root", FRIEND, "AKIA", is_root=True)
    ctx = Context(aws.service.state, caller, region, "request", aws.clock, aws.ids)
    return await aws.service.call(operation, dict(members), ctx)


def denied(arn: str, action: str = "GetLayerVersion", caller: str = FRIEND) -> tuple[str, str]:
    return DENIED, (
        f"User: arn:aws:iam::{caller}:root is not authorized to perform: lambda:{action} on resource: {arn} "
        f"because no resource-based policy allows the lambda:{action} action"
    )


# Versions


async def test_a_published_version_is_described_as_it_was_published(aws: Plane) -> None:
    members: dict[str, Any] = {
        "Description": "grüße",
        "CompatibleRuntimes": ["python3.11", "nodejs12.x"],
        "CompatibleArchitectures": ["arm64", "x86_64"],
        "LicenseInfo": "MIT",
    }
    version = await published(aws, **members)
    assert only(version, *members) == members
    assert (version["LayerArn"], version["LayerVersionArn"], version["Version"]) == (f"{LAYER}l", f"{LAYER}l:1", 1)
    assert version["Content"]["CodeSize"] == len(HELLO)
    assert version["CreatedDate"].endswith("+0000")
    assert await aws("GetLayerVersion", LayerName="l", VersionNumber=1) == version
    assert await aws("GetLayerVersion", LayerName=f"{LAYER}l", VersionNumber=1) == version
    assert await aws("GetLayerVersionByArn", Arn=f"{LAYER}l:1") == version


async def test_what_was_not_given_is_not_shown(aws: Plane) -> None:
    version = await published(aws)
    assert version["Description"] == ""
    assert not {"CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo"} & version.keys()


async def test_numbers_are_never_given_twice_not_even_when_all_versions_are_gone(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        assert [(await published(aws))["Version"] for _ in range(2)] == [1, 2]
        for number in (1, 2):
            await aws("DeleteLayerVersion", LayerName="l", VersionNumber=number)
        assert (await aws("ListLayers"))["Layers"] == []
        assert (await published(aws))["Version"] == 3
        await aws("DeleteLayerVersion", LayerName="l", VersionNumber=3)
    async with plane(tmp_path, seed=1) as aws:
        assert (await published(aws))["Version"] == 4
        assert (await published(aws, "m"))["Version"] == 1


async def test_what_is_not_there_is_not_found_and_not_missed_when_deleted(aws: Plane) -> None:
    await published(aws)
    assert await refused(aws("GetLayerVersion", LayerName="l", VersionNumber=2)) == NOT_THERE
    assert await refused(aws("GetLayerVersion", LayerName="ghost", VersionNumber=1)) == NOT_THERE
    assert await refused(aws("GetLayerVersionByArn", Arn=f"{LAYER}l:2")) == NOT_THERE
    assert await refused(aws("GetLayerVersionByArn", Arn="arn:aws:lambda:::awslayer:AmazonLinux1803")) == NOT_THERE
    assert await aws("DeleteLayerVersion", LayerName="ghost", VersionNumber=1) == {}
    assert await aws("DeleteLayerVersion", LayerName="l", VersionNumber=2) == {}
    assert (await aws("ListLayerVersions", LayerName="ghost"))["LayerVersions"] == []
    assert aws.control.layers.listed(ACCOUNT, REGION)[0].arn.name == "l"


@pytest.mark.parametrize("number", [0, -1])
@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("GetLayerVersion", {}),
        ("DeleteLayerVersion", {}),
        ("GetLayerVersionPolicy", {}),
        ("RemoveLayerVersionPermission", {"StatementId": "s"}),
        ("AddLayerVersionPermission", {"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}),
    ],
)
async def test_numbers_begin_at_one(aws: Plane, operation: str, members: Members, number: int) -> None:
    expected = (INVALID, "Layer Version Cannot be less than 1")
    assert await refused(aws(operation, LayerName="l", VersionNumber=number, **members)) == expected


@pytest.mark.parametrize(
    ("content", "code", "sentence"),
    [
        ({}, INVALID, "Please provide a source for layer content."),
        ({"ZipFile": b""}, INVALID, "Uploaded file must be a non-empty zip"),
        (
            {"ZipFile": b"x"},
            INVALID,
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
        ),
        ({"ZipFile": zipped({"../up": ""})}, INVALID, "Could not unzip uploaded file. Please check your file, "),
        ({"ZipFile": bytes(52_428_801)}, "RequestEntityTooLargeException", "Zipped size must be smaller than 52428800"),
        (
            {"ZipFile": HELLO, "S3Bucket": "bucket", "S3Key": "k"},
            INVALID,
            "Please do not provide other Content parameters when providing a ZipFile.",
        ),
    ],
)
async def test_content_is_looked_at_as_code_is(aws: Plane, content: Members, code: str, sentence: str) -> None:
    found = await refused(aws("PublishLayerVersion", LayerName="l", Content=content))
    assert found[0] == code
    assert found[1].startswith(sentence)
    assert aws.trees() == set()


async def test_content_is_read_from_a_bucket(tmp_path: Path) -> None:
    async with with_buckets(tmp_path) as aws:
        place = {"S3Bucket": "code", "S3Key": "hello.zip"}
        first = await aws("PublishLayerVersion", LayerName="l", Content=place)
        other = await aws("PublishLayerVersion", LayerName="l", Content=place | {"S3ObjectVersion": "v1"})
        assert [version["Content"]["CodeSize"] for version in (first, other)] == [len(HELLO), len(OTHER)]
        stays = aws("PublishLayerVersion", LayerName="l", Content=place | {"S3ObjectStorageMode": "REFERENCE"})
        assert await refused(stays) == (
            INVALID,
            "S3ObjectStorageMode REFERENCE is not supported by this version of Lambent.",
        )
        ghost = aws("PublishLayerVersion", LayerName="l", Content=place | {"S3Bucket": "ghosts"})
        assert (await refused(ghost))[1].startswith("Error occurred while GetObject. S3 Error Code: NoSuchBucket.")
        twice = aws("PublishLayerVersion", LayerName="l", Content=place | {"ZipFile": HELLO})
        assert (await refused(twice))[0] == INVALID
        assert len(aws.trees()) == 2


async def test_what_has_no_room_in_the_accounts_code_storage_is_not_published(tmp_path: Path) -> None:
    async with plane(tmp_path, limits=AccountLimits(total_code_size_bytes=len(HELLO) + len(OTHER))) as aws:
        await aws.active(content=HELLO)
        await published(aws, content=OTHER)
        full = ("CodeStorageExceededException", "Code storage limit exceeded.")
        assert await refused(published(aws)) == full
        assert (await aws("ListLayerVersions", LayerName="l"))["LayerVersions"][0]["Version"] == 1
        await aws("DeleteLayerVersion", LayerName="l", VersionNumber=1)
        assert (await published(aws))["Version"] == 2


async def test_a_version_that_unpacks_to_too_much_is_refused(aws: Plane) -> None:
    half = b"\0" * 131_072_001
    found = await refused(published(aws, content=zipped({"a": half, "b": half})))
    assert found == (INVALID, "Unzipped size must be smaller than 262144000 bytes")


async def test_lists_are_filtered_and_the_newest_stands_first(aws: Plane) -> None:
    await published(aws, "b", CompatibleRuntimes=["python3.11"], CompatibleArchitectures=["x86_64"])
    await published(aws, "b", CompatibleRuntimes=["python3.12", "python3.11"])
    await published(aws, "b")
    await published(aws, "a", CompatibleRuntimes=["nodejs22.x"])

    async def versions(**filters: object) -> list[int]:
        found = await aws("ListLayerVersions", LayerName="b", **filters)
        return [version["Version"] for version in found["LayerVersions"]]

    async def layers(**filters: object) -> list[tuple[str, int]]:
        found = await aws("ListLayers", **filters)
        return [(layer["LayerName"], layer["LatestMatchingVersion"]["Version"]) for layer in found["Layers"]]

    assert await versions() == [3, 2, 1]
    assert await versions(CompatibleRuntime="python3.11") == [2, 1]
    assert await versions(CompatibleRuntime="python3.11", CompatibleArchitecture="x86_64") == [1]
    assert await layers() == [("a", 1), ("b", 3)]
    assert await layers(CompatibleRuntime="python3.12") == [("b", 2)]
    assert await layers(CompatibleArchitecture="x86_64") == [("b", 1)]
    assert await layers(CompatibleRuntime="java21") == []
    listed = (await aws("ListLayers"))["Layers"][1]
    assert listed["LayerArn"] == f"{LAYER}b"
    assert "Content" not in listed["LatestMatchingVersion"]


async def test_pages_hold_at_most_fifty(aws: Plane) -> None:
    for _ in range(52):
        await published(aws)
    first = await aws("ListLayerVersions", LayerName="l")
    assert [version["Version"] for version in first["LayerVersions"]] == list(range(52, 2, -1))
    second = await aws("ListLayerVersions", LayerName="l", Marker=first["NextMarker"])
    assert [version["Version"] for version in second["LayerVersions"]] == [2, 1]
    assert "NextMarker" not in second
    assert (await refused(aws("ListLayers", Marker=first["NextMarker"])))[0] == INVALID
    for name in "abc":
        await published(aws, name)
    page = await aws("ListLayers", MaxItems=2)
    rest = await aws("ListLayers", MaxItems=2, Marker=page["NextMarker"])
    assert [layer["LayerName"] for layer in (*page["Layers"], *rest["Layers"])] == ["a", "b", "c", "l"]


async def test_layers_count_in_the_accounts_code_size(aws: Plane) -> None:
    await published(aws)
    await published(aws, content=OTHER)
    await aws.active(content=HELLO)
    usage = (await aws("GetAccountSettings"))["AccountUsage"]
    assert usage == {"TotalCodeSize": 2 * len(HELLO) + len(OTHER), "FunctionCount": 1}


async def test_another_region_has_its_own_layers(aws: Plane) -> None:
    await published(aws)
    elsewhere = f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:l"
    expected = (MISSING, f"Layers from 'us-east-1' are not reachable in this region ('{REGION}')")
    assert await refused(aws("GetLayerVersion", LayerName=elsewhere, VersionNumber=1)) == expected
    assert await refused(aws("GetLayerVersionByArn", Arn=f"{elsewhere}:1")) == expected


# Policies


def grant(**members: object) -> dict[str, Any]:
    given = {"StatementId": "s1", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    return {"LayerName": "l", "VersionNumber": 1} | given | members


async def test_a_policy_is_shown_as_iam_writes_it(aws: Plane) -> None:
    await published(aws)
    one = await aws("AddLayerVersionPermission", **grant(Principal=FRIEND))
    root = {"AWS": f"arn:aws:iam::{FRIEND}:root"}
    first = {"Sid": "s1", "Effect": "Allow", "Principal": root, "Action": "lambda:GetLayerVersion"}
    first["Resource"] = f"{LAYER}l:1"
    assert json.loads(one["Statement"]) == first
    organization = {"StringEquals": {"aws:PrincipalOrgID": "o-0123456789"}}
    two = await aws("AddLayerVersionPermission", **grant(StatementId="s2", OrganizationId="o-0123456789"))
    second = first | {"Sid": "s2", "Principal": "*", "Condition": organization}
    assert json.loads(two["Statement"]) == second
    policy = await aws("GetLayerVersionPolicy", LayerName="l", VersionNumber=1)
    document = {"Version": "2012-10-17", "Id": "default", "Statement": [first, second]}
    assert (json.loads(policy["Policy"]), policy["RevisionId"]) == (document, two["RevisionId"])
    assert one["RevisionId"] != two["RevisionId"]
    assert await aws("RemoveLayerVersionPermission", LayerName="l", VersionNumber=1, StatementId="s1") == {}
    policy = await aws("GetLayerVersionPolicy", LayerName="l", VersionNumber=1)
    assert json.loads(policy["Policy"])["Statement"] == [second]


async def test_what_is_wrong_with_a_policys_change_is_said_as_aws_says_it(aws: Plane) -> None:
    version = {"LayerName": "l", "VersionNumber": 1}
    gone = (MISSING, f"Layer version {LAYER}l:1 does not exist.")
    assert await refused(aws("AddLayerVersionPermission", **grant())) == gone
    assert await refused(aws("GetLayerVersionPolicy", **version)) == gone
    assert await refused(aws("RemoveLayerVersionPermission", **version, StatementId="s1")) == gone
    await published(aws)
    nothing = (MISSING, "No policy is associated with the given resource.")
    assert await refused(aws("GetLayerVersionPolicy", **version)) == nothing
    revision = (await aws("AddLayerVersionPermission", **grant()))["RevisionId"]
    taken = "The statement id (s1) provided already exists. Please provide a new statement id, or remove the existing"
    assert (await refused(aws("AddLayerVersionPermission", **grant())))[1].startswith(taken)
    stale = (
        "PreconditionFailedException",
        (
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetLayerPolicy API to retrieve the latest Revision Id"
        ),
    )
    assert await refused(aws("AddLayerVersionPermission", **grant(StatementId="s2", RevisionId="x"))) == stale
    assert await refused(aws("RemoveLayerVersionPermission", **version, StatementId="s1", RevisionId="x")) == stale
    unknown = (MISSING, "Statement nope is not found in resource policy.")
    assert await refused(aws("RemoveLayerVersionPermission", **version, StatementId="nope")) == unknown
    await aws("RemoveLayerVersionPermission", **version, StatementId="s1", RevisionId=revision)
    assert await refused(aws("GetLayerVersionPolicy", **version)) == nothing


async def test_a_policy_has_a_limit(aws: Plane) -> None:
    await published(aws)

    async def fill() -> None:
        for number in range(200):
            await aws("AddLayerVersionPermission", **grant(StatementId=f"{number}" * 30))

    code, sentence = await refused(fill())
    assert code == "PolicyLengthExceededException"
    assert sentence.endswith("is bigger than the limit (20480).")


async def test_a_version_is_for_others_when_its_policy_says_so(aws: Plane) -> None:
    await published(aws)
    await published(aws)
    shared, kept = f"{LAYER}l:1", f"{LAYER}l:2"
    assert await refused(friend(aws, "GetLayerVersionByArn", Arn=shared)) == denied(shared)
    assert await refused(friend(aws, "GetLayerVersionByArn", Arn=f"{LAYER}ghost:1")) == denied(f"{LAYER}ghost:1")
    await aws("AddLayerVersionPermission", **grant(Principal="999999999999"))
    await aws("AddLayerVersionPermission", **grant(StatementId="s2", OrganizationId="o-0123456789"))
    assert await refused(friend(aws, "GetLayerVersionByArn", Arn=shared)) == denied(shared)
    await aws("AddLayerVersionPermission", **grant(StatementId="s3", Principal=f"arn:aws:iam::{FRIEND}:root"))
    assert (await friend(aws, "GetLayerVersionByArn", Arn=shared))["Version"] == 1
    assert (await friend(aws, "GetLayerVersion", LayerName=f"{LAYER}l", VersionNumber=1))["Version"] == 1
    assert await refused(friend(aws, "GetLayerVersionByArn", Arn=kept)) == denied(kept)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("PublishLayerVersion", {"Content": {"ZipFile": HELLO}}),
        ("DeleteLayerVersion", {"VersionNumber": 1}),
        ("ListLayerVersions", {}),
        ("GetLayerVersionPolicy", {"VersionNumber": 1}),
        ("RemoveLayerVersionPermission", {"VersionNumber": 1, "StatementId": "s1"}),
        ("AddLayerVersionPermission", {"VersionNumber": 1, "StatementId": "x", "Action": "lambda:GetLayerVersion"}),
    ],
)
async def test_whom_a_version_is_shared_with_can_read_it_and_nothing_else(
    aws: Plane, operation: str, members: Members
) -> None:
    await published(aws)
    await aws("AddLayerVersionPermission", **grant())
    members = members | ({"Principal": "*"} if operation.startswith("Add") else {})
    arn = f"{LAYER}l:1" if "VersionNumber" in members else f"{LAYER}l"
    assert await refused(friend(aws, operation, LayerName=f"{LAYER}l", **members)) == denied(arn, operation)
    assert (await aws("GetLayerVersion", LayerName="l", VersionNumber=1))["Version"] == 1


# Layers of functions


async def test_a_function_shows_its_layers_in_their_order(aws: Plane) -> None:
    await published(aws, "a", HELLO)
    await published(aws, "b", OTHER)
    created = await aws.create(Layers=[f"{LAYER}b:1", f"{LAYER}a:1"])
    shown = [{"Arn": f"{LAYER}b:1", "CodeSize": len(OTHER)}, {"Arn": f"{LAYER}a:1", "CodeSize": len(HELLO)}]
    assert created["Layers"] == shown
    await aws.settled()
    assert (await aws("ListFunctions"))["Functions"][0]["Layers"] == shown
    version = await aws("PublishVersion", FunctionName="f")
    updated = await aws("UpdateFunctionConfiguration", FunctionName="f", Timeout=4)
    assert updated["Layers"] == shown
    await aws.settled()
    assert "Layers" not in await aws("UpdateFunctionConfiguration", FunctionName="f", Layers=[])
    await aws.settled()
    assert version["Layers"] == shown
    other = await aws("PublishVersion", FunctionName="f")
    assert (other["Version"], "Layers" in other) == ("2", False)


async def test_a_function_has_at_most_five_layers_each_once_all_of_its_region(aws: Plane) -> None:
    for name in "abcdef":
        await published(aws, name)
    await published(aws, "a")
    await aws.active()

    async def both(*layers: str) -> tuple[str, str]:
        """What creating and updating say, which is the same."""
        created = await refused(aws.create("g", Layers=list(layers)))
        assert await refused(aws("UpdateFunctionConfiguration", FunctionName="f", Layers=list(layers))) == created
        return created

    six = [f"{LAYER}{name}:1" for name in "abcdef"]
    assert await both(*six) == (INVALID, "Cannot reference more than 5 layers.")
    assert await both(f"{LAYER}a:9") == (INVALID, f"Layer version {LAYER}a:9 does not exist.")
    assert await both(f"{LAYER}ghost:1") == (INVALID, f"Layer version {LAYER}ghost:1 does not exist.")
    awss = "arn:aws:lambda:::awslayer:AmazonLinux1803"
    assert await both(awss) == (INVALID, f"Layer version {awss} does not exist.")
    elsewhere = f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:a:1"
    sentence = f"Layers are not in the same region as the function. Layers are expected to be in region {REGION}."
    assert await both(elsewhere) == (INVALID, sentence)
    for second in (1, 2):
        assert await both(f"{LAYER}a:1", f"{LAYER}b:1", f"{LAYER}a:{second}") == (
            INVALID,
            (
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                f"{LAYER}a:1 and {LAYER}a:{second} are versions of the same layer."
            ),
        )
    assert len((await aws("UpdateFunctionConfiguration", FunctionName="f", Layers=six[:5]))["Layers"]) == 5


async def test_a_function_that_is_an_image_has_no_layers(aws: Plane) -> None:
    await published(aws)
    sentence = "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."
    image: dict[str, Any] = {"PackageType": "Image", "Code": {"ImageUri": "1.dkr.ecr.eu-central-1.amazonaws.com/i:1"}}
    image |= {"FunctionName": "i", "Role": f"arn:aws:iam::{ACCOUNT}:role/lambda"}
    assert await refused(aws("CreateFunction", **image, Layers=[f"{LAYER}l:1"])) == (INVALID, sentence)
    await aws("CreateFunction", **image)
    await aws.settled("i")
    changed = aws("UpdateFunctionConfiguration", FunctionName="i", Layers=[f"{LAYER}l:1"])
    assert await refused(changed) == (INVALID, sentence)


async def test_a_layer_of_another_account_needs_its_policy(aws: Plane) -> None:
    await published(aws)
    wanted: dict[str, Any] = {"FunctionName": "f", "Role": f"arn:aws:iam::{FRIEND}:role/r", "Layers": [f"{LAYER}l:1"]}
    wanted |= {"Runtime": "python3.11", "Handler": "app.handler", "Code": {"ZipFile": HELLO}}
    assert await refused(friend(aws, "CreateFunction", **wanted)) == denied(f"{LAYER}l:1")
    await aws("AddLayerVersionPermission", **grant(Principal=FRIEND))
    assert (await friend(aws, "CreateFunction", **wanted))["Layers"][0]["Arn"] == f"{LAYER}l:1"
    elsewhere = f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:l:1"
    wanted["Layers"] = [elsewhere]
    assert await refused(friend(aws, "CreateFunction", **wanted)) == denied(elsewhere)


async def test_code_and_layers_have_250_mb_together(aws: Plane) -> None:
    for name, size in (("small", 62_144_000), ("big", 200_000_001), ("most", 200_000_000)):
        await published(aws, name, zipped({name: bytes(size)}))
    small, big, most = (f"{LAYER}{name}:1" for name in ("small", "big", "most"))
    alone = (INVALID, "Layers consume more than the available size of 262144000 bytes")
    assert await refused(aws.create(Layers=[small, big])) == alone
    code, more = zipped({"code": bytes(62_143_999)}), zipped({"code": bytes(62_144_001)})
    await aws.active(content=code, Layers=[big])
    assert await refused(aws("UpdateFunctionConfiguration", FunctionName="f", Layers=[most, small])) == alone
    room = (INVALID, "Unzipped size must be smaller than 62143999 bytes")
    assert await refused(aws("UpdateFunctionCode", FunctionName="f", ZipFile=more)) == room
    assert await refused(aws("UpdateFunctionCode", FunctionName="f", ZipFile=more, DryRun=True)) == room
    assert await refused(aws.create("g", content=more, Layers=[big])) == room
    await aws.active("h", content=more)
    assert await refused(aws("UpdateFunctionConfiguration", FunctionName="h", Layers=[big])) == (
        INVALID,
        (
            "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. "
            "The actual size is 262144002 bytes."
        ),
    )


async def test_a_deleted_version_stays_with_those_who_have_it_and_goes_to_no_one_else(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        arn = (await published(aws, content=OTHER))["LayerVersionArn"]
        await aws.active(Layers=[arn])
        await aws("DeleteLayerVersion", LayerName="l", VersionNumber=1)
        assert len(aws.trees()) == 2
        assert (await refused(aws.create("g", Layers=[arn])))[1] == f"Layer version {arn} does not exist."
        again = aws("UpdateFunctionConfiguration", FunctionName="f", Layers=[arn])
        assert (await refused(again))[1] == f"Layer version {arn} does not exist."
        assert (await aws("UpdateFunctionConfiguration", FunctionName="f", Timeout=5))["Layers"][0]["Arn"] == arn
        await aws.settled()
    async with plane(tmp_path, seed=1) as aws:
        digest = aws.invoked().opt_digest
        assert digest is not None
        assert (aws.control.code.tree(digest) / "app.py").read_text().endswith("'other'\n")
        await aws("UpdateFunctionConfiguration", FunctionName="f", Layers=[])
        await aws.settled()
        assert digest not in aws.trees()
