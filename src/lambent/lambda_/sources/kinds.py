"""The kinds of source a mapping reads from, as data: who is recognised how, what each takes, and what it has unless told.

`TAKEN` is the table of reference/lambda.md 4.1: a member that a kind does not take is refused. `ROWS` has one row per kind.
The blocks of defaults are what AWS shows of a mapping that was created with nothing but what it needs: recorded of queues
and streams; of document databases and brokers as the developer guide's examples show them; of Kafka as far as its
parameter tables go.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from lambent.core.arn import Arn, InvalidArn
from lambent.lambda_.sources.errors import SourceMissing, SourceTwice, SourceUnsupported
from lambent.lambda_.sources.limits import FIFO_BATCH_SIZE_MAX, KAFKA_POLLERS_MAX, SQS_POLLERS_MIN
from lambent.lambda_.sources.settings import (
    Destination,
    DestinationConfig,
    DocumentDBEventSourceConfig,
    SelfManagedEventSource,
    Settings,
)


class Kind(enum.Flag):
    SQS = enum.auto()
    FIFO = enum.auto()
    KINESIS = enum.auto()  # a stream, or an enhanced fan-out consumer of one
    DYNAMODB = enum.auto()
    MSK = enum.auto()
    KAFKA = enum.auto()  # a cluster that its owner manages
    MQ = enum.auto()  # ActiveMQ or RabbitMQ: the ARN does not tell
    DOCUMENTDB = enum.auto()

    QUEUES = SQS | FIFO
    STREAMS = KINESIS | DYNAMODB
    KAFKAS = MSK | KAFKA


EVERY: Final = Kind.QUEUES | Kind.STREAMS | Kind.KAFKAS | Kind.MQ | Kind.DOCUMENTDB
POSITIONED: Final = Kind.STREAMS | Kind.KAFKAS | Kind.DOCUMENTDB

TAKEN: Final[Mapping[str, Kind]] = {
    "batch_size": EVERY,
    "maximum_batching_window_in_seconds": EVERY,
    "starting_position": POSITIONED,
    "starting_position_timestamp": POSITIONED,
    "filter_criteria": EVERY & ~Kind.DOCUMENTDB,
    "kms_key_arn": EVERY,
    "function_response_types": Kind.QUEUES | Kind.STREAMS | Kind.KAFKAS,
    "maximum_retry_attempts": Kind.STREAMS | Kind.KAFKAS,
    "maximum_record_age_in_seconds": Kind.STREAMS | Kind.KAFKAS,
    "bisect_batch_on_function_error": Kind.STREAMS | Kind.KAFKAS,
    "destination_config": Kind.STREAMS | Kind.KAFKAS,
    "parallelization_factor": Kind.STREAMS,
    "tumbling_window_in_seconds": Kind.STREAMS,
    "scaling_config": Kind.QUEUES,
    "provisioned_poller_config": Kind.QUEUES | Kind.KAFKAS,
    "metrics_config": Kind.QUEUES | Kind.STREAMS | Kind.KAFKAS,
    "logging_config": Kind.KAFKAS,
    "topics": Kind.KAFKAS,
    "queues": Kind.MQ,
    "source_access_configurations": Kind.KAFKAS | Kind.MQ | Kind.DOCUMENTDB,
    "self_managed_event_source": Kind.KAFKA,
    "amazon_managed_kafka_event_source_config": Kind.MSK,
    "self_managed_kafka_event_source_config": Kind.KAFKA,
    "document_db_event_source_config": Kind.DOCUMENTDB,
}

# What Kafka takes in provisioned mode only, with its value there unless told.
PROVISIONED: Final[Mapping[str, Any]] = {
    "function_response_types": [],
    "maximum_retry_attempts": -1,
    "maximum_record_age_in_seconds": -1,
    "bisect_batch_on_function_error": False,
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of source."""

    defaults: Settings
    required: tuple[str, ...] = ()  # members without which nothing can be read
    positions: frozenset[str] = frozenset()  # StartingPosition
    batch_size_max: int = 10_000
    access: frozenset[str] = frozenset()  # SourceAccessConfiguration.Type
    metrics: frozenset[str] = frozenset({"EventCount"})
    pollers: tuple[int, int] = (1, KAFKA_POLLERS_MAX)  # the fewest and the most
    transition_reason: str = "USER_INITIATED"  # StateTransitionReason
    result: str | None = "No records processed"  # LastProcessingResult before the first; None: it has none


QUEUE: Final = Row(
    defaults=Settings(batch_size=10, maximum_batching_window_in_seconds=0, function_response_types=[]),
    pollers=(SQS_POLLERS_MIN, 10_000),
    result=None,
)
STREAM: Final = Row(
    defaults=Settings(
        batch_size=100,
        maximum_batching_window_in_seconds=0,
        parallelization_factor=1,
        destination_config=DestinationConfig(on_failure=Destination()),
        maximum_record_age_in_seconds=-1,
        bisect_batch_on_function_error=False,
        maximum_retry_attempts=-1,
        tumbling_window_in_seconds=0,
        function_response_types=[],
    ),
    positions=frozenset({"LATEST", "TRIM_HORIZON", "AT_TIMESTAMP"}),
    transition_reason="User action",
)
CLUSTER: Final = Row(
    # The batching window of 500 ms has no number in seconds, so it is not shown.
    defaults=Settings(batch_size=100, starting_position="TRIM_HORIZON"),
    required=("topics",),
    positions=STREAM.positions,
    access=frozenset(
        {
            "BASIC_AUTH",
            "SASL_SCRAM_256_AUTH",
            "SASL_SCRAM_512_AUTH",
            "CLIENT_CERTIFICATE_TLS_AUTH",
            "SERVER_ROOT_CA_CERTIFICATE",
            "VPC_SUBNET",
            "VPC_SECURITY_GROUP",
            "IAM_AUTH",
            "OAUTHBEARER_AUTH",
            "OAUTHBEARER_AUDIENCE",
            "OAUTHBEARER_SCOPE",
            "OAUTHBEARER_LOGICAL_CLUSTER",
            "OAUTHBEARER_IDENTITY_POOL",
            "IAM_OAUTHBEARER_AUTH",
        }
    ),
    metrics=frozenset({"EventCount", "ErrorCount", "KafkaMetrics"}),
)

ROWS: Final[Mapping[Kind, Row]] = {
    Kind.SQS: QUEUE,
    Kind.FIFO: msgspec.structs.replace(QUEUE, batch_size_max=FIFO_BATCH_SIZE_MAX),
    Kind.KINESIS: STREAM,
    Kind.DYNAMODB: msgspec.structs.replace(STREAM, positions=STREAM.positions - {"AT_TIMESTAMP"}),
    Kind.MSK: CLUSTER,
    Kind.KAFKA: msgspec.structs.replace(CLUSTER, required=("source_access_configurations", "topics")),
    Kind.MQ: Row(
        defaults=Settings(batch_size=100),
        required=("queues",),
        access=frozenset({"BASIC_AUTH", "VIRTUAL_HOST"}),
    ),
    Kind.DOCUMENTDB: Row(
        defaults=Settings(
            batch_size=100,
            maximum_batching_window_in_seconds=0,
            starting_position="TRIM_HORIZON",
            document_db_event_source_config=DocumentDBEventSourceConfig(full_document="Default"),
        ),
        required=("source_access_configurations",),
        positions=STREAM.positions,
        access=frozenset({"BASIC_AUTH", "VPC_SUBNET", "VPC_SECURITY_GROUP"}),
        transition_reason="User action",
    ),
}

# The resource part of an ARN by its service; the region and the account are always there.
SERVICES: Final[Mapping[str, tuple[Kind, re.Pattern[str]]]] = {
    "sqs": (Kind.SQS, re.compile(r"[A-Za-z0-9_-]{1,80}")),
    "kinesis": (Kind.KINESIS, re.compile(r"stream/[A-Za-z0-9_.-]{1,128}(?:/consumer/[A-Za-z0-9_.-]{1,128}:[0-9]+)?")),
    "dynamodb": (Kind.DYNAMODB, re.compile(r"table/[A-Za-z0-9_.-]{1,255}/stream/[A-Za-z0-9_.:-]+")),
    "kafka": (Kind.MSK, re.compile(r"(?:cluster|vpc-connection)/[A-Za-z0-9_./-]+")),
    "mq": (Kind.MQ, re.compile(r"broker:[A-Za-z0-9_:-]+")),
    "rds": (Kind.DOCUMENTDB, re.compile(r"cluster:[A-Za-z0-9-]+")),
}
FIFO_QUEUE: Final = re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo")


def kind_of(event_source_arn: str | None, self_managed: SelfManagedEventSource | None) -> Kind:
    """Raises SourceMissing, SourceTwice, SourceUnsupported."""
    if self_managed is not None and self_managed.servers:
        if event_source_arn:
            raise SourceTwice
        return Kind.KAFKA
    if not event_source_arn:
        raise SourceMissing
    try:
        arn = Arn.parse(event_source_arn)
    except InvalidArn:
        raise SourceUnsupported(arn=event_source_arn) from None
    kind, resource = SERVICES.get(arn.service, (None, FIFO_QUEUE))
    if kind is Kind.SQS and FIFO_QUEUE.fullmatch(arn.resource):
        kind, resource = Kind.FIFO, FIFO_QUEUE
    if kind is None or not (arn.region and arn.account and resource.fullmatch(arn.resource)):
        raise SourceUnsupported(arn=event_source_arn)
    return kind
