"""The life of event source mappings: states, changes, neighbours, lists, and what a restart finds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from lambent.core.arn import Arn
from lambent.core.errors import AwsError
from lambent.lambda_.resources import Place
from lambent.lambda_.sources.kinds import Kind
from lambent.lambda_.sources.mapping import EventSourceMapping
from lambent.lambda_.sources.settling import RETRY_AFTER_S
from lambent.lambda_.sources.states import NEXT, SETTLED, Event, IllegalTransition, State, after
from tests.lambda_.plane import ACCOUNT, ARN, REGION, Members, Plane, only, plane
from tests.lambda_.sources.examples import NEEDED, QUEUE, STREAM, arn

GHOST = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncGenerator[Plane]:
    async with plane(tmp_path) as made:
        await made.active()
        yield made


class Gate:
    """Lets jobs pass, and tells which came."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.came: list[EventSourceMapping] = []

    async def __call__(self, mapping: EventSourceMapping) -> None:
        self.came.append(mapping)
        await self.open.wait()


async def create(aws: Plane, kind: Kind = Kind.SQS, function: object = "f", **members: object) -> Members:
    return await aws("CreateEventSourceMapping", FunctionName=function, **NEEDED[kind] | members)


async def settled(aws: Plane, uuid: str) -> Members:
    found = await aws.mapped(uuid)
    assert found is not None
    return found


async def made(aws: Plane, kind: Kind = Kind.SQS, **members: object) -> Members:
    return await settled(aws, (await create(aws, kind, **members))["UUID"])


async def update(aws: Plane, uuid: str, **members: object) -> Members:
    """UpdateEventSourceMapping, and what it has become."""
    await aws("UpdateEventSourceMapping", UUID=uuid, **members)
    return await settled(aws, uuid)


async def refused(aws: Plane, operation: str, **members: object) -> tuple[str, str]:
    with pytest.raises(AwsError) as caught:
        await aws(operation, **members)
    return caught.value.code, str(caught.value)


async def uuids(aws: Plane, **members: object) -> list[str]:
    return [m["UUID"] for m in (await aws("ListEventSourceMappings", **members))["EventSourceMappings"]]


# --- states ----------------------------------------------------------------------------------------------------------


async def test_a_mapping_is_creating_then_enabled_then_deleting_then_gone(tmp_path: Path) -> None:
    gate = Gate()
    async with plane(tmp_path, poll=gate) as aws:
        await aws.active()
        mapping = await create(aws, Kind.KINESIS)
        uuid = mapping["UUID"]
        assert mapping["State"] == "Creating"
        assert await aws("GetEventSourceMapping", UUID=uuid) == mapping
        aws.clock.advance(5)
        gate.open.set()
        enabled = await settled(aws, uuid)
        assert enabled == mapping | {"State": "Enabled", "LastModified": mapping["LastModified"] + 5}
        gate.open.clear()
        aws.clock.advance(5)
        deleting = await aws("DeleteEventSourceMapping", UUID=uuid)
        assert deleting == enabled | {"State": "Deleting", "LastModified": mapping["LastModified"] + 10}
        assert await aws("GetEventSourceMapping", UUID=uuid) == deleting
        assert await uuids(aws) == [uuid]
        gate.open.set()
        assert await aws.mapped(uuid) is None
        assert await uuids(aws) == []


async def test_a_mapping_is_turned_off_and_on(tmp_path: Path) -> None:
    gate = Gate()
    async with plane(tmp_path, poll=gate) as aws:
        await aws.active()
        gate.open.set()
        uuid = (await made(aws, Kind.KINESIS))["UUID"]
        for enabled, on_the_way, there in ((False, "Disabling", "Disabled"), (True, "Enabling", "Enabled")):
            gate.open.clear()
            assert (await aws("UpdateEventSourceMapping", UUID=uuid, Enabled=enabled))["State"] == on_the_way
            gate.open.set()
            assert (await settled(aws, uuid))["State"] == there
            gate.open.clear()
            again = await aws("UpdateEventSourceMapping", UUID=uuid, Enabled=enabled, BatchSize=5)
            assert (again["State"], again["BatchSize"]) == ("Updating", 5)
            gate.open.set()
            assert (await settled(aws, uuid))["State"] == there
        assert [mapping.enabled for mapping in gate.came] == [True, False, False, True, True]


@pytest.mark.parametrize(
    ("kind", "state"),
    [(Kind.SQS, "Disabled"), (Kind.FIFO, "Disabled"), (Kind.KINESIS, "Creating"), (Kind.MQ, "Creating")],
)
async def test_what_is_created_off_never_polls(aws: Plane, kind: Kind, state: str) -> None:
    mapping = await create(aws, kind, Enabled=False)
    assert mapping["State"] == state
    assert (await settled(aws, mapping["UUID"]))["State"] == "Disabled"


async def test_nothing_is_changed_while_a_change_is_under_way(tmp_path: Path) -> None:
    gate = Gate()
    async with plane(tmp_path, poll=gate) as aws:
        await aws.active()
        uuid = (await create(aws))["UUID"]
        for prepare in (None, ("UpdateEventSourceMapping", {"Enabled": False}), ("DeleteEventSourceMapping", {})):
            if prepare is not None:
                gate.open.set()
                await settled(aws, uuid)
                gate.open.clear()
                await aws(prepare[0], UUID=uuid, **prepare[1])
            assert await refused(aws, "UpdateEventSourceMapping", UUID=uuid, BatchSize=1) == (
                "ResourceInUseException",
                "Cannot update the event source mapping because it is in use.",
            )
            assert await refused(aws, "DeleteEventSourceMapping", UUID=uuid) == (
                "ResourceInUseException",
                "Cannot delete the event source mapping because it is in use.",
            )


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("GetEventSourceMapping", {}),
        ("UpdateEventSourceMapping", {"BatchSize": 1}),
        ("DeleteEventSourceMapping", {}),
    ],
)
async def test_a_mapping_that_is_not_there_is_not_found(aws: Plane, operation: str, members: Members) -> None:
    assert await refused(aws, operation, UUID=GHOST, **members) == (
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )


def test_every_state_is_left_or_settled_and_no_other_move_is_possible() -> None:
    assert {state for state, _ in NEXT} == set(State) - {State.DELETING}
    assert {state for state in State if not {after for (s, _), after in NEXT.items() if s is state} - SETTLED} == {
        *(set(State) - SETTLED)
    }
    for state in State:
        for event in Event:
            if (state, event) not in NEXT:
                with pytest.raises(IllegalTransition):
                    after(state, event)


async def test_changes_that_come_at_once_leave_the_mapping_settled(aws: Plane) -> None:
    uuid = (await made(aws))["UUID"]

    async def change(size: int) -> None:
        try:
            await aws("UpdateEventSourceMapping", UUID=uuid, BatchSize=size, Enabled=bool(size % 2))
        except AwsError as error:
            assert error.code == "ResourceInUseException"

    for _ in range(5):
        await asyncio.gather(*(change(size) for size in range(1, 10)))
    assert (await settled(aws, uuid))["State"] in ("Enabled", "Disabled")


# --- the job ---------------------------------------------------------------------------------------------------------


async def test_a_failing_job_tries_again(tmp_path: Path) -> None:
    attempts: list[str] = []

    async def fail_twice(mapping: EventSourceMapping) -> None:
        attempts.append(mapping.uuid)
        if len(attempts) < 3:
            raise ZeroDivisionError

    async with plane(tmp_path, poll=fail_twice) as aws:
        await aws.active()
        uuid = (await create(aws))["UUID"]
        while len(attempts) < 3:
            await asyncio.sleep(0)
            aws.clock.advance(RETRY_AFTER_S)
        assert (await settled(aws, uuid))["State"] == "Enabled"
        assert attempts == [uuid] * 3


async def test_a_failing_job_is_taken_up_again_by_the_next_start(tmp_path: Path) -> None:
    async def fail(_: EventSourceMapping) -> None:
        raise ZeroDivisionError

    async with plane(tmp_path, poll=fail) as aws:
        await aws.active()
        uuid = (await create(aws))["UUID"]
        await aws.active("g")
        assert (await aws("GetEventSourceMapping", UUID=uuid))["State"] == "Creating"
    async with plane(tmp_path, seed=1) as aws:
        assert (await settled(aws, uuid))["State"] == "Enabled"


async def test_after_a_crash_no_mapping_is_left_on_its_way(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        await aws.active()
        changed, deleted, calm = [(await made(aws, kind))["UUID"] for kind in (Kind.FIFO, Kind.MQ, Kind.MSK)]
        before = await aws("GetEventSourceMapping", UUID=calm)
    async with plane(tmp_path, poll=Gate(), seed=1) as aws:
        created = (await create(aws, Kind.DYNAMODB, Tags={"a": "1"}))["UUID"]
        await aws("UpdateEventSourceMapping", UUID=changed, Enabled=False)
        await aws("DeleteEventSourceMapping", UUID=deleted)
    async with plane(tmp_path, poll=Gate(), seed=2) as aws:
        assert [
            (await aws("GetEventSourceMapping", UUID=uuid))["State"] for uuid in (created, changed, deleted, calm)
        ] == ["Creating", "Disabling", "Deleting", "Enabled"]
    async with plane(tmp_path, seed=3) as aws:
        assert (await settled(aws, created))["State"] == "Enabled"
        assert (await settled(aws, changed))["State"] == "Disabled"
        assert await aws.mapped(deleted) is None
        assert await aws("GetEventSourceMapping", UUID=calm) == before
        assert sorted(await uuids(aws)) == sorted([created, changed, calm])


# --- changes ---------------------------------------------------------------------------------------------------------


async def test_what_is_not_named_stays(aws: Plane) -> None:
    mapping = await made(aws, Kind.KINESIS, BatchSize=7, MaximumRetryAttempts=2, ParallelizationFactor=3)
    changed = await update(aws, mapping["UUID"], MaximumRetryAttempts=5)
    assert changed == mapping | {"MaximumRetryAttempts": 5}
    assert await update(aws, mapping["UUID"]) == changed


@pytest.mark.parametrize(
    ("kind", "member", "value", "empty", "default"),
    [
        (Kind.SQS, "FilterCriteria", {"Filters": [{"Pattern": '{"a": [1]}'}]}, {}, None),
        (Kind.SQS, "ScalingConfig", {"MaximumConcurrency": 9}, {}, None),
        (Kind.SQS, "MetricsConfig", {"Metrics": ["EventCount"]}, {"Metrics": []}, None),
        (Kind.SQS, "FunctionResponseTypes", ["ReportBatchItemFailures"], [], []),
        (Kind.SQS, "KMSKeyArn", "arn:aws:kms:eu-central-1:123456789012:key/k", "", None),
        (Kind.SQS, "ProvisionedPollerConfig", {"MinimumPollers": 2, "MaximumPollers": 3}, {}, None),
        (
            Kind.KINESIS,
            "DestinationConfig",
            {"OnFailure": {"Destination": QUEUE}},
            {"OnFailure": {"Destination": ""}},
            {"OnFailure": {}},
        ),
        (Kind.MSK, "DestinationConfig", {"OnFailure": {"Destination": QUEUE}}, {}, None),
        (Kind.MSK, "LoggingConfig", {"SystemLogLevel": "WARN"}, {}, None),
        (Kind.MSK, "SourceAccessConfigurations", [{"Type": "BASIC_AUTH", "URI": "x"}], [], None),
    ],
    ids=lambda row: getattr(row, "name", str(row)[:30]),
)
async def test_a_member_is_changed_and_goes_back_to_its_default_when_it_is_empty(
    aws: Plane, kind: Kind, member: str, value: object, empty: object, default: object
) -> None:
    uuid = (await made(aws, kind))["UUID"]
    assert (await update(aws, uuid, **{member: value}))[member] == value
    assert (await update(aws, uuid, **{member: empty})).get(member) == default


async def test_an_update_is_refused_what_a_creation_is(aws: Plane) -> None:
    uuid = (await made(aws, Kind.SQS, BatchSize=100, MaximumBatchingWindowInSeconds=1))["UUID"]
    for members, sentence in (
        (
            {"MaximumBatchingWindowInSeconds": 0},
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
        ),
        (
            {"ParallelizationFactor": 2},
            "Unsupported 'parallelizationFactor' parameter for given event source mapping type.",
        ),
        ({"FilterCriteria": {"Filters": [{"Pattern": "x"}]}}, "Invalid filter pattern definition."),
    ):
        found = await refused(aws, "UpdateEventSourceMapping", UUID=uuid, **members)
        assert found == ("InvalidParameterValueException", sentence)
    assert (await aws("GetEventSourceMapping", UUID=uuid))["State"] == "Enabled"


async def test_provisioned_mode_comes_and_goes_with_what_only_it_allows(aws: Plane) -> None:
    plain = await made(aws, Kind.MSK)
    uuid = plain["UUID"]
    provisioned = await update(
        aws, uuid, ProvisionedPollerConfig={"MinimumPollers": 3}, BisectBatchOnFunctionError=True
    )
    assert provisioned["MaximumRetryAttempts"] == -1
    higher = await update(aws, uuid, ProvisionedPollerConfig={"MaximumPollers": 9})
    assert higher["ProvisionedPollerConfig"] == {"MinimumPollers": 3, "MaximumPollers": 9}
    assert await refused(aws, "UpdateEventSourceMapping", UUID=uuid, ProvisionedPollerConfig={}) == (
        "InvalidParameterValueException",
        "Unsupported 'bisectBatchOnFunctionError' parameter for given event source mapping type.",
    )
    await update(aws, uuid, BisectBatchOnFunctionError=False)
    assert await update(aws, uuid, ProvisionedPollerConfig={}) == plain


async def test_of_kafka_only_the_schema_registry_can_be_changed(aws: Plane) -> None:
    registry = {
        "SchemaRegistryURI": "https://registry.example",
        "EventRecordFormat": "JSON",
        "SchemaValidationConfigs": [{"Attribute": "KEY"}],
    }
    uuid = (await made(aws, Kind.KAFKA, ProvisionedPollerConfig={"MinimumPollers": 1}))["UUID"]
    member = "SelfManagedKafkaEventSourceConfig"
    assert (await update(aws, uuid, **{member: {"SchemaRegistryConfig": registry}}))[member] == {
        "ConsumerGroupId": uuid,
        "SchemaRegistryConfig": registry,
    }
    assert "SchemaRegistryConfig" in (await update(aws, uuid, **{member: {}}))[member]
    assert (await update(aws, uuid, **{member: {"SchemaRegistryConfig": {}}}))[member] == {"ConsumerGroupId": uuid}
    for config, name in (
        ({"ConsumerGroupId": uuid}, "consumerGroupId"),
        ({"ConsumptionMode": "Stream"}, "consumptionMode"),
    ):
        assert await refused(aws, "UpdateEventSourceMapping", UUID=uuid, **{member: config}) == (
            "InvalidParameterValueException",
            f"Unsupported 'selfManagedKafkaEventSourceConfig.{name}' parameter for given event source mapping type.",
        )


async def test_of_a_document_database_each_member_is_changed_by_itself(aws: Plane) -> None:
    uuid = (await made(aws, Kind.DOCUMENTDB))["UUID"]
    changed = await update(aws, uuid, DocumentDBEventSourceConfig={"CollectionName": "c"})
    assert changed["DocumentDBEventSourceConfig"] == {
        "DatabaseName": "d",
        "CollectionName": "c",
        "FullDocument": "Default",
    }


async def test_a_mapping_can_be_given_another_function_and_keeps_the_qualifier(aws: Plane) -> None:
    await aws.active("g", Publish=True)
    await aws("CreateAlias", FunctionName="g", Name="live", FunctionVersion="1")
    mapping = await made(aws)
    assert mapping["FunctionArn"] == ARN + "f"
    changed = await update(aws, mapping["UUID"], FunctionName=ARN + "g:live")
    assert changed == mapping | {"FunctionArn": ARN + "g:live"}
    assert await refused(aws, "UpdateEventSourceMapping", UUID=mapping["UUID"], FunctionName="g:ghost") == (
        "InvalidParameterValueException",
        "Function does not exist",
    )


async def test_criteria_encrypted_with_a_key_of_ones_own_are_not_in_lists(aws: Plane) -> None:
    criteria = {"Filters": [{"Pattern": '{"a": [1]}'}]}
    mapping = await made(aws, FilterCriteria=criteria, KMSKeyArn="arn:aws:kms:eu-central-1:123456789012:key/k")
    assert (await aws("GetEventSourceMapping", UUID=mapping["UUID"]))["FilterCriteria"] == criteria
    (listed,) = (await aws("ListEventSourceMappings"))["EventSourceMappings"]
    assert listed == {name: value for name, value in mapping.items() if name != "FilterCriteria"}
    assert (await aws("DeleteEventSourceMapping", UUID=mapping["UUID"]))["FilterCriteria"] == criteria


# --- neighbours ------------------------------------------------------------------------------------------------------

EXISTS = "already exists. Please update or delete the existing mapping with UUID {uuid}"


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (Kind.SQS, f'An event source mapping with SQS arn (" {QUEUE} ") and function (" f ") {EXISTS}'),
        (Kind.FIFO, f'An event source mapping with SQS arn (" {QUEUE}.fifo ") and function (" f ") {EXISTS}'),
        (Kind.KINESIS, f'The event source arn (" {STREAM} ") and function (" f ") provided mapping {EXISTS}'),
        (
            Kind.DYNAMODB,
            (
                f'The event source arn (" {NEEDED[Kind.DYNAMODB]["EventSourceArn"]} ") and function (" f ") '
                f"provided mapping {EXISTS}"
            ),
        ),
        (
            Kind.MSK,
            (
                f'An event source mapping with event source ("{NEEDED[Kind.MSK]["EventSourceArn"]}"), '
                f'function ("{ARN}f"), topics ("topic") {EXISTS}'
            ),
        ),
        (
            Kind.KAFKA,
            f'An event source mapping with event source ("kafka:1000"), function ("{ARN}f"), topics ("topic") {EXISTS}',
        ),
        (
            Kind.MQ,
            (
                f'An event source mapping with event source ("{NEEDED[Kind.MQ]["EventSourceArn"]}"), '
                f'function ("{ARN}f") {EXISTS}'
            ),
        ),
        (
            Kind.DOCUMENTDB,
            (
                f'An event source mapping with event source ("{NEEDED[Kind.DOCUMENTDB]["EventSourceArn"]}"), '
                f'function ("{ARN}f") {EXISTS}'
            ),
        ),
    ],
    ids=lambda row: getattr(row, "name", ""),
)
async def test_a_function_reads_the_same_only_once(aws: Plane, kind: Kind, sentence: str) -> None:
    await aws.active("g", Publish=True)
    first = (await create(aws, kind))["UUID"]
    conflict = ("ResourceConflictException", sentence.format(uuid=first))
    assert await refused(aws, "CreateEventSourceMapping", FunctionName="f", **NEEDED[kind]) == conflict
    assert await refused(aws, "CreateEventSourceMapping", FunctionName=ARN + "f", **NEEDED[kind]) == conflict
    second = (await create(aws, kind, "g"))["UUID"]
    await create(aws, kind, "g:1")  # another version is another reader
    await settled(aws, second)
    assert await refused(aws, "UpdateEventSourceMapping", UUID=second, FunctionName="f") == conflict
    await aws.gone(first)
    await update(aws, second, FunctionName="f")


async def test_bootstrap_servers_that_overlap_are_one_cluster(aws: Plane) -> None:
    def members(servers: list[str], topic: str) -> Members:
        return NEEDED[Kind.KAFKA] | {
            "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": servers}},
            "Topics": [topic],
        }

    uuid = (await create(aws, Kind.KAFKA))["UUID"]
    both = ["kafka:1000", "kafka:2000"]
    assert await refused(aws, "CreateEventSourceMapping", FunctionName="f", **members(both, "topic")) == (
        "ResourceConflictException",
        (
            f'An event source mapping with event source ("kafka:1000,kafka:2000"), function ("{ARN}f"), '
            f'topics ("topic") {EXISTS.format(uuid=uuid)}'
        ),
    )
    await aws("CreateEventSourceMapping", FunctionName="f", **members(both, "other"))
    await aws("CreateEventSourceMapping", FunctionName="f", **members(["kafka:2000"], "topic"))


async def test_a_consumer_group_has_one_mapping_in_its_cluster(aws: Plane) -> None:
    await aws.active("g")
    group = {"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "readers"}}
    first = (await create(aws, Kind.MSK, **group))["UUID"]
    members = NEEDED[Kind.MSK] | group | {"Topics": ["other"]}
    assert await refused(aws, "CreateEventSourceMapping", FunctionName="g", **members) == (
        "ResourceConflictException",
        f"The consumer group ID readers is already used by the event source mapping with UUID {first}",
    )
    elsewhere = members | {"EventSourceArn": arn("kafka", "cluster/other/0-1")}
    await aws("CreateEventSourceMapping", FunctionName="g", **elsewhere)


async def test_a_poller_group_has_two_thousand_pollers(aws: Plane) -> None:
    for topic, most in (("t1", 1500), ("t2", 500)):
        pollers = {"MaximumPollers": most, "PollerGroupName": "g"}
        last = await made(aws, Kind.MSK, Topics=[topic], ProvisionedPollerConfig=pollers)
    full = ("InvalidParameterValueException", "The poller group g would have more than 2000 pollers.")
    one_more = NEEDED[Kind.MSK] | {
        "Topics": ["t3"],
        "ProvisionedPollerConfig": {"MaximumPollers": 1, "PollerGroupName": "g"},
    }
    assert await refused(aws, "CreateEventSourceMapping", FunctionName="f", **one_more) == full
    more = {"ProvisionedPollerConfig": {"MaximumPollers": 501}}
    assert await refused(aws, "UpdateEventSourceMapping", UUID=last["UUID"], **more) == full
    await update(aws, last["UUID"], ProvisionedPollerConfig={"MaximumPollers": 499})
    await aws("CreateEventSourceMapping", FunctionName="f", **one_more)


async def test_a_poller_group_has_a_hundred_mappings(aws: Plane) -> None:
    pollers = {"ProvisionedPollerConfig": {"MaximumPollers": 1, "PollerGroupName": "g"}}
    for number in range(100):
        await create(aws, Kind.MSK, Topics=[f"t{number}"], **pollers)
    members = NEEDED[Kind.MSK] | pollers
    found = await refused(aws, "CreateEventSourceMapping", FunctionName="f", **members)
    assert found[1] == "The poller group g would have more than 100 event source mappings."


async def test_of_creations_at_once_one_is_made(aws: Plane) -> None:
    outcomes = await asyncio.gather(*(create(aws) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, dict) for outcome in outcomes) == 1
    assert len(await uuids(aws)) == 1


# --- lists -----------------------------------------------------------------------------------------------------------


async def test_mappings_are_listed_by_function_and_by_source(aws: Plane) -> None:
    await aws.active("g", Publish=True)
    queue_f, stream_f = [(await create(aws, kind))["UUID"] for kind in (Kind.SQS, Kind.KINESIS)]
    queue_g, queue_g1 = [(await create(aws, Kind.SQS, name))["UUID"] for name in ("g", "g:1")]
    assert await uuids(aws) == sorted([queue_f, stream_f, queue_g, queue_g1])
    assert await uuids(aws, FunctionName="f") == sorted([queue_f, stream_f])
    assert await uuids(aws, FunctionName=ARN + "g") == [queue_g]
    assert await uuids(aws, FunctionName="g:1") == [queue_g1]
    assert await uuids(aws, EventSourceArn=QUEUE) == sorted([queue_f, queue_g, queue_g1])
    assert await uuids(aws, EventSourceArn=QUEUE, FunctionName="f") == [queue_f]
    assert await uuids(aws, FunctionName="ghost") == await uuids(aws, EventSourceArn=arn("sqs", "ghost")) == []


async def test_a_page_has_a_hundred_mappings_and_its_marker_leads_to_the_next(aws: Plane) -> None:
    made = [(await create(aws, EventSourceArn=f"{QUEUE}{number}"))["UUID"] for number in range(105)]
    first = await aws("ListEventSourceMappings", MaxItems=10_000)
    assert len(first["EventSourceMappings"]) == 100
    await aws.gone(first["EventSourceMappings"][99]["UUID"])  # what the marker named may go
    second = await aws("ListEventSourceMappings", Marker=first["NextMarker"])
    assert "NextMarker" not in second
    both = [m["UUID"] for m in first["EventSourceMappings"] + second["EventSourceMappings"]]
    assert both == sorted(made)
    assert await uuids(aws, MaxItems=3) == both[:3]


@pytest.mark.parametrize("marker", ["x", "", "AAAA", "ü"])
async def test_a_marker_that_was_not_given_is_refused(aws: Plane, marker: str) -> None:
    for number in range(3):
        await create(aws, EventSourceArn=f"{QUEUE}{number}")
    of_another = (await aws("ListEventSourceMappings", FunctionName="f", MaxItems=1))["NextMarker"]
    for given in (marker, of_another):
        if given:
            found = await refused(aws, "ListEventSourceMappings", Marker=given)
            assert found[0] == "InvalidParameterValueException"


# --- what else -------------------------------------------------------------------------------------------------------


async def test_a_mapping_outlives_its_function(aws: Plane) -> None:
    mapping = await made(aws)
    await aws("DeleteFunction", FunctionName="f")
    assert await aws("GetEventSourceMapping", UUID=mapping["UUID"]) == mapping
    assert await uuids(aws, FunctionName="f") == [mapping["UUID"]]
    assert (await update(aws, mapping["UUID"], BatchSize=3))["BatchSize"] == 3
    await aws.gone(mapping["UUID"])


async def test_tags_are_kept_and_changed_whatever_the_mapping_is_at(tmp_path: Path) -> None:
    gate = Gate()
    async with plane(tmp_path, poll=gate) as aws:
        await aws.active()
        mapping = await create(aws, Tags={"a": "1"})
        assert "Tags" not in mapping
        mappings, place = aws.control.event_source_mappings, Place.of(Arn.parse(mapping["EventSourceMappingArn"]))
        found = mappings.get(*place)
        assert found is not None
        assert found.tags == {"a": "1"}

        def tag(before: EventSourceMapping | None) -> EventSourceMapping | None:
            return before.tagged({"b": "2"}) if before is not None else None

        await mappings.change(place, tag)
        assert await aws("GetEventSourceMapping", UUID=mapping["UUID"]) == mapping
        gate.open.set()
        await settled(aws, mapping["UUID"])
        found = mappings.get(*place)
        assert found is not None
        assert found.tags == {"b": "2"}
        assert len(gate.came) == 1


async def test_a_function_of_another_account_or_region_is_refused_by_its_name(aws: Plane) -> None:
    for name, code in (
        (ARN.replace(ACCOUNT, "999999999999") + "f", "AccessDeniedException"),
        (ARN.replace(REGION, "us-east-1") + "f", "ResourceNotFoundException"),
    ):
        assert (await refused(aws, "CreateEventSourceMapping", FunctionName=name, EventSourceArn=QUEUE))[0] == code


async def test_a_mapping_of_an_alias_is_shown_with_it(aws: Plane) -> None:
    await aws.active("g", Publish=True)
    await aws("CreateAlias", FunctionName="g", Name="live", FunctionVersion="1")
    for name in ("g:live", "g:1", "g:$LATEST"):
        mapping = await create(aws, Kind.SQS, name)
        assert only(mapping, "FunctionArn") == {"FunctionArn": ARN + name}
