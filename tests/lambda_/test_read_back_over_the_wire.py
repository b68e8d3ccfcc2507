"""Right after each create, every Get and List of the same resource answers the same: what Terraform and SAM live on.

Through boto3 against a whole Lambent. A tool that keeps state creates, reads back at once, and plans a change for every
member that differs; so no member may be missing, rounded, reordered or late in any of the operations that show it.
"""

from __future__ import annotations

import json
from typing import Any

from tests.lambda_.conftest import Aws
from tests.lambda_.zips import HELLO, zipped

QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
SETTLING = {"State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason"}
SETTLING |= {
    "LastUpdateStatusReasonCode",
    "RevisionId",
    "RuntimeVersionConfig",
}  # these, lists leave out or time changes


def same(one: dict[str, Any], other: dict[str, Any], without: set[str] | None = None) -> bool:
    """Whether both show the same, but for what belongs to the HTTP response."""
    without = {"ResponseMetadata"} | (without or set())
    return {k: v for k, v in one.items() if k not in without} == {k: v for k, v in other.items() if k not in without}


def named(items: list[dict[str, Any]], member: str, value: str) -> dict[str, Any]:
    """The one item of a list."""
    (found,) = [item for item in items if item[member] == value]
    return found


async def full(aws: Aws) -> Any:
    """A function with every member that a .zip function can have."""
    return await aws.create(
        "f",
        Description="d",
        Timeout=7,
        MemorySize=256,
        Environment={"Variables": {"KEY": "ü"}},
        TracingConfig={"Mode": "Active"},
        Tags={"a": "1"},
        EphemeralStorage={"Size": 1024},
        LoggingConfig={"LogFormat": "JSON", "LogGroup": "/mine"},
        VpcConfig={"SubnetIds": ["subnet-2", "subnet-1"], "SecurityGroupIds": ["sg-1"]},
        DeadLetterConfig={"TargetArn": QUEUE},
        KMSKeyArn="arn:aws:kms:us-east-1:000000000000:key/k",
    )


async def test_a_function(aws: Aws) -> None:
    created = await full(aws)
    found = await aws("get_function", FunctionName="f")
    assert same(found["Configuration"], created, SETTLING)
    assert same(await aws("get_function_configuration", FunctionName="f"), created, SETTLING)
    listed = named((await aws("list_functions"))["Functions"], "FunctionName", "f")
    assert same(listed, created, SETTLING)
    version = (await aws("list_versions_by_function", FunctionName="f"))["Versions"][0]
    assert same(version, created, SETTLING | {"FunctionArn"})
    assert found["Tags"] == (await aws("list_tags", Resource=created["FunctionArn"]))["Tags"] == {"a": "1"}
    assert created["VpcConfig"]["SubnetIds"] == ["subnet-2", "subnet-1"]


async def test_an_update_of_each_member(aws: Aws) -> None:
    await full(aws)
    await aws.blocking(lambda: aws.awslambda.get_waiter("function_active_v2").wait(FunctionName="f"))
    changes: list[dict[str, Any]] = [
        {"Description": ""},
        {"Timeout": 8},
        {"Environment": {"Variables": {}}},
        {"TracingConfig": {"Mode": "PassThrough"}},
        {"LoggingConfig": {"LogFormat": "Text"}},
        {"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}},
        {"DeadLetterConfig": {"TargetArn": ""}},
        {"KMSKeyArn": ""},
        {"Handler": "other"},
    ]
    for change in changes:
        updated = await aws("update_function_configuration", FunctionName="f", **change)
        await aws.blocking(lambda: aws.awslambda.get_waiter("function_updated_v2").wait(FunctionName="f"))
        assert same((await aws("get_function", FunctionName="f"))["Configuration"], updated, SETTLING)
        assert same((await aws("list_functions"))["Functions"][0], updated, SETTLING)


async def test_a_version_and_an_alias(aws: Aws) -> None:
    await aws.active("f")
    version = await aws("publish_version", FunctionName="f", Description="first")
    assert same(await aws("get_function_configuration", FunctionName="f:1"), version, SETTLING)
    versions = (await aws("list_versions_by_function", FunctionName="f"))["Versions"]
    assert same(named(versions, "Version", "1"), version, SETTLING)
    everything = (await aws("list_functions", FunctionVersion="ALL"))["Functions"]
    assert same(named(everything, "Version", "1"), version, SETTLING)
    alias = await aws("create_alias", FunctionName="f", Name="live", FunctionVersion="1", Description="d")
    assert same(await aws("get_alias", FunctionName="f", Name="live"), alias)
    assert same(named((await aws("list_aliases", FunctionName="f"))["Aliases"], "Name", "live"), alias)
    behind = await aws("get_function_configuration", FunctionName="f", Qualifier="live")
    assert same(behind, version, SETTLING | {"FunctionArn"})
    assert behind["FunctionArn"] == alias["AliasArn"]


async def test_what_hangs_on_a_function(aws: Aws) -> None:
    await aws.active("f")
    await aws("publish_version", FunctionName="f")
    await aws("create_alias", FunctionName="f", Name="live", FunctionVersion="1")

    url = await aws("create_function_url_config", FunctionName="f", AuthType="NONE", Cors={"AllowOrigins": ["*"]})
    found = await aws("get_function_url_config", FunctionName="f")
    assert same(found, url, {"LastModifiedTime", "InvokeMode"})
    listed = (await aws("list_function_url_configs", FunctionName="f"))["FunctionUrlConfigs"]
    assert same(listed[0], found)

    events = await aws("put_function_event_invoke_config", FunctionName="f", MaximumRetryAttempts=0)
    assert same(await aws("get_function_event_invoke_config", FunctionName="f"), events)
    configs = (await aws("list_function_event_invoke_configs", FunctionName="f"))["FunctionEventInvokeConfigs"]
    assert same(configs[0], events)

    await aws("put_function_concurrency", FunctionName="f", ReservedConcurrentExecutions=7)
    concurrency = await aws("get_function_concurrency", FunctionName="f")
    assert concurrency["ReservedConcurrentExecutions"] == 7
    assert (await aws("get_function", FunctionName="f"))["Concurrency"] == {"ReservedConcurrentExecutions": 7}

    for sid, principal in (("s1", "s3.amazonaws.com"), ("s2", "000000000000")):
        members: dict[str, Any] = {"StatementId": sid, "Action": "lambda:InvokeFunction", "Principal": principal}
        added = await aws("add_permission", FunctionName="f", Qualifier="live", **members)
        policy = json.loads((await aws("get_policy", FunctionName="f", Qualifier="live"))["Policy"])
        assert policy["Statement"][-1] == json.loads(added["Statement"])


async def test_a_layer(aws: Aws) -> None:
    published = await aws(
        "publish_layer_version",
        LayerName="l",
        Description="d",
        Content={"ZipFile": zipped({"python/m.py": "x = 1"})},
        CompatibleRuntimes=["python3.11", "python3.12"],
        CompatibleArchitectures=["x86_64"],
        LicenseInfo="MIT",
    )
    content = {"Content"}
    found = await aws("get_layer_version", LayerName="l", VersionNumber=1)
    by_arn = await aws("get_layer_version_by_arn", Arn=published["LayerVersionArn"])
    assert same(found, published, content)
    assert same(by_arn, published, content)
    assert found["Content"]["CodeSha256"] == published["Content"]["CodeSha256"]
    only_alone = content | {"LayerArn"}
    (listed,) = (await aws("list_layer_versions", LayerName="l"))["LayerVersions"]
    assert same(listed, published, only_alone)
    (layer,) = (await aws("list_layers"))["Layers"]
    assert same(layer["LatestMatchingVersion"], published, only_alone)
    assert layer["LayerArn"] == published["LayerArn"]
    created = await aws.create("f", HELLO, Layers=[published["LayerVersionArn"]])
    assert created["Layers"] == [{"Arn": published["LayerVersionArn"], "CodeSize": published["Content"]["CodeSize"]}]
    assert (await aws("get_function", FunctionName="f"))["Configuration"]["Layers"] == created["Layers"]


async def test_an_event_source_mapping(aws: Aws) -> None:
    await aws.active("f")
    created = await aws("create_event_source_mapping", FunctionName="f", EventSourceArn=QUEUE, Tags={"a": "1"})
    moving = {"State", "LastModified"}
    found = await aws("get_event_source_mapping", UUID=created["UUID"])
    assert same(found, created, moving)
    (listed,) = (await aws("list_event_source_mappings", FunctionName="f"))["EventSourceMappings"]
    assert same(listed, created, moving)
    assert (await aws("list_tags", Resource=created["EventSourceMappingArn"]))["Tags"] == {"a": "1"}


async def test_a_code_signing_configuration(aws: Aws) -> None:
    profile = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/AbCdEfGhIj"
    publishers = {"SigningProfileVersionArns": [profile]}
    created = await aws("create_code_signing_config", Description="d", AllowedPublishers=publishers, Tags={"a": "1"})
    config = created["CodeSigningConfig"]
    arn = config["CodeSigningConfigArn"]
    assert (await aws("get_code_signing_config", CodeSigningConfigArn=arn))["CodeSigningConfig"] == config
    assert (await aws("list_code_signing_configs"))["CodeSigningConfigs"] == [config]
    assert (await aws("list_tags", Resource=arn))["Tags"] == {"a": "1"}
    function = await aws.create("f", CodeSigningConfigArn=arn)
    await aws.blocking(lambda: aws.awslambda.get_waiter("function_active_v2").wait(FunctionName="f"))
    found = await aws("get_function_code_signing_config", FunctionName="f")
    assert (found["CodeSigningConfigArn"], found["FunctionName"]) == (arn, "f")
    users = await aws("list_functions_by_code_signing_config", CodeSigningConfigArn=arn)
    assert users["FunctionArns"] == [function["FunctionArn"]]
    in_use = await aws.refused("delete_code_signing_config", CodeSigningConfigArn=arn)
    assert in_use["Error"]["Code"] == "ResourceConflictException"


async def test_a_resource_policy(aws: Aws) -> None:
    await aws.active("f")
    arn = (await aws("get_function_configuration", FunctionName="f"))["FunctionArn"]
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "s",
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
                "Action": "lambda:InvokeFunction",
                "Resource": arn,
            }
        ],
    }
    put = await aws("put_resource_policy", ResourceArn=arn, Policy=json.dumps(document))
    found = await aws("get_resource_policy", ResourceArn=arn)
    assert json.loads(found["Policy"]) == json.loads(put["Policy"]) == document
    assert found["RevisionId"] == put["RevisionId"]
    by_function = await aws("get_policy", FunctionName="f")
    assert (json.loads(by_function["Policy"]), by_function["RevisionId"]) == (document, put["RevisionId"])
