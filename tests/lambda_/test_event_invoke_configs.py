"""Configurations of asynchronous invocation: what they may say, where they hang, what reads them back."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from tests.lambda_.plane import ACCOUNT, ARN, REGION, Plane, plane, refused

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
BUCKET = "arn:aws:s3:::bucket"


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncGenerator[Plane]:
    async with plane(tmp_path) as made:
        await made.active()
        await made("PublishVersion", FunctionName="f")
        await made("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
        yield made


@pytest.mark.parametrize("qualifier", [None, "1", "live"])
async def test_a_configuration_reads_back_where_it_was_put_and_nowhere_else(aws: Plane, qualifier: str | None) -> None:
    members: dict[str, Any] = {"FunctionName": "f"} | ({"Qualifier": qualifier} if qualifier else {})
    made = await aws("PutFunctionEventInvokeConfig", **members, MaximumRetryAttempts=0)
    assert made == {
        "FunctionArn": f"{ARN}f:{qualifier or '$LATEST'}",
        "LastModified": aws.clock.now(),
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}},
    }
    assert await aws("GetFunctionEventInvokeConfig", **members) == made
    listed = await aws("ListFunctionEventInvokeConfigs", FunctionName="f")
    assert listed == {"FunctionEventInvokeConfigs": [made]}
    await aws("DeleteFunctionEventInvokeConfig", **members)
    expected = (
        "ResourceNotFoundException",
        f"The function {ARN}f:{qualifier or '$LATEST'} doesn't have an EventInvokeConfig",
    )
    assert await refused(aws("GetFunctionEventInvokeConfig", **members)) == expected
    assert await refused(aws("UpdateFunctionEventInvokeConfig", **members, MaximumRetryAttempts=1)) == expected
    assert await refused(aws("DeleteFunctionEventInvokeConfig", **members)) == expected


async def test_put_replaces_and_update_adds(aws: Plane) -> None:
    both = {"OnSuccess": {"Destination": QUEUE}, "OnFailure": {"Destination": BUCKET}}
    await aws("PutFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=1, DestinationConfig=both)
    updated = await aws("UpdateFunctionEventInvokeConfig", FunctionName="f", MaximumEventAgeInSeconds=60)
    assert (updated["MaximumRetryAttempts"], updated["MaximumEventAgeInSeconds"]) == (1, 60)
    assert updated["DestinationConfig"] == both
    failure = {"OnFailure": {"Destination": QUEUE}}
    updated = await aws("UpdateFunctionEventInvokeConfig", FunctionName="f", DestinationConfig=failure)
    assert updated["DestinationConfig"] == {"OnSuccess": {}, **failure}
    put = await aws("PutFunctionEventInvokeConfig", FunctionName="f", MaximumEventAgeInSeconds=70)
    assert "MaximumRetryAttempts" not in put
    assert put["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}


async def test_something_must_be_said(aws: Plane) -> None:
    sentence = "You must specify at least one of error handling or destination setting."
    for operation in ("PutFunctionEventInvokeConfig", "UpdateFunctionEventInvokeConfig"):
        assert await refused(aws(operation, FunctionName="f")) == ("InvalidParameterValueException", sentence)


@pytest.mark.parametrize("members", [{"FunctionName": "ghost"}, {"FunctionName": "f", "Qualifier": "ghost"}])
async def test_what_is_not_there_cannot_be_configured(aws: Plane, members: Any) -> None:
    put = aws("PutFunctionEventInvokeConfig", **members, MaximumRetryAttempts=1)
    assert await refused(put) == ("ResourceNotFoundException", "The function doesn't exist.")
    arn = f"{ARN}{members['FunctionName']}:{members.get('Qualifier', '$LATEST')}"
    missing = ("ResourceNotFoundException", f"The function {arn} doesn't have an EventInvokeConfig")
    assert await refused(aws("GetFunctionEventInvokeConfig", **members)) == missing
    assert await refused(aws("DeleteFunctionEventInvokeConfig", **members)) == missing


async def test_the_configurations_of_a_missing_function_are_not_listed(aws: Plane) -> None:
    missing = ("ResourceNotFoundException", "The function doesn't exist.")
    assert await refused(aws("ListFunctionEventInvokeConfigs", FunctionName="ghost")) == missing


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (
            {"OnSuccess": {"Destination": f"arn:aws:iam:{REGION}:{ACCOUNT}:function:g"}},
            (
                "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:iam:"
                f"{REGION}:{ACCOUNT}:function:g), onFailure=null) is invalid."
            ),
        ),
        (
            {"OnSuccess": {"Destination": BUCKET}, "OnFailure": {"Destination": QUEUE}},
            (
                f"The provided destination config DestinationConfig(onSuccess=OnSuccess(destination={BUCKET}), "
                f"onFailure=OnFailure(destination={QUEUE})) is invalid."
            ),
        ),
        (
            {"OnFailure": {"Destination": QUEUE + ".fifo"}},
            (
                "The provided destination config DestinationConfig(onSuccess=null, "
                f"onFailure=OnFailure(destination={QUEUE}.fifo)) is invalid."
            ),
        ),
        ({"OnFailure": {"Destination": f"{ARN}ghost"}}, f"The destination ARN {ARN}ghost is invalid."),
        (
            {"OnFailure": {"Destination": f"{ARN}f"}},
            "You can't specify the function as a destination for itself.",
        ),
        (
            {"OnFailure": {"Destination": "kafka://topic"}},
            (
                "The provided destination config DestinationConfig(onSuccess=null, "
                "onFailure=OnFailure(destination=kafka://topic)) is invalid."
            ),
        ),
    ],
)
async def test_destinations_that_take_no_records_are_refused(aws: Plane, config: Any, sentence: str) -> None:
    put = aws("PutFunctionEventInvokeConfig", FunctionName="f", DestinationConfig=config)
    assert await refused(put) == ("InvalidParameterValueException", sentence)


async def test_they_are_listed_in_order_a_page_at_a_time(aws: Plane) -> None:
    for qualifier in ("live", "1", "$LATEST"):
        await aws("PutFunctionEventInvokeConfig", FunctionName=f"f:{qualifier}", MaximumRetryAttempts=1)
    first = await aws("ListFunctionEventInvokeConfigs", FunctionName="f", MaxItems=2)
    marker = first["NextMarker"]
    await aws("DeleteFunctionEventInvokeConfig", FunctionName="f")  # rows that go do not shift the next page
    rest = await aws("ListFunctionEventInvokeConfigs", FunctionName="f", MaxItems=2, Marker=marker)
    arns = [c["FunctionArn"] for page in (first, rest) for c in page["FunctionEventInvokeConfigs"]]
    assert arns == [f"{ARN}f:$LATEST", f"{ARN}f:1", f"{ARN}f:live"]


async def test_they_go_with_their_alias(aws: Plane) -> None:
    await aws("PutFunctionEventInvokeConfig", FunctionName="f:live", MaximumRetryAttempts=1)
    await aws("DeleteAlias", FunctionName="f", Name="live")
    await aws("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert (await refused(aws("GetFunctionEventInvokeConfig", FunctionName="f:live")))[0] == "ResourceNotFoundException"
