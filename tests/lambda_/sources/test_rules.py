"""What each kind of source takes, what it has unless told, and what is refused in which sentence."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from lambent.core.errors import AwsError
from lambent.core.ports import EventSource
from lambent.lambda_.sources.kinds import EVERY, Kind
from tests.lambda_.plane import ACCOUNT, ARN, REGION, Plane, Sources, plane
from tests.lambda_.sources.examples import ACCESS, CONSUMER, NEEDED, QUEUE, SECRET, STREAM, TABLE, arn

QUEUES, STREAMS, KAFKAS = Kind.QUEUES, Kind.STREAMS, Kind.KAFKAS
PROVISIONED = {"ProvisionedPollerConfig": {"MinimumPollers": 2}}
REGISTRY = {
    "SchemaRegistryURI": "https://registry.example",
    "EventRecordFormat": "JSON",
    "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
}
SHARED = {"SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "Queue"}}
NOW = 1_800_000_000


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncGenerator[Plane]:
    async with plane(tmp_path) as made:
        await made.active()
        yield made


async def create(aws: Plane, kind: Kind, **members: object) -> dict[str, Any]:
    given = {**NEEDED[kind], **members}
    return await aws("CreateEventSourceMapping", FunctionName="f", **{k: v for k, v in given.items() if v is not None})


async def refused(aws: Plane, **members: object) -> tuple[str, str]:
    with pytest.raises(AwsError) as caught:
        await aws("CreateEventSourceMapping", FunctionName="f", **members)
    return caught.value.code, str(caught.value)


# --- field x source --------------------------------------------------------------------------------------------------

# member of AWS, a value of it that is good where it is taken, who takes it, what has to be given with it
TABLE_4_1: list[tuple[str, Any, Kind, dict[Kind, dict[str, Any]]]] = [
    ("BatchSize", 7, EVERY, {}),
    ("MaximumBatchingWindowInSeconds", 5, EVERY & ~Kind.FIFO, {}),
    ("StartingPosition", "LATEST", STREAMS | KAFKAS | Kind.DOCUMENTDB, {}),
    ("FilterCriteria", {"Filters": [{"Pattern": '{"a": [1]}'}]}, EVERY & ~Kind.DOCUMENTDB, {}),
    ("FunctionResponseTypes", ["ReportBatchItemFailures"], QUEUES | STREAMS | KAFKAS, {KAFKAS: PROVISIONED}),
    ("MaximumRetryAttempts", 3, STREAMS | KAFKAS, {KAFKAS: PROVISIONED}),
    ("MaximumRecordAgeInSeconds", 60, STREAMS | KAFKAS, {KAFKAS: PROVISIONED}),
    ("BisectBatchOnFunctionError", True, STREAMS | KAFKAS, {KAFKAS: PROVISIONED}),
    ("ParallelizationFactor", 10, STREAMS, {}),
    ("TumblingWindowInSeconds", 900, STREAMS, {}),
    ("DestinationConfig", {"OnFailure": {"Destination": arn("sqs", "failed")}}, STREAMS | KAFKAS, {}),
    ("ScalingConfig", {"MaximumConcurrency": 2}, QUEUES, {}),
    ("ProvisionedPollerConfig", {"MinimumPollers": 2, "MaximumPollers": 9}, QUEUES | KAFKAS, {}),
    ("Topics", ["other"], KAFKAS, {}),
    ("Queues", ["other"], Kind.MQ, {}),
    ("SourceAccessConfigurations", [{"Type": "BASIC_AUTH", "URI": SECRET}], KAFKAS | Kind.MQ | Kind.DOCUMENTDB, {}),
    ("AmazonManagedKafkaEventSourceConfig", {"ConsumerGroupId": "g"}, Kind.MSK, {}),
    ("SelfManagedKafkaEventSourceConfig", {"ConsumerGroupId": "g"}, Kind.KAFKA, {}),
    ("DocumentDBEventSourceConfig", {"DatabaseName": "x", "FullDocument": "UpdateLookup"}, Kind.DOCUMENTDB, {}),
    ("MetricsConfig", {"Metrics": ["EventCount"]}, QUEUES | STREAMS | KAFKAS, {}),
    ("LoggingConfig", {"SystemLogLevel": "INFO"}, KAFKAS, {}),
    ("KMSKeyArn", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k", EVERY, {}),
]


@pytest.mark.parametrize(("member", "value", "takers", "with_it"), TABLE_4_1, ids=lambda row: str(row)[:40])
@pytest.mark.parametrize("kind", NEEDED, ids=lambda kind: kind.name)
async def test_a_member_is_taken_by_its_kinds_and_refused_by_the_others(
    aws: Plane, kind: Kind, member: str, value: Any, takers: Kind, with_it: dict[Kind, dict[str, Any]]
) -> None:
    company = next((members for kinds, members in with_it.items() if kind in kinds), {})
    if kind in takers:
        mapping = await create(aws, kind, **company, **{member: value})
        assert mapping[member] == value
        assert (await aws("GetEventSourceMapping", UUID=mapping["UUID"]))[member] == value
        return
    code, sentence = await refused(aws, **NEEDED[kind], **company, **{member: value})
    assert code == "InvalidParameterValueException"
    if (kind, member) == (Kind.FIFO, "MaximumBatchingWindowInSeconds"):
        assert sentence == "Batching window is not supported for FIFO queues"
    elif member == "StartingPosition" and kind in QUEUES:
        assert sentence == "StartingPosition is not valid for SQS event sources."
    elif member == "DestinationConfig" and kind in QUEUES:
        assert sentence == "Unsupported DestinationConfig parameter for given event source mapping type."
    else:
        name = member[0].lower() + member[1:]
        assert sentence == f"Unsupported '{name}' parameter for given event source mapping type."


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("ScalingConfig", {}),
        ("FilterCriteria", {}),
        ("FilterCriteria", {"Filters": []}),
        ("SourceAccessConfigurations", []),
        ("FunctionResponseTypes", []),
        ("DestinationConfig", {"OnFailure": {"Destination": ""}}),
        ("MetricsConfig", {"Metrics": []}),
        ("KMSKeyArn", ""),
        ("ProvisionedPollerConfig", {"PollerGroupName": ""}),
        ("AmazonManagedKafkaEventSourceConfig", {"SchemaRegistryConfig": {"AccessConfigs": []}}),
    ],
)
async def test_what_is_empty_asks_for_nothing_of_any_kind(aws: Plane, member: str, value: object) -> None:
    for kind in (Kind.SQS, Kind.KINESIS, Kind.MSK, Kind.MQ):
        plain = await create(aws, kind)
        await aws.gone(plain["UUID"])
        mapping = await create(aws, kind, **{member: value})
        same = {name for name in mapping if name not in ("UUID", "EventSourceMappingArn", "LastModified")}
        if kind is Kind.MSK:
            same -= {"AmazonManagedKafkaEventSourceConfig"}
            assert mapping["AmazonManagedKafkaEventSourceConfig"] == {"ConsumerGroupId": mapping["UUID"]}
        assert {name: mapping[name] for name in same} == {name: plain.get(name) for name in same}
        await aws.gone(mapping["UUID"])


# --- defaults --------------------------------------------------------------------------------------------------------

STREAM_DEFAULTS = {  # recorded
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "LastProcessingResult": "No records processed",
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "StateTransitionReason": "User action",
    "TumblingWindowInSeconds": 0,
}
QUEUE_DEFAULTS = {  # recorded
    "BatchSize": 10,
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "StateTransitionReason": "USER_INITIATED",
}
CLUSTER_DEFAULTS = {
    "BatchSize": 100,
    "LastProcessingResult": "No records processed",
    "StartingPosition": "TRIM_HORIZON",
    "StateTransitionReason": "USER_INITIATED",
}
BROKER_DEFAULTS = {
    "BatchSize": 100,
    "LastProcessingResult": "No records processed",
    "StateTransitionReason": "USER_INITIATED",
}
DOCUMENTDB_DEFAULTS = {
    "BatchSize": 100,
    "DocumentDBEventSourceConfig": {"DatabaseName": "d", "FullDocument": "Default"},
    "LastProcessingResult": "No records processed",
    "MaximumBatchingWindowInSeconds": 0,
    "StartingPosition": "TRIM_HORIZON",
    "StateTransitionReason": "User action",
}


@pytest.mark.parametrize(
    ("kind", "defaults"),
    [
        (Kind.SQS, QUEUE_DEFAULTS),
        (Kind.FIFO, QUEUE_DEFAULTS),
        (Kind.KINESIS, STREAM_DEFAULTS),
        (Kind.DYNAMODB, STREAM_DEFAULTS),
        (Kind.MSK, CLUSTER_DEFAULTS),
        (Kind.KAFKA, CLUSTER_DEFAULTS),
        (Kind.MQ, BROKER_DEFAULTS),
        (Kind.DOCUMENTDB, DOCUMENTDB_DEFAULTS),
    ],
    ids=lambda row: getattr(row, "name", ""),
)
async def test_a_mapping_has_the_defaults_of_its_kind_and_nothing_else(
    aws: Plane, kind: Kind, defaults: dict[str, Any]
) -> None:
    mapping = await create(aws, kind)
    uuid = mapping["UUID"]
    group = {"ConsumerGroupId": uuid}
    consumers = {
        Kind.MSK: {"AmazonManagedKafkaEventSourceConfig": group},
        Kind.KAFKA: {"SelfManagedKafkaEventSourceConfig": group},
    }
    assert mapping == {
        **NEEDED[kind],
        **defaults,
        **consumers.get(kind, {}),
        "UUID": uuid,
        "EventSourceMappingArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{uuid}",
        "FunctionArn": ARN + "f",
        "LastModified": float(NOW),
        "State": "Creating",
    }


async def test_provisioned_mode_brings_its_own_defaults(aws: Plane) -> None:
    queue = await create(aws, Kind.SQS, ProvisionedPollerConfig={"MaximumPollers": 10_000})
    assert queue["ProvisionedPollerConfig"] == {"MinimumPollers": 2, "MaximumPollers": 10_000}
    cluster = await create(aws, Kind.MSK, ProvisionedPollerConfig={"PollerGroupName": "g"})
    assert cluster["ProvisionedPollerConfig"] == {
        "MinimumPollers": 1,
        "MaximumPollers": 200,
        "PollerGroupName": "g",
    }
    assert cluster["MaximumRetryAttempts"] == cluster["MaximumRecordAgeInSeconds"] == -1
    assert (cluster["BisectBatchOnFunctionError"], cluster["FunctionResponseTypes"]) == (False, [])


async def test_a_share_group_has_no_position_and_does_not_retry_unless_told(aws: Plane) -> None:
    shared = await create(aws, Kind.KAFKA, **SHARED, **PROVISIONED)
    assert "StartingPosition" not in shared
    assert shared["MaximumRetryAttempts"] == 0
    assert shared["SelfManagedKafkaEventSourceConfig"] == {
        "ConsumerGroupId": shared["UUID"],
        "ConsumptionMode": "Queue",
    }


async def test_a_consumer_of_a_stream_is_read_as_a_stream(aws: Plane) -> None:
    stream = await create(aws, Kind.KINESIS)
    consumer = await create(aws, Kind.KINESIS, EventSourceArn=CONSUMER)
    assert consumer["UUID"] != stream["UUID"]
    assert consumer["ParallelizationFactor"] == 1


# --- refusals --------------------------------------------------------------------------------------------------------

INVALID = "InvalidParameterValueException"
ACCESS_MISSING = "Required 'sourceAccessConfigurations' parameter is missing."


def of(kind: Kind, **members: object) -> dict[str, object]:
    given = {**NEEDED[kind], **members}
    return {name: value for name, value in given.items() if value is not None}


def unsupported(member: str) -> str:
    return f"Unsupported '{member}' parameter for given event source mapping type."


def failing(destination: str) -> dict[str, object]:
    return {"DestinationConfig": {"OnFailure": {"Destination": destination}}}


def registry(**changes: object) -> dict[str, object]:
    config = {name: value for name, value in {**REGISTRY, **changes}.items() if value is not None}
    return {"AmazonManagedKafkaEventSourceConfig": {"SchemaRegistryConfig": config}}


REFUSALS: list[tuple[dict[str, object], str]] = [
    # the source
    ({}, "Unrecognized event source."),
    ({"SelfManagedEventSource": {}}, "Unrecognized event source."),
    *(
        ({"EventSourceArn": source}, f"Unrecognized event source. Unsupported source arn : {source}")
        for source in (
            arn("events", "rule/r"),
            arn("sns", "topic"),
            arn("sqs", "with space"),
            arn("sqs", "x" * 81),
            arn("kinesis", "stream"),
            arn("kinesis", "stream/s/consumer/c"),
            arn("dynamodb", "table/t"),  # the table, and not its stream
            arn("rds", "db:d"),
            arn("mq", "configuration:c"),
            arn("kafka", "topic/t"),
            f"arn:aws:sqs:{REGION}::q",
            f"arn:aws:sqs::{ACCOUNT}:q",
        )
    ),
    (
        of(Kind.SQS, SelfManagedEventSource=NEEDED[Kind.KAFKA]["SelfManagedEventSource"]),
        "Only one of EventSourceArn and SelfManagedEventSource can be specified.",
    ),
    (
        of(Kind.SQS, EventSourceArn=QUEUE.replace(REGION, "us-east-1")),
        f"The event source {QUEUE.replace(REGION, 'us-east-1')} and the function must be in the same Region.",
    ),
    # what has to be given
    (of(Kind.KAFKA, SourceAccessConfigurations=None), ACCESS_MISSING),
    (of(Kind.KAFKA, SourceAccessConfigurations=[]), ACCESS_MISSING),
    (of(Kind.DOCUMENTDB, SourceAccessConfigurations=None), ACCESS_MISSING),
    (of(Kind.MSK, Topics=None), "Required 'topics' parameter is missing."),
    (of(Kind.MQ, Queues=None), "Required 'queues' parameter is missing."),
    *(
        (
            of(Kind.DOCUMENTDB, DocumentDBEventSourceConfig=config),
            "Required 'documentDBEventSourceConfig.databaseName' parameter is missing.",
        )
        for config in (None, {}, {"CollectionName": "c"})
    ),
    # positions
    (
        of(Kind.KINESIS, StartingPosition=None),
        (
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        ),
    ),
    (
        of(Kind.DYNAMODB, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1.0),
        f"Unsupported starting position for arn type: {TABLE}",
    ),
    (
        of(Kind.DYNAMODB, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=-1.0),
        f"Unsupported starting position for arn type: {TABLE}",
    ),
    *(
        (
            of(kind, StartingPosition="LATEST", StartingPositionTimestamp=1.0),
            "Timestamp only valid with StartingPosition AT_TIMESTAMP",
        )
        for kind in (Kind.KINESIS, Kind.DYNAMODB, Kind.MSK, Kind.DOCUMENTDB)
    ),
    (of(Kind.SQS, StartingPositionTimestamp=1.0), "StartingPosition is not valid for SQS event sources."),
    (of(Kind.MQ, StartingPositionTimestamp=1.0), unsupported("startingPositionTimestamp")),
    (of(Kind.KINESIS, StartingPosition="AT_TIMESTAMP"), "Need to specify a timestamp"),
    (
        of(Kind.KINESIS, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=-1.0),
        (
            "Received Exception while reading from provided stream. "
            "class java.lang.Long can not be converted to a Timestamp"
        ),
    ),
    (
        of(Kind.KAFKA, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=NOW + 1.0),
        "StartingPositionTimestamp cannot be in the future.",
    ),
    # batches
    (of(Kind.FIFO, BatchSize=11), "Maximum batch size must be between 1 and 10 inclusive"),
    *(
        (
            of(Kind.SQS, BatchSize=11, MaximumBatchingWindowInSeconds=window),
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
        )
        for window in (None, 0)
    ),
    # failures
    *(
        (
            of(Kind.KINESIS, MaximumRecordAgeInSeconds=age),
            "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)",
        )
        for age in (0, 59)
    ),
    (of(Kind.MSK, MaximumRetryAttempts=-1), unsupported("maximumRetryAttempts")),
    (of(Kind.KAFKA, BisectBatchOnFunctionError=False), unsupported("bisectBatchOnFunctionError")),
    *(
        (
            of(kind, DestinationConfig={"OnSuccess": {"Destination": QUEUE}}),
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        )
        for kind in (Kind.SQS, Kind.KINESIS, Kind.MSK)
    ),
    (
        of(Kind.KINESIS, DestinationConfig={"OnFailure": {}}),
        "The Destination field is required for an OnFailure configuration.",
    ),
    *(
        (
            of(Kind.KINESIS, **failing(target)),
            f"The provided destination config DestinationConfig(onFailure=OnFailure(destination={target})) is invalid.",
        )
        for target in (
            QUEUE + ".fifo",
            arn("sns", "topic.fifo"),
            arn("sns", "topic:subscription"),
            ARN + "other",
            arn("events", "event-bus/b"),
            "arn:aws:s3:::bucket/key",
            "kafka://topic",
        )
    ),
    (
        of(Kind.MSK, **failing("kafka://topic")),
        "The provided destination config DestinationConfig(onFailure=OnFailure(destination=kafka://topic)) is invalid.",
    ),
    # filters
    *(
        (of(Kind.SQS, FilterCriteria={"Filters": filters}), "Invalid filter pattern definition.")
        for filters in ([{}], [{"Pattern": "x"}], [{"Pattern": '{"a": [1]}'}, {"Pattern": '{"a": 1}'}])
    ),
    (
        of(Kind.SQS, FilterCriteria={"Filters": [{"Pattern": '{"a": [1]}'}] * 6}),
        "The number of filters exceeds the quota of 5 for an event source mapping.",
    ),
    # access
    *(
        (
            of(kind, SourceAccessConfigurations=[*ACCESS, {"Type": type_, "URI": "x"}]),
            f"Source access configuration type {type_} is not supported for the given event source mapping type.",
        )
        for kind, type_ in (
            (Kind.MSK, "VIRTUAL_HOST"),
            (Kind.KAFKA, "VIRTUAL_HOST"),
            (Kind.MQ, "SASL_SCRAM_512_AUTH"),
            (Kind.MQ, "VPC_SUBNET"),
            (Kind.DOCUMENTDB, "IAM_AUTH"),
        )
    ),
    (
        of(Kind.MQ, SourceAccessConfigurations=[{"URI": SECRET}]),
        "Required 'sourceAccessConfigurations.type' parameter is missing.",
    ),
    (
        of(Kind.MQ, SourceAccessConfigurations=[{"Type": "BASIC_AUTH"}]),
        "Required 'sourceAccessConfigurations.uRI' parameter is missing.",
    ),
    # metrics
    *(
        (
            of(kind, MetricsConfig={"Metrics": ["EventCount", metric]}),
            f"Metric {metric} is not supported for the given event source mapping type.",
        )
        for kind, metric in ((Kind.SQS, "ErrorCount"), (Kind.KINESIS, "KafkaMetrics"))
    ),
    # pollers
    (
        of(Kind.SQS, ScalingConfig={"MaximumConcurrency": 2}, **PROVISIONED),
        "MaximumConcurrency and ProvisionedPollerConfig cannot be specified together",
    ),
    (
        of(Kind.SQS, ProvisionedPollerConfig={"MinimumPollers": 1}),
        "MinimumPollers must be between 2 and 10000 (inclusive)",
    ),
    (
        of(Kind.SQS, ProvisionedPollerConfig={"MaximumPollers": 1}),
        "MaximumPollers must be between 2 and 10000 (inclusive)",
    ),
    (
        of(Kind.MSK, ProvisionedPollerConfig={"MaximumPollers": 2001}),
        "MaximumPollers must be between 1 and 2000 (inclusive)",
    ),
    (
        of(Kind.MSK, ProvisionedPollerConfig={"MinimumPollers": 9, "MaximumPollers": 8}),
        "MinimumPollers must be less than or equal to MaximumPollers",
    ),
    (
        of(Kind.SQS, ProvisionedPollerConfig={"PollerGroupName": "g"}),
        unsupported("provisionedPollerConfig.pollerGroupName"),
    ),
    # schema registries
    (of(Kind.MSK, **registry()), unsupported("schemaRegistryConfig")),
    *(
        (
            of(Kind.MSK, **PROVISIONED, **registry(**{member: None})),
            f"Required 'schemaRegistryConfig.{member[0].lower() + member[1:]}' parameter is missing.",
        )
        for member in REGISTRY
    ),
    # share groups
    (of(Kind.KAFKA, StartingPosition="LATEST", **SHARED), unsupported("startingPosition")),
    (of(Kind.KAFKA, MaximumBatchingWindowInSeconds=1, **SHARED), unsupported("maximumBatchingWindowInSeconds")),
    (
        of(Kind.KAFKA, MaximumRetryAttempts=-1, **SHARED, **PROVISIONED),
        "MaximumRetryAttempts must be between 0 and 10000 (inclusive) when ConsumptionMode is Queue",
    ),
]


@pytest.mark.parametrize(("members", "sentence"), REFUSALS, ids=lambda row: str(row)[-70:])
async def test_a_creation_is_refused(aws: Plane, members: dict[str, object], sentence: str) -> None:
    assert await refused(aws, **members) == (INVALID, sentence)
    assert (await aws("ListEventSourceMappings"))["EventSourceMappings"] == []


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        (Kind.SQS, {"BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 1}),
        (Kind.KINESIS, {"BatchSize": 10_000}),
        (Kind.KINESIS, {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": float(NOW)}),
        (Kind.KINESIS, {"MaximumRecordAgeInSeconds": 604_800, "MaximumRetryAttempts": 0}),
        (Kind.KINESIS, failing("arn:aws:s3:::bucket")),
        (Kind.DYNAMODB, failing(arn("sns", "topic"))),
        (Kind.MSK, failing("kafka://topic") | PROVISIONED),
        (Kind.MSK, {"EventSourceArn": arn("kafka", "vpc-connection/1/c/0-1")}),
        (Kind.MSK, PROVISIONED | registry()),
        (Kind.MSK, {"MetricsConfig": {"Metrics": ["EventCount", "ErrorCount", "KafkaMetrics"]}}),
        (Kind.MQ, {"SourceAccessConfigurations": [*ACCESS, {"Type": "VIRTUAL_HOST", "URI": "/plant"}]}),
        (Kind.SQS, {"EventSourceArn": QUEUE.replace(ACCOUNT, "999999999999")}),  # its policy decides, not we
        (Kind.SQS, {"FilterCriteria": {"Filters": [{"Pattern": '{"body": {"a": [1]}}'}] * 5}}),
    ],
    ids=lambda row: str(row)[:60],
)
async def test_what_is_within_the_bounds_is_taken_and_shown(aws: Plane, kind: Kind, members: dict[str, object]) -> None:
    mapping = await create(aws, kind, **members)
    for member, value in members.items():
        if isinstance(value, dict):
            assert mapping[member].items() >= value.items()
        else:
            assert mapping[member] == value


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            arn("sqs", "nowhere"),
            (
                "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
                "SQS Error Message: The specified queue does not exist."
            ),
        ),
        (arn("kinesis", "stream/nowhere"), f"Stream not found: {arn('kinesis', 'stream/nowhere')}"),
        (
            arn("dynamodb", "table/nowhere/stream/2025"),
            f"Stream not found: {arn('dynamodb', 'table/nowhere/stream/2025')}",
        ),
        (arn("mq", "broker:nowhere"), f"Event source not found: {arn('mq', 'broker:nowhere')}"),
    ],
)
async def test_a_source_that_its_service_does_not_know_is_refused(aws: Plane, source: str, sentence: str) -> None:
    needed = {"StartingPosition": "LATEST"} if "stream" in source else {}
    needed |= {"Queues": ["q"]} if ":mq:" in source else {}
    assert await refused(aws, EventSourceArn=source, **needed) == (INVALID, sentence)


async def test_a_queue_hides_its_messages_for_as_long_as_the_function_may_run(tmp_path: Path) -> None:
    sources = Sources()
    sources.found[QUEUE] = EventSource(visibility_timeout_s=30)
    async with plane(tmp_path, sources=sources) as aws:
        await aws.active(Timeout=31)
        assert await refused(aws, EventSourceArn=QUEUE) == (
            INVALID,
            "Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds",
        )
        await aws("UpdateFunctionConfiguration", FunctionName="f", Timeout=30)
        await aws.settled()
        await create(aws, Kind.SQS)


async def test_a_broker_of_another_account_is_refused(aws: Plane) -> None:
    foreign = NEEDED[Kind.MQ]["EventSourceArn"].replace(ACCOUNT, "999999999999")
    code, sentence = await refused(aws, **of(Kind.MQ, EventSourceArn=foreign))
    assert (code, sentence) == (INVALID, f"The broker {foreign} and the function must be in the same account.")


@pytest.mark.parametrize("name", ["ghost", "f:9", "f:ghost", "f:$LATEST.PUBLISHED"])
async def test_the_function_has_to_be_there_with_its_version_or_alias(aws: Plane, name: str) -> None:
    with pytest.raises(AwsError) as caught:
        await aws("CreateEventSourceMapping", FunctionName=name, EventSourceArn=STREAM, StartingPosition="LATEST")
    assert (caught.value.code, str(caught.value)) == (INVALID, "Function does not exist")


async def test_fifty_tags_are_the_limit(aws: Plane) -> None:
    await create(aws, Kind.SQS, Tags={f"k{number}": "" for number in range(50)})
    assert await refused(aws, **of(Kind.KINESIS, Tags={f"k{number}": "" for number in range(51)})) == (
        INVALID,
        "Number of tags exceeds resource tag limit.",
    )
