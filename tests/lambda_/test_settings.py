"""What a function can be set to beyond its code: networks, file systems, images, snapshots, keys, dead letters."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from lambent.core.errors import AwsError
from lambent.core.ports import CallRefused
from lambent.lambda_.invoke.path import InvokePath
from tests.lambda_.plane import ACCOUNT, REGION, ROLE, Members, Plane, plane

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"
ACCESS_POINT = f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/fsap-11111111111111111"
VPC = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
FILES = [{"Arn": ACCESS_POINT, "LocalMountPath": "/mnt/x"}]
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/app"
PINNED = f"{IMAGE}@sha256:{'ab' * 32}"


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncGenerator[Plane]:
    async with plane(tmp_path) as made:
        yield made


async def refused(call: Any) -> str:
    with pytest.raises(AwsError) as caught:
        await call
    assert caught.value.code == "InvalidParameterValueException"
    return caught.value.text


async def image(aws: Plane, uri: str = PINNED, name: str = "f", **members: object) -> Members:
    """CreateFunction of a container image."""
    return await aws(
        "CreateFunction", FunctionName=name, Role=ROLE, PackageType="Image", Code={"ImageUri": uri}, **members
    )


@pytest.mark.parametrize(
    ("member", "given", "shown"),
    [
        ("DeadLetterConfig", {"TargetArn": QUEUE}, {"TargetArn": QUEUE}),
        ("KMSKeyArn", KEY, KEY),
        ("SnapStart", {"ApplyOn": "PublishedVersions"}, {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}),
        ("TracingConfig", {"Mode": "Active"}, {"Mode": "Active"}),
    ],
)
async def test_what_is_given_reads_back_whether_at_creation_or_by_update(
    aws: Plane, member: str, given: Any, shown: Any
) -> None:
    created = await aws.create(Runtime="python3.13", **{member: given})
    assert created[member] == shown
    await aws.settled()
    assert (await aws("GetFunction", FunctionName="f"))["Configuration"][member] == shown
    await aws.active("g", Runtime="python3.13")
    assert (await aws("UpdateFunctionConfiguration", FunctionName="g", **{member: given}))[member] == shown
    assert (await aws("ListFunctions"))["Functions"][1][member] == shown


async def test_a_network_reads_back_with_its_vpc_and_is_detached_by_empty_lists(aws: Plane) -> None:
    created = await aws.create(VpcConfig={**VPC, "Ipv6AllowedForDualStack": True})
    vpc_id = created["VpcConfig"]["VpcId"]
    assert vpc_id.startswith("vpc-")
    assert created["VpcConfig"] == {**VPC, "VpcId": vpc_id, "Ipv6AllowedForDualStack": True}
    await aws.settled()
    nothing = {"SubnetIds": [], "SecurityGroupIds": []}
    detached = await aws("UpdateFunctionConfiguration", FunctionName="f", VpcConfig=nothing)
    assert detached["VpcConfig"] == {**nothing, "VpcId": "", "Ipv6AllowedForDualStack": False}


@pytest.mark.parametrize("half", [{"SubnetIds": ["subnet-1"]}, {"SecurityGroupIds": ["sg-1"]}])
async def test_subnets_and_security_groups_come_together(aws: Plane, half: Any) -> None:
    expected = "SubnetIds and SecurityIds must coexist or be both empty list."
    assert await refused(aws.create(VpcConfig=half)) == expected


class NoSubnets:
    """The Networks of an EC2 that has no subnet."""

    def vpc_of(self, _account: str, _region: str, subnets: Sequence[str], _groups: object, /) -> NoReturn:
        raise CallRefused(
            "EC2", "DescribeSubnets", "InvalidSubnetID.NotFound", f"The subnet ID '{subnets[0]}' does not exist"
        )


async def test_what_ec2_says_of_a_subnet_is_handed_on(tmp_path: Path) -> None:
    async with plane(tmp_path, networks=NoSubnets()) as aws:
        assert await refused(aws.create(VpcConfig=VPC)) == (
            "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. "
            "EC2 Error Message: The subnet ID 'subnet-1' does not exist"
        )


async def test_a_file_system_needs_a_network_and_is_not_pretended_at_invoke(aws: Plane) -> None:
    sentence = f"Function must be configured to execute in a VPC to reference access point {ACCESS_POINT}."
    assert await refused(aws.create(FileSystemConfigs=FILES)) == sentence
    created = await aws.create(FileSystemConfigs=FILES, VpcConfig=VPC)
    assert created["FileSystemConfigs"] == FILES
    await aws.settled()
    path = InvokePath(None, aws.clock, aws.ids)  # type: ignore[arg-type]  # it comes to no placement
    with pytest.raises(AwsError) as caught:
        path.check(aws.invoked(), b"{}")
    assert caught.value.code == "EFSMountFailureException"
    nothing: Any = {"SubnetIds": [], "SecurityGroupIds": []}
    detach = aws("UpdateFunctionConfiguration", FunctionName="f", VpcConfig=nothing)
    assert await refused(detach) == sentence


async def test_s3_files_are_configured_only_for_s3_files(aws: Plane) -> None:
    efs = [{**FILES[0], "S3FilesConfig": {"DirectS3Read": "AUTO"}}]
    assert "only valid for an Amazon S3 Files" in await refused(aws.create(FileSystemConfigs=efs, VpcConfig=VPC))


@pytest.mark.parametrize(
    "target",
    [f"{QUEUE}.fifo", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f", f"arn:aws:s3:::{'b' * 5}"],
)
async def test_dead_letters_go_to_standard_queues_and_topics(aws: Plane, target: str) -> None:
    assert "Invalid dead letter ARN" in await refused(aws.create(DeadLetterConfig={"TargetArn": target}))


async def test_what_is_cleared_is_not_shown(aws: Plane) -> None:
    await aws.active(DeadLetterConfig={"TargetArn": QUEUE}, KMSKeyArn=KEY, Environment={"Variables": {"KEY": "1"}})
    cleared = await aws(
        "UpdateFunctionConfiguration",
        FunctionName="f",
        DeadLetterConfig={"TargetArn": ""},
        KMSKeyArn="",
        Environment={"Variables": {}},
    )
    assert "DeadLetterConfig" not in cleared
    assert "KMSKeyArn" not in cleared
    assert cleared["Environment"] == {"Variables": {}}


async def test_snapshots_are_of_published_versions(aws: Plane) -> None:
    await aws.active(Runtime="python3.13", SnapStart={"ApplyOn": "PublishedVersions"})
    published = await aws("PublishVersion", FunctionName="f")
    assert published["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"Runtime": "python3.11"}, "python3.11 is not supported for SnapStart enabled functions."),
        ({"Runtime": "nodejs22.x"}, "nodejs22.x is not supported for SnapStart enabled functions."),
        ({"Runtime": "java21", "EphemeralStorage": {"Size": 513}}, "SnapStart does not support ephemeral storage"),
        (
            {"Runtime": "dotnet8", "FileSystemConfigs": FILES, "VpcConfig": VPC},
            "SnapStart does not support file systems",
        ),
    ],
)
async def test_what_snapshots_exclude(aws: Plane, members: Any, sentence: str) -> None:
    assert sentence in await refused(aws.create(SnapStart={"ApplyOn": "PublishedVersions"}, **members))


async def test_an_image_is_described_and_says_that_it_cannot_run_yet(aws: Plane) -> None:
    overrides = {"Command": ["app.handler"], "EntryPoint": ["/boot"], "WorkingDirectory": "/work"}
    created = await image(aws, ImageConfig=overrides)
    assert (created["PackageType"], created["CodeSize"], created["CodeSha256"]) == ("Image", 0, "ab" * 32)
    assert created["ImageConfigResponse"] == {"ImageConfig": overrides}
    assert "Runtime" not in created
    assert "Handler" not in created
    settled = await aws.settled()
    assert (settled["State"], settled["StateReasonCode"]) == ("Failed", "InvalidImage")
    found = await aws("GetFunction", FunctionName="f")
    assert found["Code"] == {"RepositoryType": "ECR", "ImageUri": PINNED, "ResolvedImageUri": PINNED}
    await aws("UpdateFunctionCode", FunctionName="f", ImageUri=f"{IMAGE}:tag")
    found = await aws("GetFunction", FunctionName="f")
    assert found["Code"] == {"RepositoryType": "ECR", "ImageUri": f"{IMAGE}:tag"}
    assert "CodeSha256" not in found["Configuration"]
    await aws("DeleteFunction", FunctionName="f")


async def test_a_package_and_an_image_are_told_apart(aws: Plane) -> None:
    unexpected = "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."
    assert await refused(image(aws, Handler="x")) == unexpected
    assert await refused(image(aws, Runtime="python3.11")) == unexpected
    assert "when the intended function PackageType is Zip" in await refused(aws.create(ImageConfig={"Command": ["x"]}))
    await aws.active()
    assert await refused(aws("UpdateFunctionCode", FunctionName="f", ImageUri=IMAGE)) == (
        "Please don't provide ImageUri when updating a function with packageType Zip."
    )
    await image(aws, name="i")
    await aws.settled("i")
    assert "Please provide ImageUri" in await refused(aws("UpdateFunctionCode", FunctionName="i", ZipFile=b"x"))
    assert await refused(aws("UpdateFunctionConfiguration", FunctionName="i", Handler="x")) == unexpected


@pytest.mark.parametrize(
    "members", [{"Handler": "a\0b"}, {"Environment": {"Variables": {"KEY": "1\0"}}}], ids=["handler", "variable"]
)
async def test_nothing_holds_a_nul(aws: Plane, members: Any) -> None:
    assert "must not contain the character U+0000" in await refused(aws.create(**members))
    await aws.active("g")
    assert "U+0000" in await refused(aws("UpdateFunctionConfiguration", FunctionName="g", **members))
