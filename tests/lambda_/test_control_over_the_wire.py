"""The control plane through boto3: statuses, error bodies, waiters and paginators are what an SDK expects.

The rules themselves are tested in process (test_functions and its neighbours). Here the whole of Lambent is up.
"""

from __future__ import annotations

from tests.lambda_.conftest import Aws
from tests.lambda_.zips import HELLO, OTHER


async def test_a_function_lives_and_dies_through_boto3(aws: Aws) -> None:
    created = await aws.create("f", Tags={"a": "1"}, Environment={"Variables": {"KEY": "grüße"}})
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert created["State"] == "Pending"
    await aws.blocking(lambda: aws.awslambda.get_waiter("function_active_v2").wait(FunctionName="f"))
    found = await aws("get_function", FunctionName=created["FunctionArn"])
    assert found["Tags"] == {"a": "1"}
    assert found["Configuration"]["Environment"] == {"Variables": {"KEY": "grüße"}}
    updated = await aws("update_function_code", FunctionName="f", ZipFile=OTHER)
    assert updated["LastUpdateStatus"] == "InProgress"
    await aws.blocking(lambda: aws.awslambda.get_waiter("function_updated_v2").wait(FunctionName="f"))
    version = await aws("publish_version", FunctionName="f", CodeSha256=updated["CodeSha256"])
    assert (version["ResponseMetadata"]["HTTPStatusCode"], version["Version"]) == (201, "1")
    listed = await aws("list_versions_by_function", FunctionName="f")
    assert [one["Version"] for one in listed["Versions"]] == ["$LATEST", "1"]
    configuration = await aws("get_function_configuration", FunctionName="f", Qualifier="1")
    assert configuration["CodeSha256"] == updated["CodeSha256"]
    settings = await aws("get_account_settings")
    assert settings["AccountUsage"] == {"FunctionCount": 1, "TotalCodeSize": 2 * len(OTHER)}
    deleted = await aws("delete_function", FunctionName="f")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204


async def test_tags_through_boto3(aws: Aws) -> None:
    await aws.active("f")
    arn = (await aws("get_function_configuration", FunctionName="f"))["FunctionArn"]
    tagged = await aws("tag_resource", Resource=arn, Tags={"a b": "1", "c/d": "ü"})
    assert tagged["ResponseMetadata"]["HTTPStatusCode"] == 204
    await aws("untag_resource", Resource=arn, TagKeys=["a b"])
    assert (await aws("list_tags", Resource=arn))["Tags"] == {"c/d": "ü"}


async def test_paginators_walk_all_functions(aws: Aws) -> None:
    for number in range(7):
        await aws.create(f"f{number}")

    def walk() -> list[str]:
        pages = aws.awslambda.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 3})
        return [function["FunctionName"] for page in pages for function in page["Functions"]]

    assert await aws.blocking(walk) == [f"f{number}" for number in range(7)]


async def test_errors_have_aws_statuses_types_and_the_case_of_their_message(aws: Aws) -> None:
    missing = await aws.refused("get_function", FunctionName="ghost")
    assert missing["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert missing["Error"]["Code"] == "ResourceNotFoundException"
    assert missing["Type"] == "User"
    assert missing["Message"] == missing["Error"]["Message"]
    await aws.create("f")
    conflict = await aws.refused(
        "create_function", FunctionName="f", Runtime="python3.11", Handler="x", Role=aws.role, Code={"ZipFile": HELLO}
    )
    assert conflict["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert conflict["message"] == "Function already exist: f"
    stale = await aws.refused("update_function_configuration", FunctionName="f", RevisionId="stale", Timeout=5)
    assert stale["ResponseMetadata"]["HTTPStatusCode"] in (409, 412)


async def test_another_accounts_arn_is_denied_without_a_sentence(aws: Aws) -> None:
    """Recorded of CreateFunction: `{"Message":null}`, and no Type."""
    theirs = "arn:aws:lambda:us-east-1:999999999999:function:f"
    made = {"Runtime": "python3.11", "Handler": "x", "Role": aws.role, "Code": {"ZipFile": HELLO}}
    for operation, members in (("create_function", made), ("update_function_code", {"ZipFile": HELLO})):
        denied = await aws.refused(operation, FunctionName=theirs, **members)
        assert denied["ResponseMetadata"]["HTTPStatusCode"] == 403
        assert denied["Error"] == {"Code": "AccessDeniedException", "Message": None}  # "" if the member were absent
        assert "Type" not in denied


async def test_an_archive_above_50_mb_is_too_large(aws: Aws) -> None:
    large = await aws.refused(
        "create_function",
        FunctionName="f",
        Runtime="python3.11",
        Handler="x",
        Role=aws.role,
        Code={"ZipFile": bytes(52_428_801)},
    )
    assert large["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert large["Error"] == {
        "Code": "RequestEntityTooLargeException",
        "Message": "Zipped size must be smaller than 52428800 bytes",
    }


async def test_a_role_that_lambda_may_not_assume_is_refused(aws: Aws) -> None:
    refused = await aws.refused(
        "create_function",
        FunctionName="f",
        Runtime="python3.11",
        Handler="x",
        Role=aws.role.replace("functions", "ghost"),
        Code={"ZipFile": HELLO},
    )
    assert refused["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": "The role defined for the function cannot be assumed by Lambda.",
    }


async def test_an_alias_lives_and_dies_through_boto3(aws: Aws) -> None:
    await aws.active("f")
    await aws("publish_version", FunctionName="f")
    created = await aws("create_alias", FunctionName="f", Name="live", FunctionVersion="1")
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    updated = await aws("update_alias", FunctionName="f", Name="live", Description="now")
    assert (await aws("get_alias", FunctionName="f", Name="live"))["RevisionId"] == updated["RevisionId"]
    assert [alias["Name"] for alias in (await aws("list_aliases", FunctionName="f"))["Aliases"]] == ["live"]
    deleted = await aws("delete_alias", FunctionName="f", Name="live")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    missing = await aws.refused("get_alias", FunctionName="f", Name="live")
    assert missing["Error"]["Code"] == "ResourceNotFoundException"


async def test_asynchronous_invocation_is_configured_through_boto3(aws: Aws) -> None:
    await aws.active("f")
    put = await aws("put_function_event_invoke_config", FunctionName="f", MaximumRetryAttempts=1)
    assert put["MaximumRetryAttempts"] == 1
    updated = await aws("update_function_event_invoke_config", FunctionName="f", MaximumEventAgeInSeconds=60)
    assert (await aws("get_function_event_invoke_config", FunctionName="f"))["LastModified"] == updated["LastModified"]
    listed = await aws("list_function_event_invoke_configs", FunctionName="f")
    assert [config["MaximumEventAgeInSeconds"] for config in listed["FunctionEventInvokeConfigs"]] == [60]
    deleted = await aws("delete_function_event_invoke_config", FunctionName="f")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    missing = await aws.refused("get_function_event_invoke_config", FunctionName="f")
    assert missing["Error"]["Code"] == "ResourceNotFoundException"


async def test_recursion_runtime_management_and_scaling_through_boto3(aws: Aws) -> None:
    await aws.active("f")
    await aws("put_function_recursion_config", FunctionName="f", RecursiveLoop="Allow")
    assert (await aws("get_function_recursion_config", FunctionName="f"))["RecursiveLoop"] == "Allow"
    await aws("put_runtime_management_config", FunctionName="f", UpdateRuntimeOn="FunctionUpdate")
    found = await aws("get_runtime_management_config", FunctionName="f")
    assert found["UpdateRuntimeOn"] == "FunctionUpdate"
    bounds = {"MinExecutionEnvironments": 1, "MaxExecutionEnvironments": 2}
    put = await aws.refused(
        "put_function_scaling_config", FunctionName="f", Qualifier="$LATEST.PUBLISHED", FunctionScalingConfig=bounds
    )
    got = await aws.refused("get_function_scaling_config", FunctionName="f", Qualifier="$LATEST.PUBLISHED")
    assert put["Error"]["Code"] == got["Error"]["Code"] == "InvalidParameterValueException"
