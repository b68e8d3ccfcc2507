"""Code signing configurations and which one a function has, by AWS's operations in process."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from lambent.lambda_.signing.configs import CodeSigningConfigInUse
from tests.lambda_.plane import ACCOUNT, ARN, REGION, ROLE, Members, Plane, plane, refused
from tests.lambda_.zips import OTHER

PROFILE = f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/release/AbCdEfGhIj"
GHOST = f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-0123456789abcdef0"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/repository:tag"


@pytest.fixture
async def aws(tmp_path: Path):
    async with plane(tmp_path) as made:
        yield made


async def config(aws: Plane, **members: object) -> Members:
    given: Members = {"AllowedPublishers": {"SigningProfileVersionArns": [PROFILE]}} | members
    return (await aws("CreateCodeSigningConfig", **given))["CodeSigningConfig"]


async def test_a_configuration_is_made_with_awss_defaults_and_read_back(aws: Plane):
    made = await config(aws)
    arn = made["CodeSigningConfigArn"]
    assert re.fullmatch(rf"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-[a-z0-9]{{17}}", arn)
    assert made == {
        "CodeSigningConfigId": arn.rpartition(":")[2],
        "CodeSigningConfigArn": arn,
        "Description": "",
        "AllowedPublishers": {"SigningProfileVersionArns": [PROFILE]},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"},
        "LastModified": "2027-01-15T08:00:00.000+0000",
    }
    assert (await aws("GetCodeSigningConfig", CodeSigningConfigArn=arn))["CodeSigningConfig"] == made
    assert (await aws("ListCodeSigningConfigs"))["CodeSigningConfigs"] == [made]


async def test_what_is_given_of_a_configuration_is_changed(aws: Plane):
    arn = (await config(aws, Description="first"))["CodeSigningConfigArn"]
    aws.clock.advance(60)
    changed = await aws(
        "UpdateCodeSigningConfig",
        CodeSigningConfigArn=arn,
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"},
    )
    found = (await aws("GetCodeSigningConfig", CodeSigningConfigArn=arn))["CodeSigningConfig"]
    assert changed["CodeSigningConfig"] == found
    assert (found["Description"], found["LastModified"]) == ("first", "2027-01-15T08:01:00.000+0000")
    assert found["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Enforce"}
    others = {"SigningProfileVersionArns": [PROFILE, PROFILE.replace("release", "nightly")]}
    await aws("UpdateCodeSigningConfig", CodeSigningConfigArn=arn, AllowedPublishers=others, Description="")
    found = (await aws("GetCodeSigningConfig", CodeSigningConfigArn=arn))["CodeSigningConfig"]
    assert (found["Description"], found["AllowedPublishers"]) == ("", others)


async def test_a_configuration_that_is_not_there_is_not_found(aws: Plane):
    sentence = f"The Lambda code signing configuration {GHOST} can not be found."
    for operation in (
        "GetCodeSigningConfig",
        "UpdateCodeSigningConfig",
        "DeleteCodeSigningConfig",
        "ListFunctionsByCodeSigningConfig",
    ):
        assert await refused(aws(operation, CodeSigningConfigArn=GHOST)) == ("ResourceNotFoundException", sentence)


async def test_an_arn_names_the_configuration_of_its_own_account_and_region(aws: Plane):
    arn = (await config(aws))["CodeSigningConfigArn"]
    for other in (arn.replace(ACCOUNT, "210987654321"), arn.replace(REGION, "us-east-1")):
        assert (await refused(aws("GetCodeSigningConfig", CodeSigningConfigArn=other)))[
            0
        ] == "ResourceNotFoundException"


async def test_configurations_are_listed_a_page_at_a_time(aws: Plane):
    made = sorted([(await config(aws))["CodeSigningConfigArn"] for _ in range(5)])
    found: list[str] = []
    marker: dict[str, str] = {}
    while True:
        page = await aws("ListCodeSigningConfigs", MaxItems=2, **marker)
        found += [each["CodeSigningConfigArn"] for each in page["CodeSigningConfigs"]]
        if "NextMarker" not in page:
            break
        marker = {"Marker": page["NextMarker"]}
    assert found == made
    assert (await refused(aws("ListCodeSigningConfigs", Marker="x")))[0] == "InvalidParameterValueException"


async def test_a_function_has_the_configuration_that_it_was_given(aws: Plane):
    arn = (await config(aws))["CodeSigningConfigArn"]
    await aws.active("f")
    assert await aws("GetFunctionCodeSigningConfig", FunctionName="f") == {}
    given = {"CodeSigningConfigArn": arn, "FunctionName": "f"}
    assert await aws("PutFunctionCodeSigningConfig", CodeSigningConfigArn=arn, FunctionName=ARN + "f") == given
    await aws.create("g", CodeSigningConfigArn=arn)
    await aws.active("h")
    assert await aws("GetFunctionCodeSigningConfig", FunctionName="f") == given
    using = await aws("ListFunctionsByCodeSigningConfig", CodeSigningConfigArn=arn)
    assert using == {"FunctionArns": [ARN + "f", ARN + "g"]}
    await aws("DeleteFunctionCodeSigningConfig", FunctionName="f")
    await aws("DeleteFunctionCodeSigningConfig", FunctionName="f")
    assert await aws("GetFunctionCodeSigningConfig", FunctionName="f") == {}
    await aws("DeleteFunction", FunctionName="g")
    assert await aws("ListFunctionsByCodeSigningConfig", CodeSigningConfigArn=arn) == {"FunctionArns": []}


async def test_what_is_not_there_cannot_be_put_together(aws: Plane):
    arn = (await config(aws))["CodeSigningConfigArn"]
    await aws.active("f")
    unknown = (
        "CodeSigningConfigNotFoundException",
        f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {GHOST}.",
    )
    assert await refused(aws("PutFunctionCodeSigningConfig", CodeSigningConfigArn=GHOST, FunctionName="f")) == unknown
    assert await refused(aws.create("g", CodeSigningConfigArn=GHOST)) == unknown
    missing = ("ResourceNotFoundException", f"Function not found: {ARN}ghost")
    for operation in ("GetFunctionCodeSigningConfig", "DeleteFunctionCodeSigningConfig"):
        assert await refused(aws(operation, FunctionName="ghost")) == missing
    put = aws("PutFunctionCodeSigningConfig", CodeSigningConfigArn=arn, FunctionName="ghost")
    assert await refused(put) == missing
    neither = aws("PutFunctionCodeSigningConfig", CodeSigningConfigArn=GHOST, FunctionName="ghost")
    assert await refused(neither) == unknown


async def test_a_configuration_goes_only_when_no_function_has_it(aws: Plane):
    arn = (await config(aws))["CodeSigningConfigArn"]
    await aws.create("f", CodeSigningConfigArn=arn)
    with pytest.raises(CodeSigningConfigInUse):
        await aws("DeleteCodeSigningConfig", CodeSigningConfigArn=arn)
    await aws.settled("f")
    await aws("DeleteFunctionCodeSigningConfig", FunctionName="f")
    await aws("DeleteCodeSigningConfig", CodeSigningConfigArn=arn)
    assert (await aws("ListCodeSigningConfigs"))["CodeSigningConfigs"] == []


async def test_no_function_keeps_a_configuration_that_goes_at_the_same_moment(aws: Plane):
    await aws.active("f")
    for _ in range(20):
        arn = (await config(aws))["CodeSigningConfigArn"]
        await asyncio.gather(
            aws("PutFunctionCodeSigningConfig", CodeSigningConfigArn=arn, FunctionName="f"),
            aws("DeleteCodeSigningConfig", CodeSigningConfigArn=arn),
            return_exceptions=True,
        )
        has = (await aws("GetFunctionCodeSigningConfig", FunctionName="f")).get("CodeSigningConfigArn")
        there = [each["CodeSigningConfigArn"] for each in (await aws("ListCodeSigningConfigs"))["CodeSigningConfigs"]]
        assert has is None or has in there
        await aws("DeleteFunctionCodeSigningConfig", FunctionName="f")


async def test_functions_of_images_are_not_signed(aws: Plane):
    arn = (await config(aws))["CodeSigningConfigArn"]
    sentence = "Code signing is not supported for functions created with container images."
    create = {"FunctionName": "i", "Role": ROLE, "PackageType": "Image", "Code": {"ImageUri": IMAGE}}
    assert await refused(aws("CreateFunction", **create, CodeSigningConfigArn=arn)) == (
        "InvalidParameterValueException",
        sentence,
    )
    await aws("CreateFunction", **create)
    put = aws("PutFunctionCodeSigningConfig", CodeSigningConfigArn=arn, FunctionName="i")
    assert await refused(put) == ("InvalidParameterValueException", sentence)


async def test_configurations_survive_a_restart_with_their_tags(tmp_path: Path):
    async with plane(tmp_path) as aws:
        made = await config(aws, Description="kept", Tags={"a": "1"})
        await aws.create("f", CodeSigningConfigArn=made["CodeSigningConfigArn"])
    async with plane(tmp_path) as aws:
        arn = made["CodeSigningConfigArn"]
        assert (await aws("GetCodeSigningConfig", CodeSigningConfigArn=arn))["CodeSigningConfig"] == made
        assert (await aws("GetFunctionCodeSigningConfig", FunctionName="f"))["CodeSigningConfigArn"] == arn
        assert aws.control.code_signing_configs.get(arn, ACCOUNT, REGION).tags == {"a": "1"}


async def test_the_model_bounds_publishers(aws: Plane):
    for arns in ([], [PROFILE] * 21):
        made = aws("CreateCodeSigningConfig", AllowedPublishers={"SigningProfileVersionArns": arns})
        assert (await refused(made))[1].startswith("1 validation error detected")


async def test_a_configuration_does_not_stop_what_is_there_already(aws: Plane):
    arn = (await config(aws, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"}))["CodeSigningConfigArn"]
    await aws.active("f")
    await aws("PutFunctionCodeSigningConfig", CodeSigningConfigArn=arn, FunctionName="f")
    await aws("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    assert (await aws.settled("f"))["Timeout"] == 9
    update = aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
    assert (await refused(update))[0] == "CodeVerificationFailedException"
