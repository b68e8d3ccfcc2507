"""Event source mappings through boto3: statuses, times, error bodies, pages. The rules are in tests/lambda_/sources."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambent.lambda_.sources.kinds import Kind
from tests.lambda_.conftest import Aws
from tests.lambda_.plane import ACCOUNT, REGION
from tests.lambda_.sources.examples import CONSUMER, NEEDED, QUEUE

MOMENT = datetime(2025, 11, 25, 7, 30, 0, 250_000, tzinfo=UTC)


@pytest.fixture
async def here(aws: Aws) -> Any:
    """Puts an example into the region and the account of the Lambent that runs."""
    function = await aws.create("f")
    region, account = function["FunctionArn"].split(":")[3:5]

    def moved(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(REGION, region).replace(ACCOUNT, account)
        if isinstance(value, dict):
            return {key: moved(inner) for key, inner in value.items()}
        return [moved(inner) for inner in value] if isinstance(value, list) else value

    return moved


async def settled(aws: Aws, uuid: str) -> Any:
    """GetEventSourceMapping once its state is one that stays, as Terraform waits for it; None once it is gone."""
    while True:
        try:
            found = await aws("get_event_source_mapping", UUID=uuid)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ResourceNotFoundException"
            return None
        if found["State"] in ("Enabled", "Disabled"):
            return found


@pytest.mark.parametrize("kind", NEEDED, ids=lambda kind: kind.name)
async def test_a_mapping_of_every_kind_lives_and_dies_through_boto3(aws: Aws, here: Any, kind: Kind) -> None:
    needed = here(NEEDED[kind])
    created = await aws("create_event_source_mapping", FunctionName="f", Tags={"a": "1"}, **needed)
    assert created.pop("ResponseMetadata")["HTTPStatusCode"] == 202
    assert created["State"] == "Creating"
    uuid = created["UUID"]
    found = await settled(aws, uuid)
    assert found.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    assert found == created | {"State": "Enabled", "LastModified": found["LastModified"]}
    assert datetime.now(UTC).timestamp() - found["LastModified"].timestamp() < 3600
    listed = await aws("list_event_source_mappings", FunctionName="f")
    assert listed["EventSourceMappings"] == [found]
    updated = await aws("update_event_source_mapping", UUID=uuid, BatchSize=3, Enabled=False)
    assert updated["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (updated["State"], updated["BatchSize"]) == ("Disabling", 3)
    assert (await settled(aws, uuid))["State"] == "Disabled"
    deleted = await aws("delete_event_source_mapping", UUID=uuid)
    assert (deleted["ResponseMetadata"]["HTTPStatusCode"], deleted["State"]) == (202, "Deleting")
    assert await settled(aws, uuid) is None
    assert (await aws("list_event_source_mappings"))["EventSourceMappings"] == []


async def test_a_position_in_time_is_a_time(aws: Aws, here: Any) -> None:
    created = await aws(
        "create_event_source_mapping",
        FunctionName="f",
        EventSourceArn=here(CONSUMER),
        StartingPosition="AT_TIMESTAMP",
        StartingPositionTimestamp=MOMENT,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::failed"}},
        FilterCriteria={"Filters": [{"Pattern": '{"data": {"grüße": ["ü"]}}'}]},
    )
    assert created["StartingPositionTimestamp"] == MOMENT
    assert created["FilterCriteria"]["Filters"] == [{"Pattern": '{"data": {"grüße": ["ü"]}}'}]
    assert created["DestinationConfig"] == {"OnFailure": {"Destination": "arn:aws:s3:::failed"}}


async def test_a_paginator_walks_all_mappings(aws: Aws, here: Any) -> None:
    made = [
        (await aws("create_event_source_mapping", FunctionName="f", EventSourceArn=here(f"{QUEUE}{n}")))["UUID"]
        for n in range(5)
    ]

    def walk() -> list[str]:
        pages = aws.awslambda.get_paginator("list_event_source_mappings").paginate(
            FunctionName="f", PaginationConfig={"PageSize": 2}
        )
        return [mapping["UUID"] for page in pages for mapping in page["EventSourceMappings"]]

    assert await aws.blocking(walk) == sorted(made)


async def test_errors_have_aws_statuses_types_and_the_case_of_their_message(aws: Aws, here: Any) -> None:
    missing = await aws.refused("get_event_source_mapping", UUID="11111111-1111-1111-1111-111111111111")
    assert missing["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert (missing["Type"], missing["Message"]) == ("User", "The resource you requested does not exist.")
    source = here(QUEUE)
    uuid = (await aws("create_event_source_mapping", FunctionName="f", EventSourceArn=source))["UUID"]
    conflict = await aws.refused("create_event_source_mapping", FunctionName="f", EventSourceArn=source)
    assert conflict["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert (conflict["Type"], conflict["message"]) == (
        "User",
        (
            f'An event source mapping with SQS arn (" {source} ") and function (" f ") already exists. '
            f"Please update or delete the existing mapping with UUID {uuid}"
        ),
    )
    invalid = await aws.refused(
        "create_event_source_mapping", FunctionName="f", EventSourceArn=source, Topics=["topic"]
    )
    assert invalid["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert (invalid["Error"]["Code"], invalid["Type"], invalid["message"]) == (
        "InvalidParameterValueException",
        "User",
        "Unsupported 'topics' parameter for given event source mapping type.",
    )
    enum = await aws.refused(
        "create_event_source_mapping", FunctionName="f", EventSourceArn=source, StartingPosition="invalid"
    )
    assert enum["Error"] == {
        "Code": "ValidationException",
        "Message": "1 validation error detected: Value 'invalid' at 'startingPosition' failed to satisfy constraint: "
        "Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]",
    }
    await settled(aws, uuid)
    await aws("delete_event_source_mapping", UUID=uuid)
    again = await aws.refused("delete_event_source_mapping", UUID=uuid)
    assert again["Error"]["Code"] in ("ResourceInUseException", "ResourceNotFoundException")  # or it is gone already
    assert again["ResponseMetadata"]["HTTPStatusCode"] in (400, 404)
    assert again["Message"] == again["Error"]["Message"]
