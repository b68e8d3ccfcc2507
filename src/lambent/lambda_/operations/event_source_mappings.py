"""Event source mappings: create, read, list, change, delete. reference/lambda.md 4.1, 14."""

from __future__ import annotations

from typing import Final

import msgspec

from lambent.core.kernel import Context, Shape
from lambent.lambda_.operations.context import instead, located
from lambent.lambda_.pages import paged
from lambent.lambda_.resources import Place
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.settings import check_tags
from lambent.lambda_.sources.errors import FunctionDoesNotExist, MappingNotFound
from lambent.lambda_.sources.limits import PAGE_MAX
from lambent.lambda_.sources.mapping import EventSourceMapping, created
from lambent.lambda_.sources.neighbours import guard_of
from lambent.lambda_.sources.origins import check_origin
from lambent.lambda_.sources.settings import (
    AmazonManagedKafkaEventSourceConfig,
    DestinationConfig,
    DocumentDBEventSourceConfig,
    EventSourceMappingLoggingConfig,
    EventSourceMappingMetricsConfig,
    FilterCriteria,
    ProvisionedPollerConfig,
    ScalingConfig,
    SelfManagedEventSource,
    SelfManagedKafkaEventSourceConfig,
    Settings,
    SourceAccessConfiguration,
)

STORED: Final = frozenset({"Enabled", *(field.encode_name for field in msgspec.structs.fields(Settings))})
"""Nobody polls yet: everything is kept, checked and shown, and changes nothing."""


class EventSourceMappingConfiguration(Settings, frozen=True, kw_only=True):
    uuid: str = msgspec.field(name="UUID")
    event_source_mapping_arn: str
    event_source_arn: str | None = None
    function_arn: str
    last_modified: float
    last_processing_result: str | None = None
    state: str
    state_transition_reason: str


class ListEventSourceMappingsResponse(Shape):
    event_source_mappings: list[EventSourceMappingConfiguration]
    next_marker: str | None = None


def shown(mapping: EventSourceMapping) -> EventSourceMappingConfiguration:
    """The mapping as AWS shows it."""
    return EventSourceMappingConfiguration(
        **{name: getattr(mapping.settings, name) for name in Settings.__struct_fields__},
        uuid=mapping.uuid,
        event_source_mapping_arn=str(mapping.arn),
        event_source_arn=mapping.event_source_arn,
        function_arn=str(mapping.function_arn),
        last_modified=mapping.modified_at,
        last_processing_result=mapping.last_processing_result,
        state=mapping.state.value,
        state_transition_reason=mapping.state_transition_reason,
    )


def listed(mapping: EventSourceMapping) -> EventSourceMappingConfiguration:
    """The mapping as lists show it: what is encrypted with a key of the customer's is left out."""
    configuration = shown(mapping)
    if configuration.kms_key_arn is not None:
        return msgspec.structs.replace(configuration, filter_criteria=None)
    return configuration


def check_ends(ctx: Context[Lambda], mapping: EventSourceMapping) -> None:
    """That the function is there, and the source. Raises FunctionDoesNotExist, and what `check_origin` does."""
    arn = mapping.function_arn
    with instead(FunctionDoesNotExist):
        version = ctx.state.functions.get(arn).described(arn.qualifier)
    check_origin(mapping, ctx.state.event_sources, version.timeout_s)


def mapping_of(ctx: Context[Lambda], uuid: str) -> EventSourceMapping:
    """Raises MappingNotFound."""
    return existing(ctx.state.event_source_mappings.get(ctx.account, ctx.region, uuid))


def existing(mapping: EventSourceMapping | None) -> EventSourceMapping:
    if mapping is None:
        raise MappingNotFound
    return mapping


@LAMBDA.operation(stored=STORED)
async def create_event_source_mapping(
    ctx: Context[Lambda],
    *,
    function_name: str,
    event_source_arn: str | None = None,
    enabled: bool = True,
    batch_size: int | None = None,
    filter_criteria: FilterCriteria | None = None,
    kms_key_arn: str | None = None,
    metrics_config: EventSourceMappingMetricsConfig | None = None,
    logging_config: EventSourceMappingLoggingConfig | None = None,
    scaling_config: ScalingConfig | None = None,
    maximum_batching_window_in_seconds: int | None = None,
    parallelization_factor: int | None = None,
    starting_position: str | None = None,
    starting_position_timestamp: float | None = None,
    destination_config: DestinationConfig | None = None,
    maximum_record_age_in_seconds: int | None = None,
    bisect_batch_on_function_error: bool | None = None,
    maximum_retry_attempts: int | None = None,
    tags: dict[str, str] | None = None,
    tumbling_window_in_seconds: int | None = None,
    topics: list[str] | None = None,
    queues: list[str] | None = None,
    source_access_configurations: list[SourceAccessConfiguration] | None = None,
    self_managed_event_source: SelfManagedEventSource | None = None,
    function_response_types: list[str] | None = None,
    amazon_managed_kafka_event_source_config: AmazonManagedKafkaEventSourceConfig | None = None,
    self_managed_kafka_event_source_config: SelfManagedKafkaEventSourceConfig | None = None,
    document_db_event_source_config: DocumentDBEventSourceConfig | None = None,
    provisioned_poller_config: ProvisionedPollerConfig | None = None,
) -> EventSourceMappingConfiguration:
    """Feed a function from a queue, a stream, a broker or a change stream.

    Errors: InvalidParameterValueException, ResourceConflictException (the function reads it already).
    """
    asked = Settings(
        batch_size=batch_size,
        maximum_batching_window_in_seconds=maximum_batching_window_in_seconds,
        parallelization_factor=parallelization_factor,
        starting_position=starting_position,
        starting_position_timestamp=starting_position_timestamp,
        filter_criteria=filter_criteria,
        kms_key_arn=kms_key_arn,
        metrics_config=metrics_config,
        logging_config=logging_config,
        scaling_config=scaling_config,
        provisioned_poller_config=provisioned_poller_config,
        destination_config=destination_config,
        topics=topics,
        queues=queues,
        source_access_configurations=source_access_configurations,
        self_managed_event_source=self_managed_event_source,
        maximum_record_age_in_seconds=maximum_record_age_in_seconds,
        bisect_batch_on_function_error=bisect_batch_on_function_error,
        maximum_retry_attempts=maximum_retry_attempts,
        tumbling_window_in_seconds=tumbling_window_in_seconds,
        function_response_types=function_response_types,
        amazon_managed_kafka_event_source_config=amazon_managed_kafka_event_source_config,
        self_managed_kafka_event_source_config=self_managed_kafka_event_source_config,
        document_db_event_source_config=document_db_event_source_config,
    )
    mapping = created(
        asked,
        uuid=ctx.ids.uuid(),
        function_arn=located(ctx, function_name),
        event_source_arn=event_source_arn or None,
        enabled=enabled,
        tags=tags or {},
        now=ctx.clock.now(),
    )
    check_tags(mapping.tags)
    check_ends(ctx, mapping)
    await ctx.state.event_source_mappings.change(mapping.place, lambda _: mapping, guard_of(mapping))
    return shown(mapping)


@LAMBDA.operation
async def get_event_source_mapping(ctx: Context[Lambda], *, uuid: str) -> EventSourceMappingConfiguration:
    """Describe a mapping.

    Errors: ResourceNotFoundException.
    """
    return shown(mapping_of(ctx, uuid))


@LAMBDA.operation
async def list_event_source_mappings(
    ctx: Context[Lambda],
    *,
    event_source_arn: str | None = None,
    function_name: str | None = None,
    marker: str | None = None,
    max_items: int | None = None,
) -> ListEventSourceMappingsResponse:
    """List mappings by UUID: all, or those of a source, of a function (of just this qualifier), or both.

    Neither has to exist. Errors: InvalidParameterValueException (Marker).
    """
    arn = located(ctx, function_name) if function_name is not None else None
    mappings = [
        mapping
        for mapping in ctx.state.event_source_mappings.listed(ctx.account, ctx.region)
        if (arn is None or mapping.function_arn == arn)
        and (event_source_arn is None or mapping.event_source_arn == event_source_arn)
    ]
    page = paged(
        mappings,
        key=lambda mapping: mapping.uuid,
        scope=f"ListEventSourceMappings {ctx.account} {ctx.region} {arn} {event_source_arn}",
        marker=marker,
        max_items=max_items,
        page_max=PAGE_MAX,
    )
    return ListEventSourceMappingsResponse(
        event_source_mappings=[listed(mapping) for mapping in page.items], next_marker=page.marker
    )


@LAMBDA.operation(stored=STORED)
async def update_event_source_mapping(
    ctx: Context[Lambda],
    *,
    uuid: str,
    function_name: str | None = None,
    enabled: bool | None = None,
    batch_size: int | None = None,
    filter_criteria: FilterCriteria | None = None,
    kms_key_arn: str | None = None,
    metrics_config: EventSourceMappingMetricsConfig | None = None,
    logging_config: EventSourceMappingLoggingConfig | None = None,
    scaling_config: ScalingConfig | None = None,
    maximum_batching_window_in_seconds: int | None = None,
    parallelization_factor: int | None = None,
    destination_config: DestinationConfig | None = None,
    maximum_record_age_in_seconds: int | None = None,
    bisect_batch_on_function_error: bool | None = None,
    maximum_retry_attempts: int | None = None,
    tumbling_window_in_seconds: int | None = None,
    source_access_configurations: list[SourceAccessConfiguration] | None = None,
    function_response_types: list[str] | None = None,
    amazon_managed_kafka_event_source_config: AmazonManagedKafkaEventSourceConfig | None = None,
    self_managed_kafka_event_source_config: SelfManagedKafkaEventSourceConfig | None = None,
    document_db_event_source_config: DocumentDBEventSourceConfig | None = None,
    provisioned_poller_config: ProvisionedPollerConfig | None = None,
) -> EventSourceMappingConfiguration:
    """Change what is given of a mapping; what is given empty goes back to its default.

    Errors: ResourceNotFoundException, ResourceInUseException (a change is under way), InvalidParameterValueException,
    ResourceConflictException (the function reads it already).
    """
    asked = Settings(
        batch_size=batch_size,
        maximum_batching_window_in_seconds=maximum_batching_window_in_seconds,
        parallelization_factor=parallelization_factor,
        filter_criteria=filter_criteria,
        kms_key_arn=kms_key_arn,
        metrics_config=metrics_config,
        logging_config=logging_config,
        scaling_config=scaling_config,
        provisioned_poller_config=provisioned_poller_config,
        destination_config=destination_config,
        source_access_configurations=source_access_configurations,
        maximum_record_age_in_seconds=maximum_record_age_in_seconds,
        bisect_batch_on_function_error=bisect_batch_on_function_error,
        maximum_retry_attempts=maximum_retry_attempts,
        tumbling_window_in_seconds=tumbling_window_in_seconds,
        function_response_types=function_response_types,
        amazon_managed_kafka_event_source_config=amazon_managed_kafka_event_source_config,
        self_managed_kafka_event_source_config=self_managed_kafka_event_source_config,
        document_db_event_source_config=document_db_event_source_config,
    )
    arn = located(ctx, function_name) if function_name is not None else None
    now = ctx.clock.now()

    def update(before: EventSourceMapping | None) -> EventSourceMapping:
        return existing(before).updated(asked, function_arn=arn, enabled=enabled, now=now)

    proposed = update(mapping_of(ctx, uuid))
    if arn is not None:
        check_ends(ctx, proposed)
    # What `guard_of` looks at is the same in `before`, unless its state has become one that forbids an update.
    after = await ctx.state.event_source_mappings.change(proposed.place, update, guard_of(proposed))
    return shown(existing(after))


@LAMBDA.operation
async def delete_event_source_mapping(ctx: Context[Lambda], *, uuid: str) -> EventSourceMappingConfiguration:
    """Stop feeding the function, and then forget the mapping.

    Errors: ResourceNotFoundException, ResourceInUseException (a change is under way).
    """
    now = ctx.clock.now()
    place = Place(ctx.account, ctx.region, uuid)
    after = await ctx.state.event_source_mappings.change(place, lambda before: existing(before).deleted(now))
    return shown(existing(after))
