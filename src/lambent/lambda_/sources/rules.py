"""What AWS refuses of a mapping's settings, beyond what the model says: one function for each thing that can be wrong.

Every rule of `RULES` looks at the whole settings, after a creation and after an update alike, so that no sequence of
updates leads to what a creation would have refused. `refuse_asked` alone looks at what was asked for. Sources:
reference/lambda.md 4.1 and 4.3; the model's documentation of the members; what others say is in `errors`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from lambent.core.arn import Arn, InvalidArn
from lambent.lambda_.sources.errors import (
    AccessTypeUnsupported,
    BatchTooLarge,
    BatchWithoutWindow,
    DestinationInvalid,
    DestinationMissing,
    DestinationUnsupported,
    MemberRequired,
    MemberUnsupported,
    MetricUnsupported,
    PollersContradictory,
    PollersInvalid,
    PositionMissing,
    PositionOfQueue,
    PositionUnsupported,
    RecordAgeInvalid,
    RetriesInfinite,
    ScaledTwice,
    TimestampInFuture,
    TimestampMissing,
    TimestampNegative,
    TimestampWithoutPosition,
    TooManyFilters,
    WindowOfFifo,
)
from lambent.lambda_.sources.filters import FilterPattern
from lambent.lambda_.sources.kinds import PROVISIONED, ROWS, TAKEN, Kind, Row
from lambent.lambda_.sources.limits import BATCH_SIZE_WITHOUT_WINDOW_MAX, FILTERS_MAX, RECORD_AGE_MIN_S
from lambent.lambda_.sources.settings import Settings, given
from lambent.model.names import lower_camel

AWS_NAMES: Final = {field.name: lower_camel(field.encode_name) for field in msgspec.structs.fields(Settings)}
KAFKA_TOPIC: Final = "kafka://"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Settings and what they are judged by."""

    kind: Kind
    event_source_arn: str | None
    settings: Settings
    now: float  # Unix epoch seconds

    @property
    def row(self) -> Row:
        return ROWS[self.kind]


def refuse_asked(kind: Kind, asked: Settings) -> None:
    """Refuse members that the kind does not take, and a destination that is begun and not named.

    Raises PositionOfQueue, DestinationUnsupported, MemberUnsupported, DestinationMissing.
    """
    for member, takers in TAKEN.items():
        if kind not in takers and given(getattr(asked, member)):
            if kind in Kind.QUEUES and member.startswith("starting_position"):
                raise PositionOfQueue
            if kind in Kind.QUEUES and member == "destination_config":
                raise DestinationUnsupported
            raise MemberUnsupported(member=AWS_NAMES[member])
    failing = asked.destination_config.on_failure if asked.destination_config is not None else None
    if failing is not None and failing.destination is None and kind in TAKEN["destination_config"]:
        raise DestinationMissing


def check(case: Case) -> None:
    """Raises what the rules below raise."""
    for rule in RULES:
        rule(case)


def check_required(case: Case) -> None:
    """Raises MemberRequired."""
    for member in case.row.required:
        if not given(getattr(case.settings, member)):
            raise MemberRequired(member=AWS_NAMES[member])
    database = case.settings.document_db_event_source_config
    if database is not None and database.database_name is None:
        raise MemberRequired(member="documentDBEventSourceConfig.databaseName")


def check_position(case: Case) -> None:
    """Raises PositionMissing, PositionUnsupported, TimestampWithoutPosition, TimestampMissing, and more of timestamps."""
    position, timestamp = case.settings.starting_position, case.settings.starting_position_timestamp
    if position is None and case.kind in Kind.STREAMS:
        raise PositionMissing
    if timestamp is not None and position != "AT_TIMESTAMP":
        raise TimestampWithoutPosition
    if position is not None and position not in case.row.positions:
        raise PositionUnsupported(arn=case.event_source_arn)
    if position == "AT_TIMESTAMP":
        if timestamp is None:
            raise TimestampMissing
        if timestamp < 0:
            raise TimestampNegative
        if timestamp > case.now:
            raise TimestampInFuture


def check_batch(case: Case) -> None:
    """Raises BatchTooLarge, WindowOfFifo, BatchWithoutWindow."""
    size, window = case.settings.batch_size or 1, case.settings.maximum_batching_window_in_seconds or 0
    if size > case.row.batch_size_max:
        raise BatchTooLarge(maximum=case.row.batch_size_max)
    if case.kind is Kind.FIFO and window:
        raise WindowOfFifo
    if case.kind is Kind.SQS and size > BATCH_SIZE_WITHOUT_WINDOW_MAX and not window:
        raise BatchWithoutWindow


def check_retries(case: Case) -> None:
    """Raises RecordAgeInvalid, RetriesInfinite."""
    age = case.settings.maximum_record_age_in_seconds
    if age is not None and age != -1 and age < RECORD_AGE_MIN_S:
        raise RecordAgeInvalid
    if case.settings.of_share_group and case.settings.maximum_retry_attempts == -1:
        raise RetriesInfinite


def check_filters(case: Case) -> None:
    """Raises TooManyFilters, FilterPatternInvalid."""
    criteria = case.settings.filter_criteria
    filters = (criteria.filters or []) if criteria is not None else []
    if len(filters) > FILTERS_MAX:
        raise TooManyFilters(maximum=FILTERS_MAX)
    for one in filters:
        FilterPattern(one.pattern or "")


def check_access(case: Case) -> None:
    """Raises MemberRequired, AccessTypeUnsupported."""
    for one in case.settings.source_access_configurations or ():
        if one.type is None or one.uri is None:
            raise MemberRequired(member=f"sourceAccessConfigurations.{'type' if one.type is None else 'uRI'}")
        if one.type not in case.row.access:
            raise AccessTypeUnsupported(type=one.type)


def check_metrics(case: Case) -> None:
    """Raises MetricUnsupported."""
    metrics = case.settings.metrics_config
    for metric in (metrics.metrics or ()) if metrics is not None else ():
        if metric not in case.row.metrics:
            raise MetricUnsupported(metric=metric)


def check_pollers(case: Case) -> None:
    """Raises ScaledTwice, MemberUnsupported, PollersInvalid, PollersContradictory."""
    pollers, scaling = case.settings.provisioned_poller_config, case.settings.scaling_config
    if pollers is None:
        return
    if scaling is not None:
        raise ScaledTwice
    if pollers.poller_group_name is not None and case.kind not in Kind.KAFKAS:
        raise MemberUnsupported(member="provisionedPollerConfig.pollerGroupName")
    fewest, most = case.row.pollers
    low, high = pollers.minimum_pollers or fewest, pollers.maximum_pollers or most
    for member, value in (("MinimumPollers", low), ("MaximumPollers", high)):
        if not fewest <= value <= most:
            raise PollersInvalid(member=member, minimum=fewest, maximum=most)
    if low > high:
        raise PollersContradictory


def check_destination(case: Case) -> None:
    """Raises DestinationUnsupported, DestinationInvalid."""
    config = case.settings.destination_config
    if config is None:
        return
    if given(config.on_success):
        raise DestinationUnsupported
    target = config.on_failure.destination if config.on_failure is not None else None
    if target and not _takes_failures(target, case):
        raise DestinationInvalid(arn=target)


def _takes_failures(target: str, case: Case) -> bool:
    """A standard queue, a standard topic, a bucket, or from provisioned Kafka a topic of the cluster."""
    if target.startswith(KAFKA_TOPIC):
        return case.kind in Kind.KAFKAS and case.settings.provisioned_poller_config is not None
    try:
        arn = Arn.parse(target)
    except InvalidArn:
        return False
    if arn.service == "s3":
        return "/" not in arn.resource
    return arn.service in ("sqs", "sns") and ":" not in arn.resource and not arn.resource.endswith(".fifo")


def check_provisioned(case: Case) -> None:
    """Raises MemberUnsupported for what Kafka takes in provisioned mode only."""
    if case.kind not in Kind.KAFKAS or case.settings.provisioned_poller_config is not None:
        return
    for member in PROVISIONED:
        if getattr(case.settings, member) is not None:
            raise MemberUnsupported(member=AWS_NAMES[member])
    if case.settings.kafka is not None and case.settings.kafka.schema_registry_config is not None:
        raise MemberUnsupported(member="schemaRegistryConfig")


def check_schema_registry(case: Case) -> None:
    """Raises MemberRequired."""
    registry = case.settings.kafka.schema_registry_config if case.settings.kafka is not None else None
    if registry is None:
        return
    for member, value in (
        ("schemaRegistryURI", registry.schema_registry_uri),
        ("eventRecordFormat", registry.event_record_format),
        ("schemaValidationConfigs", registry.schema_validation_configs),
    ):
        if not given(value):
            raise MemberRequired(member=f"schemaRegistryConfig.{member}")


def check_share_group(case: Case) -> None:
    """Raises MemberUnsupported for what only a consumer group has."""
    if case.settings.of_share_group:
        for member in ("starting_position", "starting_position_timestamp", "maximum_batching_window_in_seconds"):
            if getattr(case.settings, member) is not None:
                raise MemberUnsupported(member=AWS_NAMES[member])


RULES: Final[tuple[Callable[[Case], None], ...]] = (
    check_required,
    check_share_group,
    check_position,
    check_batch,
    check_provisioned,
    check_retries,
    check_filters,
    check_access,
    check_metrics,
    check_pollers,
    check_destination,
    check_schema_registry,
)
