"""Layers through boto3: statuses, error bodies and paginators. The rules themselves are tested in process (layers/)."""

from __future__ import annotations

import json

from tests.lambda_.code.test_code_over_the_wire import get
from tests.lambda_.conftest import Aws
from tests.lambda_.zips import HELLO, OTHER


async def test_a_layer_version_lives_and_dies_through_boto3(aws: Aws) -> None:
    published = await aws(
        "publish_layer_version",
        LayerName="l",
        Content={"ZipFile": HELLO},
        CompatibleRuntimes=["provided.al2023"],
        CompatibleArchitectures=["x86_64"],
        Description="grüße",
        LicenseInfo="MIT",
    )
    assert published.pop("ResponseMetadata")["HTTPStatusCode"] == 201
    found = await aws("get_layer_version", LayerName=published["LayerArn"], VersionNumber=1)
    assert found.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    by_arn = await aws("get_layer_version_by_arn", Arn=published["LayerVersionArn"])
    del by_arn["ResponseMetadata"]
    for answer in (published, found, by_arn):
        response, content = await get(answer["Content"].pop("Location"))
        assert (response.status, content) == (200, HELLO)
    assert published == found == by_arn
    await aws("publish_layer_version", LayerName="l", Content={"ZipFile": OTHER})
    versions = await aws("list_layer_versions", LayerName="l", CompatibleRuntime="provided.al2023")
    assert [version["Version"] for version in versions["LayerVersions"]] == [1]
    layers = await aws("list_layers", CompatibleArchitecture="x86_64")
    assert [layer["LatestMatchingVersion"]["Version"] for layer in layers["Layers"]] == [1]
    await aws.active("f", Layers=[published["LayerVersionArn"]])
    function = await aws("get_function_configuration", FunctionName="f")
    assert function["Layers"] == [{"Arn": published["LayerVersionArn"], "CodeSize": len(HELLO)}]
    deleted = await aws("delete_layer_version", LayerName="l", VersionNumber=1)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    missing = await aws.refused("get_layer_version", LayerName="l", VersionNumber=1)
    assert missing["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert missing["Error"] == {
        "Code": "ResourceNotFoundException",
        "Message": "The resource you requested does not exist.",
    }
    assert missing["Type"] == "User"


async def test_a_policy_through_boto3(aws: Aws) -> None:
    await aws("publish_layer_version", LayerName="l", Content={"ZipFile": HELLO})
    added = await aws(
        "add_layer_version_permission",
        LayerName="l",
        VersionNumber=1,
        StatementId="s1",
        Action="lambda:GetLayerVersion",
        Principal="210987654321",
    )
    assert added["ResponseMetadata"]["HTTPStatusCode"] == 201
    policy = await aws("get_layer_version_policy", LayerName="l", VersionNumber=1)
    assert json.loads(policy["Policy"])["Statement"] == [json.loads(added["Statement"])]
    stale = await aws.refused(
        "remove_layer_version_permission", LayerName="l", VersionNumber=1, StatementId="s1", RevisionId="x"
    )
    assert (stale["ResponseMetadata"]["HTTPStatusCode"], stale["Type"]) == (412, "User")
    removed = await aws(
        "remove_layer_version_permission",
        LayerName="l",
        VersionNumber=1,
        StatementId="s1",
        RevisionId=policy["RevisionId"],
    )
    assert removed["ResponseMetadata"]["HTTPStatusCode"] == 204


async def test_paginators_walk_all_versions_and_all_layers(aws: Aws) -> None:
    for name in ("a", "a", "a", "b", "c"):
        await aws("publish_layer_version", LayerName=name, Content={"ZipFile": HELLO})

    def walk() -> tuple[list[int], list[str]]:
        sized = {"PageSize": 2}
        versions = aws.awslambda.get_paginator("list_layer_versions").paginate(LayerName="a", PaginationConfig=sized)
        layers = aws.awslambda.get_paginator("list_layers").paginate(PaginationConfig=sized)
        return (
            [version["Version"] for page in versions for version in page["LayerVersions"]],
            [layer["LayerName"] for page in layers for layer in page["Layers"]],
        )

    assert await aws.blocking(walk) == ([3, 2, 1], ["a", "b", "c"])


async def test_what_breaks_the_models_constraints_is_told_as_the_model_tells_it(aws: Aws) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:layer:l"
    unversioned = await aws.refused("update_function_configuration", FunctionName="f", Layers=[arn])
    assert unversioned["Error"]["Code"] == "ValidationException"
    assert f"Value '[{arn}]' at 'layers' failed to satisfy constraint" in unversioned["Error"]["Message"]
    await aws("publish_layer_version", LayerName="l", Content={"ZipFile": HELLO})
    refused = await aws.refused(
        "add_layer_version_permission",
        LayerName="l",
        VersionNumber=1,
        StatementId="s1",
        Action="lambda:InvokeFunction",
        Principal="*",
    )
    assert (refused["Error"]["Code"], refused["ResponseMetadata"]["HTTPStatusCode"]) == ("ValidationException", 400)


async def test_the_denial_of_another_accounts_layer_has_iams_form(aws: Aws) -> None:
    foreign = "arn:aws:lambda:us-east-1:999999999999:layer:l:1"
    denied = await aws.refused("get_layer_version_by_arn", Arn=foreign)
    assert (denied["Error"]["Code"], denied["ResponseMetadata"]["HTTPStatusCode"]) == ("AccessDeniedException", 403)
    assert denied["Error"]["Message"].endswith(
        f"is not authorized to perform: lambda:GetLayerVersion on resource: {foreign} "
        "because no resource-based policy allows the lambda:GetLayerVersion action"
    )
