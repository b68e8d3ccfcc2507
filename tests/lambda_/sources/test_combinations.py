"""Members in any combination: AWS's error, or a mapping that reads back as it was asked for; nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from lambent.core.errors import AwsError
from lambent.lambda_.sources.kinds import Kind
from tests.lambda_.plane import Plane, plane
from tests.lambda_.sources.examples import ACCESS, CONSUMER, NEEDED, QUEUE, arn

CODES = {
    "InvalidParameterValueException",
    "ResourceConflictException",
    "ResourceInUseException",
    "ValidationException",
}


def some(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A structure with some of these members."""
    return st.fixed_dictionaries({}, optional=members)


def number(low: int, high: int) -> st.SearchStrategy[int]:
    """Bounds are where it goes wrong; one beyond them too."""
    return st.sampled_from([low - 1, low, low + 1, high - 1, high, high + 1]) | st.integers(low, high)


ACCESS_TYPES = st.sampled_from(
    ["BASIC_AUTH", "VPC_SUBNET", "SASL_SCRAM_512_AUTH", "VIRTUAL_HOST", "IAM_AUTH", "OAUTHBEARER_SCOPE", "NONE"]
)
TARGETS = st.sampled_from(
    ["", QUEUE, QUEUE + ".fifo", arn("sns", "t"), "arn:aws:s3:::b", "kafka://topic", arn("lambda", "function:f"), "x"]
)
FILTERS = st.lists(
    some(
        Pattern=st.sampled_from(['{"a": [1]}', '{"a": 1}', "", "{}", '{"body": {"a": [{"exists": true}]}}']) | st.text()
    ),
    max_size=6,
)
REGISTRY = some(
    SchemaRegistryURI=st.sampled_from(["https://r", ""]),
    EventRecordFormat=st.sampled_from(["JSON", "SOURCE", "AVRO"]),
    AccessConfigs=st.lists(some(Type=ACCESS_TYPES, URI=st.just(ACCESS[0]["URI"])), max_size=2),
    SchemaValidationConfigs=st.lists(some(Attribute=st.sampled_from(["KEY", "VALUE"])), max_size=2),
)
GROUP = st.sampled_from(["g1", "g2", "", "ü"])

CHANGEABLE: dict[str, st.SearchStrategy[Any]] = {
    "Enabled": st.booleans(),
    "BatchSize": number(1, 10_000) | number(1, 10),
    "MaximumBatchingWindowInSeconds": number(0, 300),
    "ParallelizationFactor": number(1, 10),
    "TumblingWindowInSeconds": number(0, 900),
    "MaximumRecordAgeInSeconds": number(-1, 604_800) | number(60, 61),
    "MaximumRetryAttempts": number(-1, 10_000),
    "BisectBatchOnFunctionError": st.booleans(),
    "FunctionResponseTypes": st.lists(st.sampled_from(["ReportBatchItemFailures", "Other"]), max_size=2),
    "FilterCriteria": some(Filters=FILTERS),
    "KMSKeyArn": st.sampled_from(["", "arn:aws:kms:eu-central-1:123456789012:key/k", "k"]),
    "MetricsConfig": some(Metrics=st.lists(st.sampled_from(["EventCount", "ErrorCount", "KafkaMetrics"]), max_size=3)),
    "LoggingConfig": some(SystemLogLevel=st.sampled_from(["DEBUG", "INFO", "WARN"])),
    "ScalingConfig": some(MaximumConcurrency=number(2, 1000)),
    "ProvisionedPollerConfig": some(
        MinimumPollers=number(1, 200), MaximumPollers=number(1, 10_000) | number(2, 2000), PollerGroupName=GROUP
    ),
    "DestinationConfig": some(OnSuccess=some(Destination=TARGETS), OnFailure=some(Destination=TARGETS)),
    "SourceAccessConfigurations": st.lists(
        some(Type=ACCESS_TYPES, URI=st.sampled_from(["x", "", "/plant"])), max_size=3
    ),
    "AmazonManagedKafkaEventSourceConfig": some(ConsumerGroupId=GROUP, SchemaRegistryConfig=REGISTRY),
    "SelfManagedKafkaEventSourceConfig": some(
        ConsumerGroupId=GROUP, SchemaRegistryConfig=REGISTRY, ConsumptionMode=st.sampled_from(["Stream", "Queue"])
    ),
    "DocumentDBEventSourceConfig": some(
        DatabaseName=st.sampled_from(["d", "e", "a.b"]),
        CollectionName=st.sampled_from(["c", "system.x"]),
        FullDocument=st.sampled_from(["UpdateLookup", "Default"]),
    ),
}
ONCE: dict[str, st.SearchStrategy[Any]] = {
    "StartingPosition": st.sampled_from(["LATEST", "TRIM_HORIZON", "AT_TIMESTAMP", "SOMEWHERE"]),
    "StartingPositionTimestamp": st.sampled_from([-1.0, 0.0, 1.5, 1_800_000_000.0, 1e12]),
    "Topics": st.lists(st.sampled_from(["topic", "other", ".x"]), max_size=2),
    "Queues": st.lists(st.sampled_from(["q", "r"]), max_size=2),
    "SelfManagedEventSource": some(
        Endpoints=st.dictionaries(
            st.sampled_from(["KAFKA_BOOTSTRAP_SERVERS", "OTHER"]),
            st.lists(st.sampled_from(["kafka:1", "kafka:2", "no port"]), max_size=2),
            max_size=2,
        )
    ),
    "EventSourceArn": st.sampled_from([CONSUMER, QUEUE, arn("sns", "t"), "x", ""])
    | st.sampled_from([needed["EventSourceArn"] for needed in NEEDED.values() if "EventSourceArn" in needed]),
    "Tags": st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
}


def few(members: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these; of many at once hardly any combination is taken."""
    return st.lists(st.sampled_from(sorted(members)), unique=True, max_size=4).flatmap(
        lambda names: st.fixed_dictionaries({name: members[name] for name in names})
    )


KINDS = st.sampled_from(list(NEEDED))
ASKED = st.one_of(few(CHANGEABLE), few(CHANGEABLE | ONCE))


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncGenerator[Plane]:
    async with plane(tmp_path) as made:
        await made.active()
        yield made


async def answered(aws: Plane, operation: str, **members: object) -> dict[str, Any] | None:
    """What AWS's client gets; None: an error of AWS's. Anything else fails the test."""
    try:
        return await aws(operation, **members)
    except AwsError as error:
        assert error.code in CODES, error
        return None


def asked_and_shown(asked: dict[str, Any], shown: dict[str, Any]) -> None:
    """Everything that was asked for stands there; what was empty may not."""
    for member, value in asked.items():
        if member in ("Tags", "Enabled", "FunctionName", "UUID") or empty(value):
            continue
        if isinstance(value, dict):
            asked_and_shown(value, shown[member])
        else:
            assert shown[member] == value, member


def empty(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(empty, value.values()))
    return value in (None, "", [])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(KINDS, ASKED, st.lists(few(CHANGEABLE), max_size=2))
async def test_any_combination_is_refused_or_reads_back_as_asked_and_can_be_made_again(
    aws: Plane, kind: Kind, asked: dict[str, Any], changes: list[dict[str, Any]]
) -> None:
    members = NEEDED[kind] | asked
    mapping = await answered(aws, "CreateEventSourceMapping", FunctionName="f", **members)
    event("created" if mapping is not None else "refused")
    if mapping is None:
        return
    uuid = mapping["UUID"]
    asked_and_shown(members, mapping)
    mapping = await aws.mapped(uuid)
    for change in changes:
        changed = await answered(aws, "UpdateEventSourceMapping", UUID=uuid, **change)
        event("updated" if changed is not None else "update refused")
        if changed is not None:
            asked_and_shown(change, changed)
        after = await aws.mapped(uuid)
        assert after is not None
        assert after == (mapping if changed is None else changed | {"State": after["State"]})
        mapping = after
    assert mapping is not None
    await aws.gone(uuid)
    again = await aws("CreateEventSourceMapping", FunctionName="f", **configured(mapping))
    assert configured(again) == configured(mapping)
    await aws.gone(again["UUID"])


def configured(shown: dict[str, Any]) -> dict[str, Any]:
    """What of a mapping's description can be asked for: not the destination that AWS shows where there is none."""
    return {member: value for member, value in shown.items() if member in CHANGEABLE | ONCE and not empty(value)}
