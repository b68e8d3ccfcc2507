"""The concurrency operations as boto3 sees them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambent.core.errors import AwsError
from lambent.lambda_.invoke.errors import (
    CallerRateLimitExceeded,
    FunctionInvocationRateLimitExceeded,
    ReservedFunctionInvocationRateLimitExceeded,
)
from lambent.lambda_.service import LAMBDA
from lambent.wire.rest_json import RestJson
from tests.lambda_.conftest import Aws


def body(response: dict[str, Any]) -> dict[str, Any]:
    """What an error has beside what every response has."""
    return {name: value for name, value in response.items() if name != "ResponseMetadata"}


async def test_a_reservation_is_made_read_and_deleted(aws: Aws):
    await aws.active("f")
    made = await aws("put_function_concurrency", FunctionName="f", ReservedConcurrentExecutions=5)
    assert made["ReservedConcurrentExecutions"] == 5
    assert (await aws("get_function_concurrency", FunctionName="f"))["ReservedConcurrentExecutions"] == 5
    assert (await aws("get_function", FunctionName="f"))["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    limits = (await aws("get_account_settings"))["AccountLimit"]
    assert (limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]) == (1000, 995)
    deleted = await aws("delete_function_concurrency", FunctionName="f")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert "ReservedConcurrentExecutions" not in await aws("get_function_concurrency", FunctionName="f")


async def test_what_the_account_has_not_is_refused_without_a_type_as_recorded(aws: Aws):
    await aws.active("f")
    refused = await aws.refused("put_function_concurrency", FunctionName="f", ReservedConcurrentExecutions=901)
    sentence = (
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
        "below its minimum value of [100]."
    )
    assert body(refused) == {
        "Error": {"Code": "InvalidParameterValueException", "Message": sentence},
        "message": sentence,
    }
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 400


async def test_a_stopped_function_is_throttled_as_recorded(aws: Aws):
    await aws.active("f")
    await aws("put_function_concurrency", FunctionName="f", ReservedConcurrentExecutions=0)
    throttled = await aws.refused("invoke", FunctionName="f")
    assert body(throttled) == {
        "Error": {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."},
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
        "Type": "User",
        "message": "Rate Exceeded.",
    }
    assert throttled["ResponseMetadata"]["HTTPStatusCode"] == 429


@pytest.mark.parametrize(
    ("error", "reason", "sentence"),
    [
        (CallerRateLimitExceeded, "CallerRateLimitExceeded", "Rate exceeded"),
        (FunctionInvocationRateLimitExceeded, "FunctionInvocationRateLimitExceeded", "Rate Exceeded."),
        (ReservedFunctionInvocationRateLimitExceeded, "ReservedFunctionInvocationRateLimitExceeded", "Rate Exceeded."),
    ],
)
def test_a_rate_tells_in_its_header_when_to_come_again(error: type[AwsError], reason: str, sentence: str):
    response = RestJson().serialize_error(LAMBDA.model, error(seconds=3), "an-id")
    assert response.status == 429
    assert ("Retry-After", "3") in response.headers
    assert json.loads(response.body) == {"Reason": reason, "Type": "User", "message": sentence}


async def test_provisioned_concurrency_is_made_read_listed_and_deleted(aws: Aws):
    await aws.active("f", Publish=True)
    await aws("create_alias", FunctionName="f", Name="live", FunctionVersion="1")
    made = await aws(
        "put_provisioned_concurrency_config", FunctionName="f", Qualifier="live", ProvisionedConcurrentExecutions=1
    )
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (made["Status"], made["RequestedProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 1)
    read = await aws("get_provisioned_concurrency_config", FunctionName="f", Qualifier="live")
    assert read["RequestedProvisionedConcurrentExecutions"] == 1
    assert read["LastModified"] == made["LastModified"]
    (listed,) = (await aws("list_provisioned_concurrency_configs", FunctionName="f"))["ProvisionedConcurrencyConfigs"]
    assert listed["FunctionArn"].endswith(":function:f:live")
    deleted = await aws("delete_provisioned_concurrency_config", FunctionName="f", Qualifier="live")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    refused = await aws.refused("get_provisioned_concurrency_config", FunctionName="f", Qualifier="live")
    assert body(refused) == {
        "Error": {
            "Code": "ProvisionedConcurrencyConfigNotFoundException",
            "Message": "No Provisioned Concurrency Config found for this function",
        },
        "Type": "User",
        "message": "No Provisioned Concurrency Config found for this function",
    }


async def test_a_function_that_cannot_initialise_fails_with_aws_s_reason(aws: Aws):
    await aws.active("f", Publish=True)  # its package has no bootstrap
    await aws("put_provisioned_concurrency_config", FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=2)
    found = {"Status": "IN_PROGRESS"}
    while found["Status"] == "IN_PROGRESS":
        found = await aws("get_provisioned_concurrency_config", FunctionName="f", Qualifier="1")
    assert (found["Status"], found["StatusReason"]) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")
    assert found["AllocatedProvisionedConcurrentExecutions"] == 0


async def test_a_version_and_an_alias_of_it_are_not_both_provisioned(aws: Aws):
    await aws.active("f", Publish=True)
    await aws("create_alias", FunctionName="f", Name="live", FunctionVersion="1")
    wanted = {"FunctionName": "f", "ProvisionedConcurrentExecutions": 1}
    await aws("put_provisioned_concurrency_config", Qualifier="live", **wanted)
    refused = await aws.refused("put_provisioned_concurrency_config", Qualifier="1", **wanted)
    assert body(refused) == {
        "Error": {
            "Code": "ResourceConflictException",
            "Message": "Version is pointed by a Provisioned Concurrency alias",
        },
        "Type": "User",
        "message": "Version is pointed by a Provisioned Concurrency alias",
    }
