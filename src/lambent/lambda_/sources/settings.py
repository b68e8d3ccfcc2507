"""What an event source mapping is set to, in AWS's members; the same on the way in, in the row, and on the way out.

All are values, though their lists could be changed: nobody does. None means absent.
"""

from __future__ import annotations

from typing import cast

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    """A structure of AWS's."""


class Filter(Value, frozen=True):
    pattern: str | None = None


class FilterCriteria(Value, frozen=True):
    filters: list[Filter] | None = None  # a record passes if it matches one of them


class Destination(Value, frozen=True):
    destination: str | None = None  # an ARN, or kafka://topic


class DestinationConfig(Value, frozen=True):
    on_success: Destination | None = None
    on_failure: Destination | None = None


class ScalingConfig(Value, frozen=True):
    maximum_concurrency: int | None = None  # invocations at once, 2..1000; None: unlimited


class ProvisionedPollerConfig(Value, frozen=True):
    minimum_pollers: int | None = None
    maximum_pollers: int | None = None
    poller_group_name: str | None = None


class SourceAccessConfiguration(Value, frozen=True):
    type: str | None = None
    uri: str | None = msgspec.field(default=None, name="URI")


class SelfManagedEventSource(Value, frozen=True):
    endpoints: dict[str, list[str]] | None = None  # KAFKA_BOOTSTRAP_SERVERS: host:port

    @property
    def servers(self) -> list[str]:
        """The bootstrap servers."""
        return (self.endpoints or {}).get("KAFKA_BOOTSTRAP_SERVERS", [])


class KafkaSchemaRegistryAccessConfig(Value, frozen=True):
    type: str | None = None
    uri: str | None = msgspec.field(default=None, name="URI")


class KafkaSchemaValidationConfig(Value, frozen=True):
    attribute: str | None = None


class KafkaSchemaRegistryConfig(Value, frozen=True):
    schema_registry_uri: str | None = msgspec.field(default=None, name="SchemaRegistryURI")
    event_record_format: str | None = None
    access_configs: list[KafkaSchemaRegistryAccessConfig] | None = None
    schema_validation_configs: list[KafkaSchemaValidationConfig] | None = None


class AmazonManagedKafkaEventSourceConfig(Value, frozen=True):
    consumer_group_id: str | None = None
    schema_registry_config: KafkaSchemaRegistryConfig | None = None


class SelfManagedKafkaEventSourceConfig(AmazonManagedKafkaEventSourceConfig, frozen=True):
    consumption_mode: str | None = None  # Stream, or Queue: a Kafka share group


class DocumentDBEventSourceConfig(Value, frozen=True):
    database_name: str | None = None
    collection_name: str | None = None  # None: every collection
    full_document: str | None = None


class EventSourceMappingMetricsConfig(Value, frozen=True):
    metrics: list[str] | None = None


class EventSourceMappingLoggingConfig(Value, frozen=True):
    system_log_level: str | None = None


class Settings(Value, frozen=True):
    """Everything a mapping is set to but its source's ARN, its function, and whether it is on."""

    batch_size: int | None = None
    maximum_batching_window_in_seconds: int | None = None
    parallelization_factor: int | None = None
    starting_position: str | None = None
    starting_position_timestamp: float | None = None  # Unix epoch seconds
    filter_criteria: FilterCriteria | None = None
    kms_key_arn: str | None = msgspec.field(default=None, name="KMSKeyArn")
    metrics_config: EventSourceMappingMetricsConfig | None = None
    logging_config: EventSourceMappingLoggingConfig | None = None
    scaling_config: ScalingConfig | None = None
    provisioned_poller_config: ProvisionedPollerConfig | None = None
    destination_config: DestinationConfig | None = None
    topics: list[str] | None = None
    queues: list[str] | None = None
    source_access_configurations: list[SourceAccessConfiguration] | None = None
    self_managed_event_source: SelfManagedEventSource | None = None
    maximum_record_age_in_seconds: int | None = None
    bisect_batch_on_function_error: bool | None = None
    maximum_retry_attempts: int | None = None
    tumbling_window_in_seconds: int | None = None
    function_response_types: list[str] | None = None
    amazon_managed_kafka_event_source_config: AmazonManagedKafkaEventSourceConfig | None = None
    self_managed_kafka_event_source_config: SelfManagedKafkaEventSourceConfig | None = None
    document_db_event_source_config: DocumentDBEventSourceConfig | None = msgspec.field(
        default=None, name="DocumentDBEventSourceConfig"
    )

    @property
    def servers(self) -> list[str]:
        """The bootstrap servers of a self-managed cluster."""
        return self.self_managed_event_source.servers if self.self_managed_event_source is not None else []

    @property
    def kafka(self) -> AmazonManagedKafkaEventSourceConfig | None:
        """What is special to Kafka, whoever manages it."""
        return self.amazon_managed_kafka_event_source_config or self.self_managed_kafka_event_source_config

    @property
    def of_share_group(self) -> bool:
        """Whether ConsumptionMode is Queue."""
        kafka = self.self_managed_kafka_event_source_config
        return kafka is not None and kafka.consumption_mode == "Queue"


def given(value: object) -> bool:
    """Whether a member asks for something: not absent, and not empty however deep."""
    if isinstance(value, Value):
        return any(given(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, dict):
        return any(map(given, cast("dict[str, object]", value).values()))
    return value not in (None, "", [])
