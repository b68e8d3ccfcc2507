"""Tags of functions."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from lambent.core.errors import AwsError
from tests.lambda_.plane import ACCOUNT, ARN, REGION, Plane, plane

PREFIX = f"arn:aws:lambda:{REGION}:{ACCOUNT}:"

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncGenerator[Plane]:
    async with plane(tmp_path) as made:
        yield made


async def test_tags_are_added_replaced_and_removed(aws: Plane) -> None:
    await aws.active(Tags={"a": "1", "b": "2"})
    await aws("TagResource", Resource=ARN + "f", Tags={"b": "3", "c": ""})
    assert await aws("ListTags", Resource=ARN + "f") == {"Tags": {"a": "1", "b": "3", "c": ""}}
    await aws("UntagResource", Resource=ARN + "f", TagKeys=["a", "never"])
    assert await aws("ListTags", Resource=ARN + "f") == {"Tags": {"b": "3", "c": ""}}
    assert (await aws("GetFunction", FunctionName="f"))["Tags"] == {"b": "3", "c": ""}


async def test_a_function_without_tags_has_none(aws: Plane) -> None:
    await aws.active()
    assert await aws("ListTags", Resource=ARN + "f") == {"Tags": {}}
    assert "Tags" not in await aws("GetFunction", FunctionName="f")


async def test_fifty_tags_are_the_limit(aws: Plane) -> None:
    await aws.active(Tags={f"k{number}": "" for number in range(50)})
    await aws("TagResource", Resource=ARN + "f", Tags={"k0": "new"})
    with pytest.raises(AwsError, match=r"Number of tags exceeds resource tag limit\."):
        await aws("TagResource", Resource=ARN + "f", Tags={"one": "more"})


@pytest.mark.parametrize("key", ["aws:", "aws:cloudformation:stack-name", "AWS:x"])
async def test_keys_that_begin_with_aws_are_reserved(aws: Plane, key: str) -> None:
    await aws.active()
    publishers = {"SigningProfileVersionArns": [f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/p/AbCdEfGhIj"]}
    for call in (
        aws("TagResource", Resource=ARN + "f", Tags={"a": "1", key: "1"}),
        aws.create("g", Tags={key: "1"}),
        aws("CreateEventSourceMapping", FunctionName="f", EventSourceArn=QUEUE, Tags={key: "1"}),
        aws("CreateCodeSigningConfig", AllowedPublishers=publishers, Tags={key: "1"}),
    ):
        with pytest.raises(AwsError) as caught:
            await call
        assert (caught.value.code, str(caught.value)) == (
            "InvalidParameterValueException",
            "aws: prefixed tag key names are not allowed for external use.",
        )
    assert await aws("ListTags", Resource=ARN + "f") == {"Tags": {}}
    await aws("TagResource", Resource=ARN + "f", Tags={"aws": "aws:1", "x-aws:": ""})


@pytest.mark.parametrize(
    ("resource", "code", "sentence"),
    [
        (ARN + "ghost", "ResourceNotFoundException", f"Function not found: {ARN}ghost"),
        (
            ARN + "f:1",
            "InvalidParameterValueException",
            "Tags on function aliases and versions are not supported. Please specify a function ARN.",
        ),
        (
            PREFIX + "capacity-provider:x",
            "ResourceNotFoundException",
            f"Capacity provider not found: {PREFIX}capacity-provider:x",
        ),
        (
            PREFIX + "event-source-mapping:11111111-1111-1111-1111-111111111111",
            "ResourceNotFoundException",
            f"Event source mapping not found: {PREFIX}event-source-mapping:11111111-1111-1111-1111-111111111111",
        ),
    ],
)
async def test_what_has_no_tags_says_so(aws: Plane, resource: str, code: str, sentence: str) -> None:
    await aws.active(Publish=True)
    for operation, members in (
        ("ListTags", {}),
        ("TagResource", {"Tags": {"a": "1"}}),
        ("UntagResource", {"TagKeys": ["a"]}),
    ):
        with pytest.raises(AwsError) as caught:
            await aws(operation, Resource=resource, **members)
        assert (caught.value.code, str(caught.value)) == (code, sentence)


async def test_no_tags_are_refused(aws: Plane) -> None:
    await aws.active()
    with pytest.raises(AwsError, match=r"An error occurred and the request cannot be processed\."):
        await aws("TagResource", Resource=ARN + "f", Tags={})


async def test_an_event_source_mapping_has_tags_of_its_own(aws: Plane) -> None:
    await aws.active()
    made = await aws("CreateEventSourceMapping", FunctionName="f", EventSourceArn=QUEUE, Tags={"a": "1"})
    arn = made["EventSourceMappingArn"]
    await aws("TagResource", Resource=arn, Tags={"b": "2"})
    await aws("UntagResource", Resource=arn, TagKeys=["a"])
    assert await aws("ListTags", Resource=arn) == {"Tags": {"b": "2"}}
    assert await aws("ListTags", Resource=ARN + "f") == {"Tags": {}}
    elsewhere = arn.replace(REGION, "us-east-1")
    with pytest.raises(AwsError, match="Event source mapping not found"):
        await aws("TagResource", Resource=elsewhere, Tags={"b": "2"})
    with pytest.raises(AwsError, match=r"Number of tags exceeds resource tag limit\."):
        await aws("TagResource", Resource=arn, Tags={f"k{number}": "" for number in range(50)})


async def test_a_code_signing_configuration_has_tags_of_its_own(aws: Plane) -> None:
    publisher = f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/p/AbCdEfGhIj"
    publishers = {"SigningProfileVersionArns": [publisher]}
    made = await aws("CreateCodeSigningConfig", AllowedPublishers=publishers, Tags={"a": "1"})
    arn = made["CodeSigningConfig"]["CodeSigningConfigArn"]
    await aws("TagResource", Resource=arn, Tags={"b": "2"})
    await aws("UntagResource", Resource=arn, TagKeys=["a"])
    assert await aws("ListTags", Resource=arn) == {"Tags": {"b": "2"}}
    await aws("DeleteCodeSigningConfig", CodeSigningConfigArn=arn)
    with pytest.raises(AwsError, match="Code signing config not found"):
        await aws("ListTags", Resource=arn)
