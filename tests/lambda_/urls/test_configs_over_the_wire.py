"""The five operations through boto3: statuses, error bodies, the paginator, and the port in the address."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from tests.lambda_.conftest import Aws


async def test_a_url_lives_and_dies_through_boto3(aws: Aws) -> None:
    await aws.active("f")
    made = await aws("create_function_url_config", FunctionName="f", AuthType="NONE", Cors={"AllowOrigins": ["*"]})
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert urlsplit(made["FunctionUrl"]).port == urlsplit(aws.awslambda.meta.endpoint_url).port
    assert not {"InvokeMode", "LastModifiedTime"} & made.keys()
    changed = await aws("update_function_url_config", FunctionName="f", InvokeMode="RESPONSE_STREAM")
    found = await aws("get_function_url_config", FunctionName="f")
    assert shown(found) == shown(changed)
    assert found["FunctionUrl"] == made["FunctionUrl"]
    assert (await aws("list_function_url_configs", FunctionName="f"))["FunctionUrlConfigs"] == [shown(found)]
    deleted = await aws("delete_function_url_config", FunctionName="f")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    missing = await aws.refused("get_function_url_config", FunctionName="f")
    assert missing["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert missing["Error"] == {
        "Code": "ResourceNotFoundException",
        "Message": "The resource you requested does not exist.",
    }


async def test_a_second_url_is_a_conflict(aws: Aws) -> None:
    await aws.active("f")
    await aws("create_function_url_config", FunctionName="f", AuthType="NONE")
    refused = await aws.refused("create_function_url_config", FunctionName="f", AuthType="NONE")
    assert (refused["ResponseMetadata"]["HTTPStatusCode"], refused["Error"]["Code"]) == (
        409,
        "ResourceConflictException",
    )


async def test_of_many_who_make_the_url_one_has_made_it(aws: Aws) -> None:
    await aws.active("f")

    async def make() -> str | None:
        try:
            return (await aws("create_function_url_config", FunctionName="f", AuthType="NONE"))["FunctionUrl"]
        except aws.awslambda.exceptions.ResourceConflictException:
            return None

    made = [url for url in await asyncio.gather(*(make() for _ in range(8))) if url is not None]
    assert made == [(await aws("get_function_url_config", FunctionName="f"))["FunctionUrl"]]


async def test_the_paginator_walks_all_urls(aws: Aws) -> None:
    await aws.active("f")
    await aws("publish_version", FunctionName="f")
    for name in "abc":
        await aws("create_alias", FunctionName="f", Name=name, FunctionVersion="1")
        await aws("create_function_url_config", FunctionName="f", Qualifier=name, AuthType="AWS_IAM")

    def walk() -> list[str]:
        pages = aws.awslambda.get_paginator("list_function_url_configs").paginate(
            FunctionName="f", PaginationConfig={"PageSize": 2}
        )
        return [url["FunctionArn"].rpartition(":")[2] for page in pages for url in page["FunctionUrlConfigs"]]

    assert await aws.blocking(walk) == ["a", "b", "c"]


def shown(answer: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
